import type { Transaction } from '../../controller/store/store.ts';
import { Fault } from '../../kit/fault.ts';
import { published } from '../gateway.ts';

/** The name under which a group is published. The names of groups are unique in a gateway only. */
export function dnsNameOf(group: string, gateway: string): string {
  return `${group}.${gateway}`.toLowerCase();
}

/**
 * Refuses a name that another published group has in DNS already: DNS knows no upper and lower case, and a dot may be in
 * the name of a group and of a gateway.
 * Faults: `name_taken`
 */
export async function refuseDnsName(
  transaction: Transaction,
  group: { id: number; name: string },
  gateway: string,
): Promise<void> {
  const name = dnsNameOf(group.name, gateway);
  const other = await transaction.one(
    `SELECT g.id, g.gateway FROM gateway_groups g JOIN gateways w ON w.id = g.gateway
     WHERE g.status = $1 AND g.id <> $2 AND LOWER(g.name || '.' || w.name) = $3`,
    [published, group.id, name],
  );
  if (other === undefined) return;
  throw new Fault(
    'name_taken',
    `The group ${Number(other['id'])} of the gateway ${Number(other['gateway'])} is published as '${name}', in which upper and lower case are the same. Choose another name, or another status than 0.`,
  );
}
