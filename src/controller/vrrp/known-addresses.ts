import { parseIp, withoutPrefix } from '../../kit/ip.ts';
import type { ControllerNode, NodeInterface } from '../nodes/nodes.ts';
import type { Reading, Store, Transaction } from '../store/store.ts';
import type { VrrpInstance } from './instances.ts';
import { placedOn } from './segments.ts';

/**
 * The last addresses of the interfaces that instances use. An interface may be without its address for a while: it is down,
 * its lease has ended, its host boots. Then an instance must not go from its nodes, so the last known address stays in the
 * plan.
 */
export interface KnownAddresses {
  /**
   * Adds to each node the last known addresses of interfaces that have none of that family now, and remembers the present
   * ones.
   * Faults: those of Store
   */
  complete(
    nodes: readonly ControllerNode[],
    instances: readonly VrrpInstance[],
  ): Promise<readonly ControllerNode[]>;
}

const versions = [4, 6] as const;

/** Addresses by the node and its interface. */
export type Remembered = ReadonlyMap<string, readonly string[]>;

interface News {
  node: number;
  name: string;
  addresses: readonly string[];
}

export function makeKnownAddresses(store: Store): KnownAddresses {
  return {
    async complete(nodes, instances) {
      const { completed, news } = completeNodes(nodes, instances, await readRemembered(store));
      if (news.length > 0) await remember(store, news);
      return completed;
    },
  };
}

export async function readRemembered(reading: Reading): Promise<Remembered> {
  const rows = await reading.all('SELECT node, interface, addresses FROM vrrp_addresses');
  return new Map(
    rows.map((row) => [
      keyOf(Number(row['node']), String(row['interface'])),
      JSON.parse(String(row['addresses'])) as string[],
    ]),
  );
}

/** As KnownAddresses.complete, and nothing is written. @returns also what should be remembered */
export function completeNodes(
  nodes: readonly ControllerNode[],
  instances: readonly VrrpInstance[],
  remembered: Remembered,
): { completed: ControllerNode[]; news: News[] } {
  const used = new Set(
    instances.flatMap(({ peers }) => peers.map((each) => keyOf(each.node, each.interface))),
  );
  const news: News[] = [];
  const completed = nodes.map((node) => {
    const names = [...used].flatMap((key) => nameIn(key, node.id) ?? []);
    const devices = names.flatMap((name) => {
      const former = remembered.get(keyOf(node.id, name)) ?? [];
      const addresses = joined(node.interfaces, name, former);
      if (addresses.join() !== former.join()) news.push({ node: node.id, name, addresses });
      return addresses.length > 0 ? { name, addresses } : [];
    });
    const others = node.interfaces.filter(({ name }) => !names.includes(name));
    return { ...node, interfaces: [...others, ...devices] };
  });
  return { completed, news };
}

/** Forgets what is known of a node that is removed. */
export async function forgetAddresses(transaction: Transaction, node: number): Promise<void> {
  await transaction.run('DELETE FROM vrrp_addresses WHERE node = $1', [node]);
}

async function remember(store: Store, news: readonly News[]): Promise<void> {
  await store.write(async (transaction) => {
    for (const { node, name, addresses } of news) {
      await transaction.run(
        `INSERT INTO vrrp_addresses (node, interface, addresses) VALUES ($1, $2, $3)
         ON CONFLICT (node, interface) DO UPDATE SET addresses = excluded.addresses`,
        [node, name, JSON.stringify(addresses)],
      );
    }
  });
}

/** The present addresses of an interface, and the former ones of a family that has none now. */
function joined(
  interfaces: readonly NodeInterface[],
  name: string,
  former: readonly string[],
): string[] {
  const device = interfaces.find((each) => each.name === name);
  const placed = device ? placedOn(device) : [];
  const present = placed.map(({ ip, network }) => `${ip.text}/${network.prefix}`);
  return versions.flatMap((version) => {
    const isOfFamily = (each: string) => parseIp(withoutPrefix(each))?.version === version;
    const now = present.filter(isOfFamily);
    return now.length > 0 ? now : former.filter(isOfFamily);
  });
}

function keyOf(node: number, name: string): string {
  return `${node} ${name}`;
}

/** @returns the name of the interface in a key, if it is of that node */
function nameIn(key: string, node: number): string | undefined {
  const prefix = `${node} `;
  return key.startsWith(prefix) ? key.slice(prefix.length) : undefined;
}
