import type { Reading, Store } from '../../controller/store/store.ts';
import type { BalancerDomain } from '../domain.ts';
import { settingsOf, wantedOf } from '../rows/objects.ts';
import { invalid, notFound, taken } from '../sentences.ts';
import { idOfRef, type SecretStore } from './secrets.ts';

/** What administrators do with certificates. */
export function makeSecretsDomain({
  store,
  secrets,
  clock,
  redeploy,
}: {
  store: Store;
  secrets: SecretStore;
  clock: () => number;
  /** Brings load balancers onto their nodes again. */
  redeploy: (balancers: readonly string[]) => Promise<void>;
}): BalancerDomain['secrets'] {
  return {
    list: () => secrets.list(store),
    async put(id, pem) {
      const own = idOfRef(id);
      if (own === undefined || own !== id.toLowerCase())
        throw invalid(`The id of a secret must be a UUID, and '${id}' is none.`);
      const secret = await store.write((transaction) =>
        secrets.put(transaction, own, pem, clock()),
      );
      await redeploy([...new Set((await usesOf(store, own)).map(({ balancer }) => balancer))]);
      return secret;
    },
    async remove(id) {
      await store.write(async (transaction) => {
        const [use] = await usesOf(transaction, id.toLowerCase());
        if (use)
          throw taken(
            `Secret ${id} is in use by the listener ${use.listener}. Give that another certificate, or delete it, first.`,
          );
        if (!(await secrets.remove(transaction, id.toLowerCase()))) throw notFound('Secret', id);
      });
    },
  };
}

/** The listeners that use a secret, or are to use it. */
async function usesOf(
  reading: Reading,
  id: string,
): Promise<{ listener: string; balancer: string }[]> {
  const rows = await reading.all(
    'SELECT id, load_balancer, settings, wanted FROM balancer_listeners ORDER BY id',
  );
  return rows
    .filter((row) =>
      [settingsOf('listener', row), wantedOf('listener', row)].some(
        ({ protocol, tlsRef, sniRefs }) =>
          protocol === 'TERMINATED_HTTPS' &&
          [tlsRef, ...sniRefs].some((ref) => ref !== null && idOfRef(ref) === id),
      ),
    )
    .map((row) => ({ listener: String(row['id']), balancer: String(row['load_balancer']) }));
}
