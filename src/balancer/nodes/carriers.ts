import type { ControllerNode, NodeLinks, NodeRegistry } from '../../controller/nodes/nodes.ts';
import type { Reading, Store } from '../../controller/store/store.ts';
import { makeSerializer } from '../../kit/concurrency/serialize.ts';
import { Fault } from '../../kit/fault.ts';
import { makeLogLimit } from '../../kit/log-limit.ts';
import type { Log } from '../../kit/log.ts';
import type { AgentSettings } from '../deploy/agent-settings.ts';
import type { OwnDeployer } from '../deploy/deployer.ts';

/**
 * The nodes that can carry load balancers: those whose agent offers the amphora API. Each is told where its heartbeats go,
 * when it answers for the first time and whenever it answers again.
 *
 * INVARIANTS
 * - What is known of a node survives the controller: after a start, no load balancer is deployed by another name.
 */
export interface Carriers {
  /** Whether a node carries load balancers, as far as it has been asked. */
  carries(node: number): boolean;
  /** The id of its amphora. */
  amphoraOf(node: number): string | undefined;
  nodeOf(amphora: string): number | undefined;
  /** Whether any node carries load balancers. */
  any(): boolean;
  /** Why a node that answers carries none, or sends no heartbeats, in one sentence. */
  trouble(node: number): string | undefined;
  /** Looks at the registry again. Faults: those of Store */
  refresh(): Promise<void>;
  /** Faults: those of Store */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface CarriersParts {
  store: Store;
  registry: NodeRegistry;
  links: Pick<NodeLinks, 'onWord' | 'isAnswering'>;
  deployer: Pick<OwnDeployer, 'facts' | 'configure'>;
  /** What the agent of a node is to know. */
  settingsFor: (node: ControllerNode, amphora: string) => Promise<AgentSettings>;
  /** Called when a node has become one that carries load balancers. */
  onCarrier: () => void;
  log: Log;
  /** Milliseconds until a node that did not take its settings is asked again. */
  retryMs?: number;
}

/** A node under way. */
interface Greeting {
  isDone: boolean;
  work: Promise<void> | undefined;
  timer: NodeJS.Timeout | undefined;
  why: string | undefined;
}

const repeatLogAfterMs = 600_000;

export function makeCarriers(parts: CarriersParts): Carriers {
  const { store, registry, links, deployer, log, retryMs = 10_000 } = parts;
  const amphorae = new Map<number, string>();
  /** The same the other way round, for each heartbeat. */
  const nodes = new Map<string, number>();
  const asked = new Map<number, Greeting>();
  const isDue = makeLogLimit({ repeatAfterMs: repeatLogAfterMs });
  /** Two agents with one id may answer at once. */
  const oneByOne = makeSerializer();
  const stopping = new AbortController();
  let unsubscribe: (() => void) | undefined;

  function stateOf(node: number): Greeting {
    const known = asked.get(node);
    if (known) return known;
    const state: Greeting = { isDone: false, work: undefined, timer: undefined, why: undefined };
    asked.set(node, state);
    return state;
  }

  function look(node: number): void {
    const state = stateOf(node);
    if (!links.isAnswering(node)) {
      // Its agent may have been started again, or replaced.
      state.isDone = false;
      return;
    }
    if (state.isDone || state.work || state.timer || stopping.signal.aborted) return;
    state.work = greet(node, state).finally(() => {
      state.work = undefined;
    });
  }

  async function greet(node: number, state: Greeting): Promise<void> {
    try {
      const found = await registry.find(node);
      if (found === undefined) return;
      const { amphora = found.name } = await deployer.facts(node, stopping.signal);
      await oneByOne(() => note(node, amphora));
      await deployer.configure(node, await parts.settingsFor(found, amphora), stopping.signal);
      state.isDone = true;
      state.why = undefined;
    } catch (error) {
      if (stopping.signal.aborted) return;
      state.why = error instanceof Error ? error.message : String(error);
      if (error instanceof Fault && error.code === 'node_refused' && !amphorae.has(node)) {
        state.why = `It carries no load balancers: ${state.why}`;
      } else if (isDue(`${node} ${state.why}`)) {
        log.warn({ node, why: state.why }, 'a node was not told where its heartbeats go');
      }
      state.timer = setTimeout(() => {
        state.timer = undefined;
        look(node);
      }, retryMs);
    }
  }

  /** Heartbeats name the amphora alone, so those of two with one id would count for one node. Faults: `node_refused` */
  function refuseTaken(node: number, amphora: string): void {
    const other = nodes.get(amphora);
    if (other === undefined || other === node) return;
    throw new Fault(
      'node_refused',
      `Its agent has the same amphora_id as that of node ${other}, ${amphora}. Give it another one in /etc/octavia/amphora-agent.conf, and restart ha-amphora.`,
    );
  }

  async function note(node: number, amphora: string): Promise<void> {
    if (amphorae.get(node) === amphora) return;
    refuseTaken(node, amphora);
    await store.write((transaction) =>
      transaction.run(
        `INSERT INTO balancer_carriers (node, amphora) VALUES ($1, $2)
         ON CONFLICT (node) DO UPDATE SET amphora = excluded.amphora`,
        [node, amphora],
      ),
    );
    know(node, amphora);
    log.info({ node, amphora }, 'a node carries load balancers');
    parts.onCarrier();
  }

  function know(node: number, amphora: string): void {
    forget(node);
    amphorae.set(node, amphora);
    nodes.set(amphora, node);
  }

  function forget(node: number): void {
    const former = amphorae.get(node);
    amphorae.delete(node);
    if (former !== undefined && nodes.get(former) === node) nodes.delete(former);
  }

  async function refresh(): Promise<void> {
    const present = new Set((await registry.list()).map(({ id }) => id));
    for (const [node, { timer }] of asked) {
      if (present.has(node)) continue;
      clearTimeout(timer);
      asked.delete(node);
    }
    const gone = [...amphorae.keys()].filter((node) => !present.has(node));
    if (gone.length > 0) {
      await store.write(async (transaction) => {
        for (const node of gone)
          await transaction.run('DELETE FROM balancer_carriers WHERE node = $1', [node]);
      });
    }
    for (const node of gone) forget(node);
    for (const node of present) look(node);
  }

  return {
    carries: (node) => amphorae.has(node),
    amphoraOf: (node) => amphorae.get(node),
    nodeOf: (amphora) => nodes.get(amphora),
    any: () => amphorae.size > 0,
    trouble: (node) => asked.get(node)?.why,
    refresh,
    async start() {
      for (const [node, amphora] of await readCarriers(store)) know(node, amphora);
      unsubscribe = links.onWord(look);
      await refresh();
    },
    async stop() {
      unsubscribe?.();
      stopping.abort();
      for (const { timer } of asked.values()) clearTimeout(timer);
      for (const { work } of asked.values()) await work;
    },
  };
}

async function readCarriers(reading: Reading): Promise<ReadonlyMap<number, string>> {
  const rows = await reading.all('SELECT node, amphora FROM balancer_carriers');
  return new Map(rows.map((row) => [Number(row['node']), String(row['amphora'])]));
}
