import { makeChangeDetector } from '../../kit/log-changes.ts';
import type { Log } from '../../kit/log.ts';
import type { KnownBalancer, OperatingChange, OperatingStore } from '../deploying.ts';
import { readBeat } from './beat.ts';
import { openEnvelope, type Refusal } from './envelope.ts';
import { type BeatTimes, makeHearing } from './hearing.ts';
import { type NodeSaid, operatingChanges } from './operating.ts';
import { openReceiver, type Receiver } from './receiver.ts';
import { makeSettling } from './settling.ts';
import { makeSums } from './sums.ts';

export interface HeartbeatParts {
  /** Where heartbeats come: UDP port 5555 of all addresses by default. */
  listen: { host: string; port: number };
  /** The key of all agents. */
  key: string;
  /** The node of an amphora; undefined if this controller does not know it. */
  nodeOf: (amphora: string) => number | undefined;
  /** Whether a node has a VIP, by its last report. */
  isMaster: (node: number, vip: string) => boolean;
  /** Whether the agent of a node answers, see NodeLinks.isAnswering. */
  isAlive: (node: number) => boolean;
  store: OperatingStore;
  log: Log;
  times: BeatTimes;
  /** Milliseconds of a clock that only goes forward. */
  now?: () => number;
  /** Milliseconds between two judgements of what was heard. */
  tickMs?: number;
}

/** What became of a datagram. */
export type BeatResult = 'taken' | 'old' | 'unknown amphora' | Refusal;

/** The heartbeats of all nodes, and what they say of load balancers. */
export interface Heartbeats {
  /** Opens the port. Faults: `invalid_config` */
  start(): Promise<void>;
  /** Writes what is left, and returns when nothing is under way. */
  stop(): Promise<void>;
  /** The port that is open; 0 before the start. */
  port(): number;
  /** When a node was heard last, by `performance.now()`. */
  heardAt(node: number): number | undefined;
  /** Why a load balancer is not heard as it should be, one sentence for each node. */
  troubles(balancer: Pick<KnownBalancer, 'nodes' | 'placedAt'>): readonly string[];
  /** How many datagrams have come, by what became of them. */
  counts(): Readonly<Partial<Record<BeatResult, number>>>;
}

/** Changes in one transaction. */
const maxChanges = 500;
/** Milliseconds after which all are judged, because silence is not heard. */
const fullMs = 1000;
/** Intervals within which a node has to be heard. */
const maxIntervals = 3;

/**
 * INVARIANTS
 * - Nothing of a datagram is read before its signature is right.
 * - Each heartbeat is counted once.
 * - A node is lost only by the time in which this process could have heard it.
 */
export function makeHeartbeats(parts: HeartbeatParts): Heartbeats {
  const { store, log, times, tickMs = 250, now = () => performance.now() } = parts;
  const hearing = makeHearing({ ...times, tickMs }, now);
  const settling = makeSettling(now);
  const sums = makeSums(store);
  const counts: Partial<Record<BeatResult, number>> = {};
  const hasChanged = makeChangeDetector();
  const state: {
    receiver: Receiver | undefined;
    timer: NodeJS.Timeout | undefined;
    judging: Promise<void> | undefined;
    /** Nodes that were heard since the last judgement. */
    heard: Set<number>;
    /** What load balancers were judged by since they were changed, besides heartbeats. A change makes another object. */
    judged: WeakMap<KnownBalancer, string>;
    /** When the silence of all nodes was last looked at. */
    judgedAt: number;
  } = {
    receiver: undefined,
    timer: undefined,
    judging: undefined,
    heard: new Set(),
    judged: new WeakMap(),
    judgedAt: -Infinity,
  };

  function resultOf(datagram: Buffer): BeatResult {
    const opened = openEnvelope(datagram, parts.key);
    if (opened.refusal !== undefined) return opened.refusal;
    const beat = readBeat(opened.payload);
    if (beat === undefined) return 'not readable';
    const node = parts.nodeOf(beat.amphora);
    if (node === undefined) return 'unknown amphora';
    const counted = hearing.take(node, beat, () => parts.isAlive(node));
    if (counted === undefined) return 'old';
    sums.add(node, counted);
    state.heard.add(node);
    return 'taken';
  }

  function take(datagram: Buffer): void {
    const result = resultOf(datagram);
    counts[result] = (counts[result] ?? 0) + 1;
    if (result === 'taken' || result === 'old') return;
    // One line for each kind: anybody can send anything.
    if (hasChanged(result, 'came')) log.warn({ why: result }, 'a heartbeat was not taken');
  }

  function saidOf(balancer: KnownBalancer): NodeSaid[] {
    const settledAt = settling.settledAt(balancer);
    const { vip } = balancer;
    return balancer.nodes.map((node) => ({
      ...hearing.said(node, balancer, settledAt),
      isMaster: vip !== undefined && parts.isMaster(node, vip),
    }));
  }

  function changesOf(
    balancer: KnownBalancer,
    said: readonly NodeSaid[],
  ): readonly OperatingChange[] {
    for (const { node, hearing: heard } of said) {
      // A node that is lost has no open connections.
      if (heard === 'lost') sums.add(node, new Map());
    }
    return operatingChanges(balancer, said);
  }

  async function judge(): Promise<void> {
    const known = await store.known();
    settling.keepOnly(known);
    const time = now();
    const isFull = time - state.judgedAt >= fullMs;
    const { heard, judged } = state;
    state.heard = new Set();
    const changes: OperatingChange[] = [];
    const grounds: [KnownBalancer, string][] = [];
    for (const each of known) {
      const isNews = !judged.has(each) || each.nodes.some((node) => heard.has(node));
      if (!isNews && !isFull) continue;
      const said = saidOf(each);
      const ground = said.map((one) => `${one.hearing} ${one.isMaster}`).join();
      if (!isNews && judged.get(each) === ground) continue;
      changes.push(...changesOf(each, said));
      grounds.push([each, ground]);
    }
    for (let at = 0; at < changes.length; at += maxChanges) {
      await store.setOperating(changes.slice(at, at + maxChanges));
    }
    for (const [each, ground] of grounds) judged.set(each, ground);
    if (isFull) state.judgedAt = time;
    await sums.flush();
  }

  async function judgeOnce(): Promise<void> {
    try {
      await judge();
      if (hasChanged('store', 'works')) log.info({}, 'what heartbeats tell is written');
    } catch (error) {
      // Nothing is lost: statuses are found again, and sums stay.
      state.judged = new WeakMap();
      const why = error instanceof Error ? error.message : String(error);
      if (hasChanged('store', why)) log.error({ why }, 'what heartbeats tell was not written');
    }
  }

  function tick(): void {
    hearing.tick();
    state.judging ??= judgeOnce().finally(() => {
      state.judging = undefined;
    });
  }

  return {
    async start() {
      hearing.tick();
      state.receiver = await openReceiver(parts.listen, take, (error) => {
        log.error({ why: error.message }, 'the port of heartbeats failed');
      });
      state.timer = setInterval(tick, tickMs);
    },
    async stop() {
      clearInterval(state.timer);
      await state.receiver?.stop();
      state.receiver = undefined;
      await state.judging;
      await judgeOnce();
    },
    port: () => state.receiver?.port ?? 0,
    heardAt: (node) => hearing.heardAt(node),
    troubles({ nodes, placedAt }) {
      const since = hearing.listeningSince(placedAt);
      return nodes.flatMap((node) => {
        const heardAt = hearing.heardAt(node);
        const silentMs = now() - Math.max(since, heardAt ?? -Infinity);
        if (silentMs <= maxIntervals * times.intervalMs) return [];
        const ago = heardAt === undefined ? '' : ` for ${Math.round((now() - heardAt) / 1000)} s`;
        return [
          `Node ${node} has not been heard of${ago}: no heartbeat of it comes to UDP port ${state.receiver?.port ?? parts.listen.port}. See 'hactl amphora status' on that host, and whether a filter is in between.`,
        ];
      });
    },
    counts: () => ({ ...counts }),
  };
}
