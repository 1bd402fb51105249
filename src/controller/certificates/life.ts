import { X509Certificate } from 'node:crypto';

/** When a certificate is to be renewed: after two thirds of its life. In milliseconds since 1970. */
export function renewalOf(pem: string): number {
  const { validFrom, validTo } = new X509Certificate(pem);
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  return Math.round(from + ((to - from) * 2) / 3);
}

/** The SHA-256 of a certificate, as 64 lower-case hexadecimal digits. */
export function fingerprintOf(pem: string): string {
  return plainFingerprint(new X509Certificate(pem).fingerprint256);
}

/** @param fingerprint as Node.js has it, such as `AB:CD:…` */
export function plainFingerprint(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase();
}
