import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

import { Fault } from '../../kit/fault.ts';

/** PEM texts for Node's TLS server. */
export interface TlsIdentity {
  key: string;
  cert: string;
}

/** The origin of a certificate. */
export interface Source {
  /** Milliseconds between two checks. */
  everyMs: number;
  /** @returns the identity to serve with; `current` itself if nothing has changed */
  load(current: TlsIdentity | undefined): Promise<TlsIdentity>;
}

/** @returns the identity if it can be used. Faults: `invalid_config`, whose message begins with `ifNot` */
export function checked(identity: TlsIdentity, ifNot: string): TlsIdentity {
  try {
    createSecureContext(identity);
    // createSecureContext ignores an empty text, and a file is empty while it is being replaced.
    const certificate = new X509Certificate(identity.cert);
    if (certificate.checkPrivateKey(createPrivateKey(identity.key))) return identity;
  } catch (error) {
    throw new Fault('invalid_config', `${ifNot} ${(error as Error).message}`);
  }
  throw new Fault('invalid_config', `${ifNot} The key belongs to another certificate.`);
}
