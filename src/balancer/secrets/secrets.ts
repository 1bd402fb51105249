import type { Reading, Transaction } from '../../controller/store/store.ts';
import type { WantedCertificate } from '../deploying.ts';
import type { TlsTermination } from '../domain.ts';
import type { Secret } from '../grounds.ts';

/** Certificates and their keys, as changes and plans need them. */
export interface Secrets {
  /** Whether a reference of a listener can be read. */
  has(reading: Reading, ref: string): Promise<boolean>;
  /** Stores a certificate that came with a listener. @returns its id. Faults: `balancer_invalid` */
  add(transaction: Transaction, termination: TlsTermination, now: number): Promise<string>;
  /** Reads what references name. What cannot be read is left out. */
  read(
    reading: Reading,
    refs: ReadonlySet<string>,
  ): Promise<ReadonlyMap<string, WantedCertificate>>;
}

/** The same with what administrators do. */
export interface SecretStore extends Secrets {
  list(reading: Reading): Promise<readonly Secret[]>;
  /** Stores a certificate under an id, in the place of a former one. Faults: `balancer_invalid` */
  put(
    transaction: Transaction,
    id: string,
    pem: TlsTermination | { pem: string },
    now: number,
  ): Promise<Secret>;
  /** @returns whether there was one */
  remove(transaction: Transaction, id: string): Promise<boolean>;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The id in a reference: a UUID, or the last part of a URL. */
export function idOfRef(ref: string): string | undefined {
  const id = ref.slice(ref.lastIndexOf('/') + 1).toLowerCase();
  return uuid.test(id) ? id : undefined;
}
