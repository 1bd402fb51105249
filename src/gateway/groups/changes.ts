import { isDeepStrictEqual } from 'node:util';

import type { NodeLinks, NodeRegistry } from '../../controller/nodes/nodes.ts';
import type { Store } from '../../controller/store/store.ts';
import { searchFrom } from '../../controller/vrrp/router-ids.ts';
import { routerIdsOnTheWire, type Segment } from '../../controller/vrrp/segments.ts';
import { makeTrial, type NodeDiff, type RenderNode } from '../../controller/vrrp/trial.ts';

export type { NodeDiff };
import type { NodeOutcome, VrrpWorker } from '../../controller/vrrp/worker.ts';
import { makeSerializerPerKey } from '../../kit/concurrency/serialize.ts';
import { Fault } from '../../kit/fault.ts';
import type { Publisher } from '../dns/publisher.ts';
import { type Group, type GroupChange, type GroupSettings, offline } from '../gateway.ts';
import {
  changing,
  creating,
  dropping,
  leaving,
  type Rows,
  type Surroundings,
  undoing,
  type Work,
  type Worked,
} from './works.ts';

/** A change that was made. */
export interface Changed {
  group: Group;
  /** What the caller should know, one sentence each. */
  warnings: readonly string[];
}

/** A change of a group that exists. */
export interface Condition {
  /** The only revision that may be changed; undefined for any. */
  ifRevision?: number | undefined;
  /** Whether it is made even if its nodes refuse it or cannot be reached. */
  isForced?: boolean;
}

/**
 * Changes of groups. Each returns when the nodes run it.
 * Faults: `nodes_unreachable` if no node can be reached, `node_refused` if one refuses; in both cases everything is as
 * before. Those of `works.ts` and of Store
 */
export interface GroupChanges {
  create(gateway: number, settings: GroupSettings, routerId?: number): Promise<Changed>;
  change(gateway: number, id: number, change: GroupChange, condition: Condition): Promise<Changed>;
  remove(gateway: number, id: number, condition: Condition): Promise<Changed>;
  /** What a change would do to the file of each node. Nothing is changed. */
  tries: {
    create(
      gateway: number,
      settings: GroupSettings,
      routerId?: number,
    ): Promise<readonly NodeDiff[]>;
    change(
      gateway: number,
      id: number,
      change: GroupChange,
      ifRevision?: number,
    ): Promise<readonly NodeDiff[]>;
    remove(gateway: number, id: number, ifRevision?: number): Promise<readonly NodeDiff[]>;
  };
}

export interface GroupChangesParts {
  store: Store;
  registry: NodeRegistry;
  links: NodeLinks;
  worker: Pick<VrrpWorker, 'apply' | 'orders'>;
  publisher: Publisher;
  segments: readonly Segment[];
  render: RenderNode;
  /** Milliseconds since 1970. */
  clock?: () => number;
}

export function makeGroupChanges(parts: GroupChangesParts): GroupChanges {
  const { store, registry, links, worker, publisher, segments, clock = Date.now } = parts;
  const serialize = makeSerializerPerKey();
  const tryOut = makeTrial(store, registry, parts.render);

  async function surroundings(): Promise<Surroundings> {
    const [nodes, orders] = await Promise.all([registry.list(), worker.orders()]);
    const { epoch } = store.identity;
    const isSettled = nodes.every(({ id }) => (orders.get(id)?.confirmedEpoch ?? epoch) >= epoch);
    return {
      nodes,
      segments,
      firstRouterId: searchFrom(epoch, isSettled),
      onTheWire: (place) => routerIdsOnTheWire(place, nodes, segments, links),
      now: clock(),
    };
  }

  async function carryOut(
    work: Work,
    { isForced = false }: Condition = {},
  ): Promise<Worked & { warnings: string[] }> {
    const around = await surroundings();
    const worked = await store.write(async (transaction) => {
      const result = await work(transaction, around);
      const nodes = affectedBy(result);
      // Nothing is written that nobody could run.
      if (!isForced && nodes.length > 0 && !nodes.some((each) => links.isReachable(each)))
        throw nobodyReachable();
      return result;
    });
    const outcomes = await worker.apply(affectedBy(worked));
    const fault = isForced ? undefined : faultOf(worked, outcomes, nameIn(around));
    if (fault) {
      await undo(worked);
      throw fault;
    }
    return { ...worked, warnings: outcomes.flatMap((each) => warningOf(each, nameIn(around))) };
  }

  async function undo(worked: Worked): Promise<void> {
    await store.write((transaction) => undoing(transaction, worked, clock()));
    await worker.apply(affectedBy(worked));
  }

  async function published(warnings: readonly string[]): Promise<string[]> {
    const failure = await publisher.refresh();
    return [...warnings, ...(failure === undefined ? [] : [failure])];
  }

  async function made(work: Work, condition?: Condition): Promise<Changed> {
    const { after, warnings } = await carryOut(work, condition);
    if (after === undefined) throw new TypeError('this work leaves a group');
    return { group: after.group, warnings: await published(warnings) };
  }

  return {
    create: (gateway, settings, routerId) => made(creating(gateway, settings, routerId)),

    change: (gateway, id, change, condition) =>
      serialize(`${id}`, () =>
        made(changing(gateway, id, change, condition.ifRevision), condition),
      ),

    remove: (gateway, id, condition) =>
      serialize(`${id}`, async () => {
        const work = leaving(gateway, id, condition.ifRevision);
        const { group, warnings } = await made(work, condition);
        await store.write((transaction) => dropping(transaction, id, clock()));
        return { group, warnings };
      }),

    tries: {
      create: (gateway, settings, routerId) => attempt(creating(gateway, settings, routerId)),
      change: (gateway, id, change, ifRevision) =>
        attempt(changing(gateway, id, change, ifRevision)),
      remove: (gateway, id, ifRevision) => attempt(leaving(gateway, id, ifRevision)),
    },
  };

  async function attempt(work: Work): Promise<readonly NodeDiff[]> {
    const around = await surroundings();
    return tryOut((transaction) => work(transaction, around));
  }
}

/** The nodes whose keepalived has to do with a change. A name in DNS does not concern it. */
function affectedBy({ before, after }: Worked): number[] {
  if (isDeepStrictEqual(before?.instances, after?.instances)) return [];
  return [...new Set([...activeNodes(before), ...activeNodes(after)])];
}

function activeNodes(rows: Rows | undefined): number[] {
  if (rows === undefined || rows.group.status === offline) return [];
  return rows.group.members.map(({ node }) => node);
}

/** Why a change cannot stay; undefined if it can. */
function faultOf(
  worked: Worked,
  outcomes: readonly NodeOutcome[],
  nameOf: (node: number) => string,
): Fault | undefined {
  const staying = activeNodes(worked.after);
  const refused = outcomes.find(
    ({ node, result }) =>
      (result === 'refused' || result === 'held') &&
      // A node that leaves a group must not hold up the others.
      (staying.length === 0 || staying.includes(node)),
  );
  if (refused) {
    return new Fault(
      'node_refused',
      `${nameOf(refused.node)} refuses the change, so everything is as before: ${refused.why ?? 'it does not say why.'}`,
    );
  }
  const away = outcomes.filter(({ result }) => result === 'unreachable');
  if (outcomes.length > 0 && away.length === outcomes.length) return nobodyReachable();
  const missing = away.find(({ node }) => staying.includes(node));
  if (missing === undefined || !switchesAdverts(worked)) return undefined;
  return new Fault(
    'nodes_unreachable',
    `${nameOf(missing.node)} cannot be reached, and the change would make adverts multicast instead of unicast, or the other way round. Nodes that differ in this do not hear each other, so everything is as before. Try again when all nodes answer, or force the change.`,
    { retryAfterSeconds: 5 },
  );
}

/** Whether nodes with the former configuration do not hear those with the next one (acassen/keepalived#2458). */
function switchesAdverts({ before, after }: Worked): boolean {
  const isUnicast = (rows: Rows | undefined) =>
    activeNodes(rows).length > 1 && rows?.instances.some((each) => each.isUnicast) === true;
  const isRunning = activeNodes(before).length > 0 && activeNodes(after).length > 0;
  return isRunning && isUnicast(before) !== isUnicast(after);
}

function warningOf(
  { node, result, why = '' }: NodeOutcome,
  nameOf: (node: number) => string,
): string[] {
  return result === 'running' ? [] : [`${nameOf(node)}: ${why}`];
}

function nameIn({ nodes }: Surroundings): (node: number) => string {
  return (node) => nodes.find(({ id }) => id === node)?.name ?? `Node ${node}`;
}

function nobodyReachable(): Fault {
  return new Fault(
    'nodes_unreachable',
    "None of the nodes that this change concerns can be reached, so nothing was changed. 'hactl node list' shows the nodes; try again when one answers.",
    { retryAfterSeconds: 5 },
  );
}
