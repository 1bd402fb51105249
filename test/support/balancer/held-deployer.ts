import { createHash } from 'node:crypto';

import type {
  Deployer,
  Fencing,
  NodeDeployed,
  WantedBalancer,
} from '../../../src/balancer/deploying.ts';
import { Fault } from '../../../src/kit/fault.ts';

/** A call of a deployer. */
export interface DeployCall {
  kind: 'deploy' | 'withdraw';
  balancer: string;
  nodes: readonly number[];
  /** Undefined for a withdrawal. */
  wanted: WantedBalancer | undefined;
  fencing: Fencing | undefined;
}

type Answer =
  'running' | NodeDeployed['result'] | ((node: number, call: DeployCall) => NodeDeployed['result']);

/** Nodes in memory. They answer at once, or when the test says so. */
export interface HeldDeployer extends Deployer {
  /** All calls so far. */
  calls: readonly DeployCall[];
  /** Has calls wait, those of one load balancer or of all. */
  hold(balancer?: string): void;
  /** Answers the calls that wait, and those that come from now on. */
  release(balancer?: string): void;
  /** What nodes answer from now on. */
  answer: Answer;
  /** Whether all calls wait. */
  isHeld(): boolean;
  /** How many calls wait. */
  waiting(): number;
  /** Returns when a call of a load balancer waits. */
  untilWaiting(balancer: string): Promise<void>;
  /** Returns when there were so many calls. */
  untilCalls(count: number): Promise<void>;
  /** What each node runs. */
  running: Map<number, Map<string, string>>;
}

export function heldDeployer(): HeldDeployer {
  const calls: DeployCall[] = [];
  const held = new Set<string>();
  const waiting = new Map<string, Set<() => void>>();
  const watchers = new Set<() => void>();
  const running = new Map<number, Map<string, string>>();
  let isHeld = false;

  async function pass(balancer: string, signal: AbortSignal): Promise<void> {
    if (!isHeld && !held.has(balancer)) return;
    await new Promise<void>((resolve, reject) => {
      const own = waiting.get(balancer) ?? new Set();
      waiting.set(balancer, own);
      const end = () => {
        own.delete(end);
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = () => {
        own.delete(end);
        reject(signal.reason as Error);
      };
      own.add(end);
      signal.addEventListener('abort', onAbort);
      for (const watcher of [...watchers]) watcher();
    });
  }

  function outcomes(call: DeployCall): NodeDeployed[] {
    return call.nodes.map((node) => {
      const { answer } = deployer;
      const result = typeof answer === 'function' ? answer(node, call) : answer;
      const digest = call.wanted && digestFor(call.wanted, node);
      const own = running.get(node) ?? new Map<string, string>();
      running.set(node, own);
      if (result === 'running') {
        if (digest === undefined) own.delete(call.balancer);
        else own.set(call.balancer, digest);
      }
      const why = {
        running: undefined,
        unreachable: `Node ${node} does not answer.`,
        refused: `Node ${node} refuses it.`,
      }[result];
      return { node, result, why, digest: own.get(call.balancer) };
    });
  }

  function until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!isSo()) return;
        watchers.delete(look);
        resolve();
      };
      watchers.add(look);
      look();
    });
  }

  function note(call: DeployCall): void {
    calls.push(call);
    for (const watcher of [...watchers]) watcher();
  }

  const deployer: HeldDeployer = {
    calls,
    running,
    answer: 'running',
    async deploy(wanted, fencing, signal) {
      const nodes = wanted.nodes.map(({ id }) => id);
      const call: DeployCall = { kind: 'deploy', balancer: wanted.id, nodes, wanted, fencing };
      note(call);
      await pass(wanted.id, signal);
      return outcomes(call);
    },
    async withdraw(balancer, nodes, signal, fencing) {
      const call: DeployCall = {
        kind: 'withdraw',
        balancer,
        nodes,
        wanted: undefined,
        fencing,
      };
      note(call);
      await pass(balancer, signal);
      return outcomes(call);
    },
    runningOn(node) {
      const { answer } = deployer;
      if (answer === 'unreachable')
        return Promise.reject(new Fault('node_unreachable', `Node ${node} does not answer.`));
      return Promise.resolve(running.get(node) ?? new Map<string, string>());
    },
    lostOn: (node, placed) =>
      Promise.resolve(
        placed
          .filter(({ id, digest }) => running.get(node)?.get(id) !== digest)
          .map(({ id }) => id),
      ),
    digestFor,
    hold(balancer) {
      if (balancer === undefined) isHeld = true;
      else held.add(balancer);
    },
    release(balancer) {
      if (balancer === undefined) {
        isHeld = false;
        held.clear();
      } else held.delete(balancer);
      for (const [id, ends] of waiting) {
        if (balancer === undefined || id === balancer) for (const end of [...ends]) end();
      }
    },
    isHeld: () => isHeld,
    waiting: () => [...waiting.values()].reduce((sum, ends) => sum + ends.size, 0),
    untilWaiting: (balancer) => until(() => (waiting.get(balancer)?.size ?? 0) > 0),
    untilCalls: (count) => until(() => calls.length >= count),
  };
  return deployer;
}

function digestFor(wanted: WantedBalancer, node: number): string {
  return createHash('sha256')
    .update(JSON.stringify([wanted, node]))
    .digest('hex');
}
