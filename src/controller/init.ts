import { Fault } from '../kit/fault.ts';
import type { HostNames } from '../kit/host-names.ts';
import { fingerprintOf } from './certificates/life.ts';
import { makeOwnAuthority, openOwnCertificates } from './certificates/own.ts';
import type { Signer } from './certificates/signer.ts';
import { makeStore, openStore } from './store/open.ts';
import type { Migration, StoreIdentity } from './store/store.ts';

/** A controller that was made. */
export interface Initialised {
  identity: StoreIdentity;
  /** SHA-256 of the authority's certificate. */
  authority: string;
}

/**
 * Makes the store of a controller, its authority and its certificates. What a killed call has begun is finished.
 * Faults: `store_exists`, `store_in_use`, those of Store and Signer
 */
export async function initController({
  folder,
  migrations,
  signer,
  host,
}: {
  folder: string;
  migrations: readonly Migration[];
  signer: Signer;
  host: () => Promise<HostNames>;
}): Promise<Initialised> {
  const existing = await makeStore({ folder, migrations }).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof Fault && error.code === 'store_exists') return error;
      throw error;
    },
  );
  const store = await openStore({ folder, migrations });
  try {
    const found = await store.one('SELECT certificate FROM authority');
    if (existing && found !== undefined) throw existing;
    if (found === undefined) await makeOwnAuthority(store, signer);
    const { authority } = await openOwnCertificates(store, signer, host);
    return { identity: store.identity, authority: fingerprintOf(authority.certificate) };
  } finally {
    await store.close();
  }
}
