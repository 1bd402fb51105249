import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

import type { TlsTermination } from '../domain.ts';
import type { Secret } from '../grounds.ts';
import { invalid } from '../sentences.ts';

/** A certificate that was checked. */
export interface CheckedCertificate {
  /** Certificate, chain and key, in this order. The key has no passphrase. */
  pem: string;
  described: Pick<Secret, 'fingerprint' | 'subject' | 'names' | 'expiresAt'>;
}

/** Max number of bytes of what a client sends, and of certificates in it. */
const maxBytes = 262_144;
const maxCertificates = 10;

const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const keyBlock = /-----BEGIN ((?:RSA |EC |ENCRYPTED )?PRIVATE KEY)-----[\s\S]+?-----END \1-----/g;

/**
 * Checks what is to be served: the key belongs to the certificate, which is valid at the moment, and each certificate of
 * the chain has issued the one before it.
 * @param now milliseconds since 1970
 * Faults: `balancer_invalid`, whose sentences have nothing of the key
 */
export function checkCertificate(
  given: TlsTermination | { pem: string },
  now: number,
): CheckedCertificate {
  const { certificates, key } = partsOf(given);
  const [leaf, ...chain] = certificates;
  if (leaf === undefined) throw unusable('it has no certificate');
  if (!leaf.checkPrivateKey(key)) throw unusable('the private key is not that of the certificate');
  for (const each of certificates) demandValid(each, now);
  let former = leaf;
  for (const issuer of chain) {
    // The public key says more than the name: two authorities may have one name.
    if (!former.checkIssued(issuer) || !former.verify(issuer.publicKey))
      throw unusable(
        `the chain is not in order: the certificate of ${nameOf(issuer)} has not issued the one before it`,
      );
    former = issuer;
  }
  return {
    pem: [
      ...certificates.map((each) => each.toString()),
      key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    ]
      .map((part) => `${part.trim()}\n`)
      .join(''),
    described: {
      fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
      subject: nameOf(leaf),
      names: namesOf(leaf),
      expiresAt: new Date(leaf.validTo).toISOString(),
    },
  };
}

function partsOf(given: TlsTermination | { pem: string }): {
  certificates: X509Certificate[];
  key: KeyObject;
} {
  const isWhole = 'pem' in given;
  const texts = isWhole
    ? { chain: given.pem, key: given.pem, passphrase: null }
    : {
        chain: `${given.certificate}\n${given.intermediate ?? ''}`,
        key: given.privateKey,
        passphrase: given.passphrase,
      };
  if (texts.chain.length + texts.key.length > maxBytes)
    throw unusable(`it is larger than ${maxBytes / 1024} KiB`);
  const blocks = texts.chain.match(certificateBlock) ?? [];
  if (blocks.length > maxCertificates)
    throw unusable(`it has more than ${maxCertificates} certificates`);
  const keys = texts.key.match(keyBlock) ?? [];
  const [keyText] = keys;
  if (keyText === undefined || keys.length > 1)
    throw unusable('it must have exactly one private key in PEM');
  return { certificates: blocks.map(certificateOf), key: keyOf(keyText, texts.passphrase) };
}

function certificateOf(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw unusable('a certificate in it cannot be read as X.509 in PEM');
  }
}

function keyOf(pem: string, passphrase: string | null): KeyObject {
  try {
    // An empty passphrase keeps OpenSSL from asking for one.
    return createPrivateKey({ key: pem, format: 'pem', passphrase: passphrase ?? '' });
  } catch {
    throw unusable(
      passphrase === null
        ? 'its private key cannot be read, or has a passphrase that was not sent'
        : 'its private key cannot be read with that passphrase',
    );
  }
}

function demandValid(certificate: X509Certificate, now: number): void {
  if (Date.parse(certificate.validTo) <= now)
    throw unusable(`the certificate of ${nameOf(certificate)} has expired`);
  if (Date.parse(certificate.validFrom) > now)
    throw unusable(`the certificate of ${nameOf(certificate)} is not valid yet`);
}

function nameOf({ subject }: X509Certificate): string {
  // Node gives undefined for an empty subject, unlike its types.
  return ((subject as string | undefined) ?? '').replaceAll('\n', ', ');
}

/** The names of hosts that a certificate is for. */
function namesOf({ subjectAltName }: X509Certificate): string[] {
  return (subjectAltName ?? '')
    .split(', ')
    .map((each) => /^(?:DNS|IP Address):(.+)$/.exec(each)?.[1])
    .filter((each) => each !== undefined);
}

function unusable(why: string): Error {
  return invalid(`Validation failure: The certificate cannot be used: ${why}.`);
}
