import { isDeepStrictEqual } from 'node:util';

import type { NodeLinks, NodeRegistry } from '../../controller/nodes/nodes.ts';
import type { Store } from '../../controller/store/store.ts';
import { searchFrom } from '../../controller/vrrp/router-ids.ts';
import { routerIdsOnTheWire, type Segment } from '../../controller/vrrp/segments.ts';
import { makeTrial, type NodeDiff, type RenderNode } from '../../controller/vrrp/trial.ts';
import type { NodeOutcome, VrrpWorker } from '../../controller/vrrp/worker.ts';
import { makeSerializerPerKey } from '../../kit/concurrency/serialize.ts';
import { Fault } from '../../kit/fault.ts';
import type { Log } from '../../kit/log.ts';
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

export type { NodeDiff };

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
 * Faults: `nodes_unreachable` if no node can be reached, `node_refused` if one refuses, and `store_unavailable` if the
 * store fails; in these cases everything is as before. `outcome_unknown` if the store fails so that a change cannot be
 * taken back. Those of `works.ts` and of Store
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
  log: Log;
  /** Milliseconds since 1970. */
  clock?: () => number;
}

export function makeGroupChanges(parts: GroupChangesParts): GroupChanges {
  const { store, registry, links, worker, publisher, segments, log, clock = Date.now } = parts;
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
    const obstacle = isForced ? undefined : obstacleOf(worked, outcomes, nameIn(around));
    if (obstacle) {
      await undo(worked, obstacle);
      const { code, say, ...more } = obstacle;
      throw new Fault(code, say('so everything is as before'), more);
    }
    return { ...worked, warnings: outcomes.flatMap((each) => warningOf(each, nameIn(around))) };
  }

  /** Faults: `outcome_unknown` */
  async function undo(worked: Worked, { say }: Obstacle): Promise<void> {
    try {
      await store.write((transaction) => undoing(transaction, worked, clock()));
    } catch (error) {
      log.error({ group: worked.id, error: textOf(error) }, 'a change could not be taken back');
      throw new Fault(
        'outcome_unknown',
        `${say('and it could not be taken back')} 'journalctl -u ha-controller' shows why. Its nodes are tried again; read the group, and correct it before you try again.`,
      );
    }
    await worker.apply(affectedBy(worked));
    // Another change may have published the names meanwhile.
    await publisher.refresh();
  }

  /** Faults: `outcome_unknown` */
  async function drop(id: number): Promise<void> {
    try {
      await store.write((transaction) => dropping(transaction, id, clock()));
    } catch (error) {
      log.error({ group: id, error: textOf(error) }, 'a group off its nodes could not be removed');
      throw new Fault(
        'outcome_unknown',
        "The group is on no node any more, and is still there, offline, because the store cannot be written. See 'journalctl -u ha-controller', and remove the group again when the store can be written.",
      );
    }
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
        await drop(id);
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

/** Why a change cannot stay. */
interface Obstacle {
  code: 'node_refused' | 'nodes_unreachable' | 'store_unavailable';
  /** @param state what became of the change, such as 'so everything is as before' */
  say: (state: string) => string;
  retryAfterSeconds?: number;
}

/** @returns undefined if the change can stay */
function obstacleOf(
  worked: Worked,
  outcomes: readonly NodeOutcome[],
  nameOf: (node: number) => string,
): Obstacle | undefined {
  const staying = activeNodes(worked.after);
  const refused = outcomes.find(
    ({ node, result }) =>
      (result === 'refused' || result === 'held' || result === 'incapable') &&
      // A node that leaves a group must not hold up the others.
      (staying.length === 0 || staying.includes(node)),
  );
  if (refused) {
    const { node, why = 'it does not say why.' } = refused;
    return {
      code: 'node_refused',
      say: (state) => `${nameOf(node)} refuses the change, ${state}: ${why}`,
    };
  }
  const failed = outcomes.find(({ result }) => result === 'failed');
  if (failed) {
    return {
      code: 'store_unavailable',
      say: (state) =>
        `The store failed while ${nameOf(failed.node)} was to get the change, ${state}. See 'journalctl -u ha-controller', and whether the disk of the store is there and has room.`,
      retryAfterSeconds: 5,
    };
  }
  const away = outcomes.filter(({ result }) => result === 'unreachable');
  if (outcomes.length > 0 && away.length === outcomes.length) {
    return { code: 'nodes_unreachable', say: sayNobody, retryAfterSeconds: 5 };
  }
  const missing = away.find(({ node }) => staying.includes(node));
  if (missing === undefined || !switchesAdverts(worked)) return undefined;
  return {
    code: 'nodes_unreachable',
    say: (state) =>
      `${nameOf(missing.node)} cannot be reached, and the change would make adverts multicast instead of unicast, or the other way round. Nodes that differ in this do not hear each other, ${state}. Try again when all nodes answer, or force the change.`,
    retryAfterSeconds: 5,
  };
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
  return new Fault('nodes_unreachable', sayNobody('so nothing was changed'), {
    retryAfterSeconds: 5,
  });
}

function sayNobody(state: string): string {
  return `None of the nodes that this change concerns can be reached, ${state}. 'hactl node list' shows the nodes; try again when one answers.`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
