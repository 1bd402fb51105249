import type { NodeLinks } from '../../controller/nodes/nodes.ts';
import type { Store } from '../../controller/store/store.ts';
import { instancesOf } from '../../controller/vrrp/rows.ts';
import { family } from '../objects.ts';

/** The node that says that it has the VIP of a load balancer. */
export async function masterOf(
  store: Pick<Store, 'one' | 'all'>,
  links: Pick<NodeLinks, 'word'>,
  balancer: string,
): Promise<number | undefined> {
  const row = await store.one(
    'SELECT pair, vip_address FROM balancer_load_balancers WHERE id = $1',
    [balancer],
  );
  const pair = row?.['pair'] ?? null;
  if (pair === null) return undefined;
  const instances = await instancesOf(store, { family, id: Number(pair) });
  const address = String(row?.['vip_address']);
  const own = instances.find(({ addresses }) =>
    addresses.some((each) => each.startsWith(`${address}/`)),
  );
  return (
    own &&
    masterOfInstance(
      links,
      own.peers.map(({ node }) => node),
      own.name,
    )
  );
}

/** The node that says that it is the master of a VRRP instance. */
export function masterOfInstance(
  links: Pick<NodeLinks, 'word'>,
  nodes: readonly number[],
  name: string,
): number | undefined {
  const masters = nodes
    .map((node) => ({ node, word: links.word(node) }))
    .filter(({ word }) =>
      word?.report.instances.some((each) => each.name === name && each.state === 'MASTER'),
    )
    // The latest word is right where two differ.
    .sort((a, b) => (b.word?.receivedAt ?? 0) - (a.word?.receivedAt ?? 0));
  return masters[0]?.node;
}
