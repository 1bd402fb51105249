import { isDeepStrictEqual } from 'node:util';

import type { ControllerNode } from '../../controller/nodes/nodes.ts';
import type { Transaction } from '../../controller/store/store.ts';
import type { VrrpInstance } from '../../controller/vrrp/instances.ts';
import { takeRouterId } from '../../controller/vrrp/router-ids.ts';
import { instancesOf, setInstances } from '../../controller/vrrp/rows.ts';
import { Fault } from '../../kit/fault.ts';
import { family, type Group, type GroupChange, type GroupSettings, offline } from '../gateway.ts';
import { nodesOfGateway } from '../gateways.ts';
import { instancesOfGroup, type Placement, placeGroup, type Site } from './placing.ts';
import { findGroup, putGroup, removeGroup } from './rows.ts';

/** A group with its instances, as the rows have them. */
export interface Rows {
  group: Group;
  instances: readonly VrrpInstance[];
}

/** What a work in a transaction has done to one group. */
export interface Worked {
  id: number;
  before: Rows | undefined;
  after: Rows | undefined;
}

/** What is known outside of the transaction. */
export interface Surroundings {
  nodes: readonly ControllerNode[];
  segments: Site['segments'];
  onTheWire: (place: Pick<Placement, 'segment' | 'families'>) => ReadonlySet<number>;
  /** Where the search for a router id begins. */
  firstRouterId: number;
  /** Milliseconds since 1970. */
  now: number;
}

export type Work = (transaction: Transaction, surroundings: Surroundings) => Promise<Worked>;

/** Faults: `gateway_not_found`, those of placeGroup, takeRouterId and putGroup */
export function creating(gateway: number, settings: GroupSettings, routerId?: number): Work {
  return async (transaction, surroundings) => {
    const site = await siteOf(transaction, gateway, surroundings);
    const id = await transaction.nextNumber('gateway-group');
    const after = await write(transaction, { ...settings, id, gateway, revision: 1 }, site, {
      surroundings,
      wanted: routerId,
    });
    return { id, before: undefined, after };
  };
}

/**
 * @param ifRevision the only revision that may be changed; undefined for any
 * Faults: `gateway_not_found`, `group_not_found`, `version_changed`, those of placeGroup, takeRouterId and putGroup
 */
export function changing(
  gateway: number,
  id: number,
  { routerId, ...change }: GroupChange,
  ifRevision?: number,
): Work {
  return async (transaction, surroundings) => {
    const site = await siteOf(transaction, gateway, surroundings);
    const before = await readRows(transaction, gateway, id);
    refuseOtherRevision(before.group, ifRevision);
    const { routerId: present, revision } = before.group;
    if (routerId !== undefined && routerId !== present) {
      throw new Fault(
        'router_id_taken',
        `The group has the router id ${present}, which nobody can change. Leave 'router_id' out, or send ${present}.`,
      );
    }
    const next = { ...before.group, ...change, revision: revision + 1 };
    if (next.virtualIp === null && next.virtualIpv6 === null) throw withoutAddress();
    const after = isInPlace(before.group, next)
      ? await putInPlace(transaction, next, before, surroundings.now)
      : await write(transaction, next, site, { surroundings, present });
    return { id, before, after };
  };
}

/**
 * Takes a group off its nodes. Its rows stay, so that nobody gets its addresses before the nodes have let them go.
 * Faults: `gateway_not_found`, `group_not_found`, `version_changed`
 */
export function leaving(gateway: number, id: number, ifRevision?: number): Work {
  return async (transaction) => {
    await nodesOfGateway(transaction, gateway);
    const before = await readRows(transaction, gateway, id);
    refuseOtherRevision(before.group, ifRevision);
    const after: Rows = {
      group: { ...before.group, status: offline, revision: before.group.revision + 1 },
      instances: before.instances.map((each) => ({ ...each, isActive: false })),
    };
    await put(transaction, after, 0);
    return { id, before, after };
  };
}

/** Removes the rows of a group that is on no node. */
export async function dropping(transaction: Transaction, id: number, now: number): Promise<void> {
  await setInstances(transaction, { family, id }, [], now);
  await removeGroup(transaction, id);
}

/** Puts the rows back to what they were, unless somebody has changed the group since. */
export async function undoing(
  transaction: Transaction,
  { id, before, after }: Worked,
  now: number,
): Promise<void> {
  const row = await transaction.one('SELECT revision FROM gateway_groups WHERE id = $1', [id]);
  if (Number(row?.['revision']) !== after?.group.revision) return;
  if (before) await put(transaction, before, now);
  else await dropping(transaction, id, now);
}

/** Whether a group stays where it is. Then a node whose interface is gone does not prevent the change. */
function isInPlace(before: Group, next: Group): boolean {
  const placeOf = ({ members, virtualIp, virtualIpv6, isUnicast }: Group) => ({
    members,
    virtualIp,
    virtualIpv6,
    isUnicast,
  });
  const isStarting = before.status === offline && next.status !== offline;
  return !isStarting && isDeepStrictEqual(placeOf(before), placeOf(next));
}

async function putInPlace(
  transaction: Transaction,
  group: Group,
  { instances }: Rows,
  now: number,
): Promise<Rows> {
  const { interval, preempt, check, status } = group;
  const isActive = status !== offline;
  const next = instances.map((each) => ({ ...each, interval, preempt, check, isActive }));
  const rows = { group, instances: next };
  await put(transaction, rows, now);
  return rows;
}

async function siteOf(
  transaction: Transaction,
  gateway: number,
  { nodes, segments }: Surroundings,
): Promise<Site> {
  const ids = await nodesOfGateway(transaction, gateway);
  return { nodes: nodes.filter(({ id }) => ids.includes(id)), all: nodes, segments };
}

async function readRows(transaction: Transaction, gateway: number, id: number): Promise<Rows> {
  const group = await findGroup(transaction, gateway, id);
  return { group, instances: await instancesOf(transaction, { family, id }) };
}

interface RouterIdWishes {
  surroundings: Surroundings;
  wanted?: number | undefined;
  present?: number | undefined;
}

async function write(
  transaction: Transaction,
  settings: Omit<Group, 'routerId'>,
  site: Site,
  { surroundings, wanted, present }: RouterIdWishes,
): Promise<Rows> {
  const placement = placeGroup(settings, site);
  const { segment, families, devices } = placement;
  const routerId = await takeRouterId(transaction, {
    owner: { family, id: settings.id },
    segment,
    families,
    interfaces: devices,
    wanted,
    present,
    onTheWire: surroundings.onTheWire(placement),
    from: surroundings.firstRouterId,
    now: surroundings.now,
  });
  const group: Group = { ...settings, routerId };
  const rows = { group, instances: instancesOfGroup(group, placement, site) };
  await put(transaction, rows, surroundings.now);
  return rows;
}

async function put(
  transaction: Transaction,
  { group, instances }: Rows,
  now: number,
): Promise<void> {
  await putGroup(transaction, group);
  await setInstances(transaction, { family, id: group.id }, instances, now);
}

function refuseOtherRevision({ revision }: Group, ifRevision: number | undefined): void {
  if (ifRevision === undefined || ifRevision === revision) return;
  throw new Fault(
    'version_changed',
    `The group has been changed since: it has the revision ${revision}, and the request is for ${ifRevision}. Read it again, and repeat the change if it still makes sense.`,
  );
}

function withoutAddress(): Fault {
  const message = 'is required, because the group would have no address';
  return new Fault(
    'invalid_request',
    `The request is not as documented: 'virtual_ip' ${message}.`,
    {
      errors: [{ field: 'virtual_ip', message, type: 'null' }],
    },
  );
}
