import type { Row, Transaction } from '../../controller/store/store.ts';
import type { BalancerConfig } from '../config.ts';
import { taken } from '../sentences.ts';

// What nodes carry already.

/** How many load balancers each node has. @param where `AND …` */
export async function loadsOf(
  transaction: Transaction,
  where: string,
): Promise<Map<number, number>> {
  const rows = await transaction.all(
    `SELECT node, COUNT(*) AS count FROM balancer_placements WHERE 1 = 1 ${where} GROUP BY node`,
  );
  return new Map(rows.map(({ node, count }) => [Number(node), Number(count)]));
}

/** The node that is to have fewer VIPs comes first. */
export async function inOrder(
  transaction: Transaction,
  nodes: readonly number[],
): Promise<number[]> {
  const firsts = await loadsOf(transaction, 'AND rank = 0');
  return [...nodes].sort((a, b) => (firsts.get(a) ?? 0) - (firsts.get(b) ?? 0));
}

/** Faults: `balancer_conflict` */
async function freePeerPort(
  transaction: Transaction,
  nodes: readonly number[],
  { from, to }: BalancerConfig['peer_ports'],
): Promise<number> {
  const rows = await transaction.all(
    `SELECT peer_port FROM balancer_placements WHERE node IN (${nodes.map((_each, at) => `$${at + 1}`).join(', ')})`,
    nodes,
  );
  const used = new Set(rows.map((row) => Number(row['peer_port'])));
  for (let port = from; port <= to; port += 1) if (!used.has(port)) return port;
  throw taken(
    `The nodes have no free peer port between ${from} and ${to}. Delete load balancers there, add nodes, or make the range 'peer_ports' larger.`,
  );
}

/** The port that a load balancer has, or another one if a node that is added uses that for another load balancer. */
export async function takePeerPort(
  transaction: Transaction,
  placed: readonly Row[],
  added: readonly number[],
  range: BalancerConfig['peer_ports'],
): Promise<number> {
  const [first] = placed;
  if (first === undefined) return freePeerPort(transaction, added, range);
  const present = Number(first['peer_port']);
  const others = await transaction.all(
    'SELECT node FROM balancer_placements WHERE peer_port = $1',
    [present],
  );
  if (!others.some(({ node }) => added.includes(Number(node)))) return present;
  const nodes = [...placed.map(({ node }) => Number(node)), ...added];
  const port = await freePeerPort(transaction, nodes, range);
  await transaction.run('UPDATE balancer_placements SET peer_port = $1 WHERE load_balancer = $2', [
    port,
    String(first['load_balancer']),
  ]);
  return port;
}
