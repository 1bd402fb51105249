import { type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

import { Fault } from '../../kit/fault.ts';
import {
  parsePem,
  type Pem,
  type PemBlock,
  type PemKind,
  type PemProblemKind,
  readCrtList,
} from '../../parsers/pem.ts';
import { fits, readKey } from './keys.ts';

/** A certificate with its key, and the chain that was uploaded with it. */
export interface ServerCertificate {
  kind: 'server certificate';
  certificate: X509Certificate;
  key: KeyObject;
  /** All other certificates of the text. */
  chain: readonly X509Certificate[];
}

/** The four kinds of files that come by the route of certificates. */
export type TenantFile =
  | ServerCertificate
  | { kind: 'crt-list'; paths: readonly string[] }
  | { kind: 'ca'; certificates: readonly X509Certificate[] }
  | { kind: 'crl'; count: number };

/** OpenSSL takes no longer chain from a peer (`SSL_MAX_CERT_LIST_DEFAULT`), so it would serve nobody. */
const maxChainBytes = 100 * 1024;

const maxOfOneName = 8;

/** Certificates of authorities and lists of revoked ones are named by their SHA-1. */
const namedByDigest = /^[0-9a-f]{40}\.pem$/;

/**
 * Decides what was uploaded, by its content. Only the name tells a certificate without its key from the certificate of an
 * authority.
 * @param file its name
 * @param folder the folder of its owner's certificates, for the paths of a crt-list
 * Faults: `certificate_missing`, `certificate_key_missing`, `certificate_mismatch`, `certificate_refused`
 */
export function readTenantFile(file: string, bytes: Buffer, folder: string): TenantFile {
  // Each byte is a character, so that a character beyond ASCII is refused where it matters.
  const text = bytes.toString('latin1');
  if (text.startsWith('/')) return crtList(text, folder);
  const pem = soundPem(text);
  const has = (kind: PemKind) => pem.blocks.some((block) => block.kind === kind);
  if (has('crl')) return revocations(pem);
  if (has('certificate') && !has('key') && !has('encrypted key') && namedByDigest.test(file)) {
    return { kind: 'ca', certificates: soundCertificates(pem) };
  }
  return serverCertificateOf(pem);
}

/**
 * The certificate and the key of a text, in any order.
 * Faults: `certificate_missing`, `certificate_key_missing`, `certificate_mismatch`, `certificate_refused`
 */
export function readServerCertificate(bytes: Buffer): ServerCertificate {
  return serverCertificateOf(soundPem(bytes.toString('latin1')));
}

function serverCertificateOf(pem: Pem): ServerCertificate {
  const blocksOf = (kind: PemKind) => pem.blocks.filter((block) => block.kind === kind);
  const keys = blocksOf('key');
  if (blocksOf('crl').length > 0) throw refused('It must not hold a CRL beside a certificate.');
  if (blocksOf('encrypted key').length > 0) {
    throw refused('Its key is encrypted, and nobody can be asked for the passphrase. Decrypt it.');
  }
  if (keys.length > 1) throw refused('It has more than one private key. Upload each by itself.');
  refuseLongChain(blocksOf('certificate'));
  const certificates = soundCertificates(pem);
  const [keyBlock] = keys;
  if (certificates.length === 0) {
    throw new Fault(
      'certificate_missing',
      "There is no certificate in it, a block that begins with '-----BEGIN CERTIFICATE-----'.",
    );
  }
  if (!keyBlock) {
    throw new Fault(
      'certificate_key_missing',
      "There is no private key in it, a block that begins with '-----BEGIN PRIVATE KEY-----' or '-----BEGIN RSA PRIVATE KEY-----'.",
    );
  }
  const key = readKey(keyBlock.text);
  if (!key) throw refused('Its private key cannot be read by OpenSSL.');
  return { kind: 'server certificate', key, ...withChain(certificates, key) };
}

/** The certificate that belongs to the key. haproxy and TLS want it first, and the drivers write it first. */
function withChain(certificates: readonly X509Certificate[], key: KeyObject) {
  const [certificate, ...chain] = certificates;
  if (!certificate || !fits(key, certificate)) {
    throw new Fault(
      'certificate_mismatch',
      'The private key does not belong to the first certificate, or it is damaged. The certificate of the key comes before its chain.',
    );
  }
  return { certificate, chain };
}

function refuseLongChain(blocks: readonly PemBlock[]): void {
  const size = blocks.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (size <= maxChainBytes) return;
  throw refused(
    `Its certificates have ${size} bytes. Clients take ${maxChainBytes} at most, so leave out what is not needed.`,
  );
}

function crtList(text: string, folder: string): TenantFile {
  const list = readCrtList(text, folder);
  if ('paths' in list) return { kind: 'crt-list', ...list };
  throw refused(
    `Line ${list.line} is not a path of a crt-list. Each line has to be the path of a certificate in ${folder}, and nothing else.`,
  );
}

/** An authority has one CRL, and OpenSSL needs almost a millisecond for each. */
const maxCrls = 100;

function revocations(pem: Pem): TenantFile {
  if (pem.blocks.length > maxCrls) {
    throw refused(`It has ${pem.blocks.length} blocks, and at most ${maxCrls} CRLs are allowed.`);
  }
  if (pem.blocks.some(({ kind }) => kind !== 'crl')) {
    throw refused('A CRL must be in a file of its own.');
  }
  for (const [index, block] of pem.blocks.entries()) {
    if (!isCrl(block)) throw refused(`Its CRL number ${index + 1} cannot be read by OpenSSL.`);
  }
  return { kind: 'crl', count: pem.blocks.length };
}

/** Node.js has no type for a CRL, but a context of TLS reads one with OpenSSL. */
function isCrl({ text, bytes }: PemBlock): boolean {
  try {
    createSecureContext({ crl: text });
    // OpenSSL ignores bytes after the end of the outermost value.
    return derLength(bytes) === bytes.length;
  } catch {
    return false;
  }
}

/** The certificates of a text. Faults: `certificate_refused` if one cannot be read or is damaged */
function soundCertificates(pem: Pem): X509Certificate[] {
  const blocks = pem.blocks.filter(({ kind }) => kind === 'certificate');
  const certificates = blocks.map(({ bytes }, index) => {
    const certificate = readCertificate(bytes);
    if (certificate && derLength(bytes) === bytes.length) return certificate;
    throw refused(`Its certificate number ${index + 1} cannot be read by OpenSSL.`);
  });
  const bySubject = new Map<string, X509Certificate[]>();
  for (const each of certificates) {
    const named = bySubject.get(each.subject);
    if (named) named.push(each);
    else bySubject.set(each.subject, [each]);
  }
  const damaged = certificates.findIndex(
    (each) => !isSignedWithin(each, bySubject.get(each.issuer) ?? []),
  );
  if (damaged !== -1) {
    throw refused(
      `The signature of its certificate number ${damaged + 1} is not that of its issuer, which is in the same file. One of them is damaged.`,
    );
  }
  return certificates;
}

function readCertificate(bytes: Uint8Array): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(bytes);
    // OpenSSL reads these when they are asked for.
    return certificate.publicKey.type === 'public' && certificate.validTo !== ''
      ? certificate
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether one of its issuers in the file has signed a certificate, or none of them is in the file. */
function isSignedWithin(certificate: X509Certificate, named: readonly X509Certificate[]): boolean {
  // More of one name do not occur, and each costs a check of a signature for each of the others.
  if (named.length > maxOfOneName) return true;
  const issuers = named.filter((each) => certificate.checkIssued(each));
  return issuers.length === 0 || issuers.some((each) => certificate.verify(each.publicKey));
}

/** The length of the DER value at the beginning, with its head (X.690, section 8.1.3), or undefined. */
function derLength(bytes: Uint8Array): number | undefined {
  const first = bytes[1];
  if (first === undefined) return undefined;
  if (first < 0x80) return 2 + first;
  const count = first & 0x7f;
  if (count === 0 || count > 4 || bytes.length < 2 + count) return undefined;
  const length = bytes.subarray(2, 2 + count).reduce((sum, byte) => sum * 256 + byte, 0);
  return 2 + count + length;
}

function soundPem(text: string): Pem {
  const pem = parsePem(text);
  const [problem] = pem.problems;
  if (!problem) return pem;
  throw refused(`Line ${problem.line} ${meaning[problem.kind]}.`);
}

const meaning: Readonly<Record<PemProblemKind, string>> = {
  'too large': 'begins a text that is larger than 4 MiB',
  'broken marker': "is neither a line '-----BEGIN …-----' nor the '-----END …-----' of the block",
  'unknown label': 'begins a block that is neither a certificate, a private key nor a CRL',
  'not base64': 'begins a block that is not base64',
  'empty block': 'begins an empty block',
  'missing end': 'begins or interrupts a block without an end',
};

function refused(message: string): Fault {
  return new Fault('certificate_refused', message);
}
