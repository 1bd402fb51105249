import type { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

import { Fault, systemErrorCode } from '../../kit/fault.ts';
import { readServerCertificate, type ServerCertificate } from '../certificates/kinds.ts';

/**
 * Reads the certificate of the API, with its key and chain. It must be one that the controllers accept: they compare its
 * name with the id of the amphora, never with an address.
 * @param now by the clock of this host, in milliseconds
 * Faults: `certificate_missing`, `certificate_key_missing`, `certificate_mismatch`, `certificate_refused`,
 * `agent_certificate_refused`
 */
export function readAgentCertificate(
  bytes: Buffer,
  amphoraId: string,
  now: number,
): ServerCertificate {
  const found = readServerCertificate(bytes);
  const { certificate } = found;
  if (!namesIn(certificate).includes(amphoraId.toLowerCase())) {
    throw refused(
      `It does not name this amphora. Its subjectAltName has to have DNS:${amphoraId}, because controllers compare that name.`,
    );
  }
  if (certificate.validToDate.getTime() <= now) {
    throw refused(
      `It expired at ${certificate.validToDate.toISOString()}, by the clock of this host.`,
    );
  }
  refuseUnusable(bytes);
  return found;
}

/** The names of a certificate: the DNS names of its subjectAltName, and its common name, which older drivers take. */
function namesIn({ subject, subjectAltName = '' }: X509Certificate): string[] {
  const dns = subjectAltName.split(', ').flatMap((name) => name.split(/^DNS:/).slice(1));
  const common = subject.split('\n').flatMap((line) => line.split(/^CN=/).slice(1));
  return [...dns, ...common].map((name) => name.toLowerCase());
}

/** OpenSSL refuses keys and digests that are too weak only when they are to be used. */
function refuseUnusable(pem: Buffer): void {
  try {
    createSecureContext({ cert: pem, key: pem });
  } catch (error) {
    throw refused(
      `OpenSSL does not serve with it (${systemErrorCode(error) ?? 'no reason given'}). Its key may be too short, or its digest too weak.`,
    );
  }
}

function refused(message: string): Fault {
  return new Fault('agent_certificate_refused', message);
}
