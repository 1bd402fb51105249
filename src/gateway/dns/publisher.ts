import type { NodeRegistry } from '../../controller/nodes/nodes.ts';
import type { Store } from '../../controller/store/store.ts';
import { sourceOf } from '../../controller/vrrp/plan.ts';
import { makeSerializer } from '../../kit/concurrency/serialize.ts';
import { withoutPrefix } from '../../kit/ip.ts';
import type { Log } from '../../kit/log.ts';
import { type Group, published, virtualAddresses } from '../gateway.ts';
import { allGroups } from '../groups/rows.ts';
import { dnsNameOf } from './names.ts';
import type { DnsRecord, Resolver } from './resolver.ts';

/** Keeps the published names at what the groups say. */
export interface Publisher {
  /** Publishes what the rows say now. @returns why that failed, in one sentence; undefined if it did not */
  refresh(): Promise<string | undefined>;
}

export function makePublisher(parts: {
  store: Store;
  registry: NodeRegistry;
  resolver: Resolver;
  log: Log;
}): Publisher {
  const { store, registry, resolver, log } = parts;
  const serialize = makeSerializer();
  /** The run that has not begun yet. All callers of that time share it. */
  let next: Promise<string | undefined> | undefined;

  async function publish(): Promise<string | undefined> {
    next = undefined;
    try {
      const names = await namesOfGateways(store);
      const nodes = new Map((await registry.list()).map((node) => [node.id, node]));
      const groups = (await allGroups(store)).filter(({ status }) => status === published);
      await resolver.publish(
        groups.map((group): DnsRecord => {
          const gateway = names.get(group.gateway) ?? `${group.gateway}`;
          const addresses = virtualAddresses(group).map(withoutPrefix);
          const own = ownAddresses(group, (id) => nodes.get(id)?.interfaces ?? []);
          return {
            name: dnsNameOf(group.name, gateway),
            addresses: [...new Set([...addresses, ...own])],
          };
        }),
      );
      return undefined;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log.warn({ why }, 'the names of groups are not up to date');
      return why;
    }
  }

  return {
    refresh() {
      next ??= serialize(publish);
      return next;
    },
  };
}

async function namesOfGateways(store: Store): Promise<Map<number, string>> {
  const rows = await store.all('SELECT id, name FROM gateways');
  return new Map(rows.map((row) => [Number(row['id']), String(row['name'])]));
}

/** The addresses of nodes that serve by their own address as well. */
function ownAddresses(
  group: Group,
  interfacesOf: (node: number) => Parameters<typeof sourceOf>[0]['interfaces'],
): string[] {
  return group.members
    .filter(({ isManaged }) => !isManaged)
    .flatMap(({ node, interface: name }) =>
      virtualAddresses(group).flatMap((address) => {
        const family = address.includes(':') ? 'ipv6' : 'ipv4';
        const interfaces = interfacesOf(node);
        return sourceOf({ interfaces }, name, { family, addresses: [address] }) ?? [];
      }),
    );
}
