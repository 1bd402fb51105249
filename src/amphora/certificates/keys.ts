import { createPrivateKey, type KeyObject, sign, verify, type X509Certificate } from 'node:crypto';

/** The private key of a PEM block, or undefined if OpenSSL cannot read it. */
export function readKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    // Its message may quote the key.
    return undefined;
  }
}

/**
 * Whether a private key is undamaged and belongs to a certificate. OpenSSL itself compares only their public halves, so
 * that a damaged key would pass and fail in each handshake.
 */
export function fits(key: KeyObject, certificate: X509Certificate): boolean {
  try {
    return certificate.checkPrivateKey(key) && signs(key, certificate) && isConsistent(key);
  } catch {
    return false;
  }
}

const probe = Buffer.from('probe of a private key');

function signs(key: KeyObject, certificate: X509Certificate): boolean {
  const isEdwards = key.asymmetricKeyType === 'ed25519' || key.asymmetricKeyType === 'ed448';
  const digest = isEdwards ? null : 'sha256';
  return verify(digest, probe, certificate.publicKey, sign(digest, probe, key));
}

/**
 * Whether the numbers of an RSA key belong together (RFC 8017, section 3.2). A signature alone does not show a damaged
 * private exponent, because it is made of the primes.
 */
function isConsistent(key: KeyObject): boolean {
  if (key.asymmetricKeyType !== 'rsa') return true;
  const jwk = key.export({ format: 'jwk' });
  const number = (name: 'n' | 'e' | 'd' | 'p' | 'q' | 'dp' | 'dq' | 'qi') =>
    BigInt(`0x0${Buffer.from(jwk[name] ?? '', 'base64url').toString('hex')}`);
  const [n, e, d, p, q] = [number('n'), number('e'), number('d'), number('p'), number('q')];
  if (p < 2n || q < 2n || p * q !== n) return false;
  if ((e * d) % (p - 1n) !== 1n || (e * d) % (q - 1n) !== 1n) return false;
  if (number('dp') !== d % (p - 1n) || number('dq') !== d % (q - 1n)) return false;
  return (number('qi') * q) % p === 1n;
}
