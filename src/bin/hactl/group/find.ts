import { Fault } from '../../../kit/fault.ts';
import type { GroupClient, ShownGateway, ShownGroup } from './client.ts';

/**
 * The gateways that a command is about: the named one, or all.
 * @param wanted a name or an id
 * Faults: `gateway_not_found`, those of the client
 */
export async function gatewaysFor(
  client: GroupClient,
  wanted: string | undefined,
): Promise<ShownGateway[]> {
  const all = await client.gateways();
  if (wanted === undefined) return all;
  const found = all.find(({ name }) => name === wanted) ?? all.find(({ id }) => `${id}` === wanted);
  if (found) return [found];
  const names = all.map(({ name }) => name).join(', ');
  throw new Fault(
    'gateway_not_found',
    `There is no gateway '${wanted}'. There ${names === '' ? 'is none yet' : `is ${names}`}.`,
  );
}

/** All groups of these gateways. */
export async function groupsFor(
  client: GroupClient,
  gateways: readonly ShownGateway[],
): Promise<ShownGroup[]> {
  const groups: ShownGroup[] = [];
  for (const each of gateways) groups.push(...(await client.groups(each)));
  return groups;
}

/**
 * The group that a command is about.
 * @param wanted its name or its id
 * Faults: `group_not_found`, `group_ambiguous`, those of gatewaysFor
 */
export async function findGroupFor(
  client: GroupClient,
  wanted: string,
  gateway: string | undefined,
): Promise<ShownGroup> {
  const groups = await groupsFor(client, await gatewaysFor(client, gateway));
  const named = groups.filter(({ name }) => name === wanted);
  const found = named.length > 0 ? named : groups.filter(({ id }) => `${id}` === wanted);
  const [first] = found;
  if (first === undefined) {
    throw new Fault(
      'group_not_found',
      `There is no group '${wanted}'. 'hactl group list' shows the groups.`,
    );
  }
  if (found.length > 1) {
    const where = found.map((each) => each.gateway.name).join(' and ');
    throw new Fault(
      'group_ambiguous',
      `The gateways ${where} have a group '${wanted}' each. Name one with --gateway.`,
    );
  }
  return first;
}

export function pathOf({ gateway, id }: ShownGroup): string {
  return `/${gateway.id}/virtual_groups/${id}`;
}
