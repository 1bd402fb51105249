import { Fault } from '../../kit/fault.ts';
import type { KeyRing } from './keys.ts';
import { parseIdentity, type PeerIdentity } from './peer-protocol.ts';

/** Knows which host is on each connection. */
export interface PeerCallers {
  /**
   * Notes who is on a connection, which must then prove that it has the key.
   * @param identity the text that was sent, possibly by anybody
   * @returns the key, or null if there is no key of that name
   */
  admit(connection: object, identity: string): Buffer | null;
  /**
   * Returns the host on a connection, as long as its key is valid. Call it for each request, because connections last.
   * Faults: `unauthenticated`
   */
  of(connection: object): string;
}

export function makePeerCallers(keys: KeyRing): PeerCallers {
  const identities = new WeakMap<object, PeerIdentity>();
  return {
    admit(connection, text) {
      const identity = parseIdentity(text);
      const key = identity && keys.find(identity.keyId);
      if (identity === undefined || key === undefined) return null;
      identities.set(connection, identity);
      return key.secret;
    },
    of(connection) {
      const identity = identities.get(connection);
      if (identity === undefined || keys.find(identity.keyId) === undefined) {
        throw new Fault(
          'unauthenticated',
          'The key of this connection is no longer valid on this host. Connect again with the key that both hosts have now.',
        );
      }
      return identity.hostId;
    },
  };
}
