import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';

import { ifThere, lstatIfThere, namesIn, readTextIfThere } from '../kit/files/files.ts';

/** A certificate file: of a tenant, or of the agent itself. */
export interface CertificateStatus {
  /** The id of its owner; null for the agent's own. */
  owner: string | null;
  path: string;
  /** The names in it, or its subject if it has none. */
  names: string;
  /** ISO 8601 in UTC; the first end of those in the file. */
  validTo: string;
}

const block = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Reads the certificates of all owners and of the agent. Files without a certificate, such as lists of certificates and
 * of revocations, are left out. Nothing is read through a link.
 * @param folder `base_cert_dir`, with a folder for each owner
 */
export async function readCertificates(
  folder: string,
  agentFiles: readonly string[],
): Promise<CertificateStatus[]> {
  const found: CertificateStatus[] = [];
  for (const owner of (await namesIn(folder)).toSorted()) {
    const place = join(folder, owner);
    if ((await lstatIfThere(place))?.isDirectory() !== true) continue;
    for (const name of (await namesIn(place)).toSorted()) {
      if (!name.endsWith('.pem')) continue;
      const path = join(place, name);
      if ((await lstatIfThere(path))?.isFile() === true) found.push(...(await read(path, owner)));
    }
  }
  for (const path of agentFiles) found.push(...(await read(path, null)));
  return found;
}

async function read(path: string, owner: string | null): Promise<CertificateStatus[]> {
  const text = (await ifThere(readTextIfThere(path), ['ENOENT', 'EISDIR'])) ?? '';
  const certificates = [...text.matchAll(block)].flatMap(([pem]) => certificateOf(pem) ?? []);
  const [first] = certificates;
  if (first === undefined) return [];
  const ends = certificates.map(({ validTo }) => Date.parse(validTo));
  return [
    {
      owner,
      path,
      names: first.subjectAltName ?? first.subject.replaceAll('\n', ', '),
      validTo: new Date(Math.min(...ends)).toISOString(),
    },
  ];
}

function certificateOf(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
