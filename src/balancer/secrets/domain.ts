import type { Reading, Store, Transaction } from '../../controller/store/store.ts';
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
  onChanged,
}: {
  store: Store;
  secrets: SecretStore;
  clock: () => number;
  /** See Moves. */
  redeploy: (transaction: Transaction, balancers: readonly string[]) => Promise<void>;
  /** Called after the transaction for each load balancer. */
  onChanged: (balancer: string) => void;
}): BalancerDomain['secrets'] {
  return {
    list: () => secrets.list(store),
    async put(id, pem) {
      const own = idOfRef(id);
      if (own === undefined || own !== id.toLowerCase())
        throw invalid(`The id of a secret must be a UUID, and '${id}' is none.`);
      // One transaction, so that no kill in between leaves nodes with the former certificate.
      const { secret, balancers } = await store.write(async (transaction) => {
        const put = await secrets.put(transaction, own, pem, clock());
        const uses = await usesOf(transaction, own);
        const users = [...new Set(uses.map(({ balancer }) => balancer))];
        await redeploy(transaction, users);
        return { secret: put, balancers: users };
      });
      for (const balancer of balancers) onChanged(balancer);
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
