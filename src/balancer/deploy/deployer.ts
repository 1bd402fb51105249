import type { NodeLinks } from '../../controller/nodes/nodes.ts';
import { makeSerializerPerKey } from '../../kit/concurrency/serialize.ts';
import { Fault } from '../../kit/fault.ts';
import type { Log } from '../../kit/log.ts';
import type {
  Deployer,
  Fencing,
  NodeDeployed,
  PlacedBalancer,
  WantedBalancer,
} from '../deploying.ts';
import { type AgentFacts, type AgentTimes, makeNodeAgent, usualAgentTimes } from './agent.ts';
import type { AgentSettings } from './agent-settings.ts';
import { sha256Of } from './digests.ts';
import { filesOf, type Renderer } from './files.ts';
import { holdsAddress } from './holder.ts';
import { makeMemory } from './memory.ts';
import { makeNodeSteps, type NodeSteps } from './node-steps.ts';
import { AgentRefused } from './refusals.ts';

export interface DeployerParts {
  links: Pick<NodeLinks, 'request' | 'word'>;
  render: Renderer;
  log: Log;
  times?: AgentTimes;
}

/** A deployer with what the controller tells agents about themselves. */
export interface OwnDeployer extends Deployer {
  /** What the agent of a node says of itself. Faults: `node_unreachable`, `node_refused` */
  facts(node: number, signal: AbortSignal): Promise<AgentFacts>;
  /** Has a node send its heartbeats here. Faults: `node_unreachable`, `node_refused`, `invalid_config` */
  configure(node: number, settings: AgentSettings, signal: AbortSignal): Promise<void>;
}

/** A node under way. */
interface Lane {
  node: number;
  steps: NodeSteps;
  failure: Fault | undefined;
}

/**
 * Brings load balancers onto nodes by the amphora API of their agents.
 *
 * A change is made in three steps. Files are uploaded on all nodes side by side. Then haproxy is reloaded on one node after
 * another, the one with the VIP last. Then certificates that are not used any more are deleted. A file that one node
 * refuses is reloaded on none, because it says the same for all. Each step asks first what is there, so that repeating the
 * whole is the way to go on after any failure.
 */
export function makeDeployer(parts: DeployerParts): OwnDeployer {
  const { links, render, log, times = usualAgentTimes } = parts;
  const memory = makeMemory();
  const oneByOne = makeSerializerPerKey();

  const agentOf = (node: number, signal: AbortSignal, fencing?: Fencing) =>
    makeNodeAgent({ links, node, signal, times, fencing });

  /** Runs a step of a node unless a former one failed. */
  async function attempt(lane: Lane, signal: AbortSignal, work: () => Promise<void>) {
    if (lane.failure !== undefined) return;
    try {
      signal.throwIfAborted();
      await work();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Fault)) throw error;
      lane.failure = error;
    }
  }

  function outcome({ node, failure }: Lane, digest: string | undefined): NodeDeployed {
    if (failure === undefined) return { node, result: 'running', why: undefined, digest };
    const result = failure.code === 'node_unreachable' ? 'unreachable' : 'refused';
    return { node, result, why: failure.message, digest: undefined };
  }

  async function deploy(
    wanted: WantedBalancer,
    fencing: Fencing,
    signal: AbortSignal,
  ): Promise<readonly NodeDeployed[]> {
    signal.throwIfAborted();
    const files = new Map(wanted.nodes.map(({ id }) => [id, filesOf(render, wanted, id)]));
    const lanes = wanted.nodes.map(({ id, amphora = String(id) }): Lane => {
      const agent = agentOf(id, signal, fencing);
      const own = files.get(id) ?? filesOf(render, wanted, id);
      const steps = makeNodeSteps({
        ...{ agent, memory, amphora, files: own },
        node: id,
        balancer: wanted.id,
      });
      return { node: id, steps, failure: undefined };
    });
    await allSettled(lanes.map((lane) => attempt(lane, signal, () => lane.steps.prepare())));
    holdBack(lanes);
    const isMaster = ({ node }: Lane) => holdsAddress(links.word(node), wanted.vip);
    // Asked before each reload: the VIP may have moved meanwhile.
    const left = new Set(lanes);
    while (left.size > 0) {
      const next = [...left].find((lane) => !isMaster(lane)) ?? [...left][0];
      if (next === undefined) break;
      left.delete(next);
      await attempt(next, signal, () => next.steps.activate());
    }
    await allSettled(
      lanes.map(async (lane) => {
        await attempt(lane, signal, () => lane.steps.clean());
      }),
    );
    return lanes.map((lane) => {
      const done = outcome(lane, files.get(lane.node)?.sha256);
      if (done.why !== undefined) {
        log.warn({ balancer: wanted.id, node: done.node, why: done.why }, 'not deployed');
      }
      return done;
    });
  }

  /** What one node refuses for its content, the others do not run either. */
  function holdBack(lanes: readonly Lane[]): void {
    const refusing = lanes.find(
      ({ failure }) => failure instanceof AgentRefused && failure.isOfContent,
    );
    if (refusing === undefined) return;
    for (const lane of lanes) {
      lane.failure ??= new AgentRefused(
        `Node ${lane.node} goes on as before, because node ${refusing.node} refuses the configuration.`,
        false,
      );
    }
  }

  async function withdraw(
    balancer: string,
    nodes: readonly number[],
    signal: AbortSignal,
    fencing?: Fencing,
  ): Promise<readonly NodeDeployed[]> {
    signal.throwIfAborted();
    const lanes = nodes.map((node) => ({ node, failure: undefined as Fault | undefined }));
    await allSettled(
      lanes.map(async (lane) => {
        try {
          memory.forgetRuns(lane.node, balancer);
          const agent = agentOf(lane.node, signal, fencing);
          // Only an agent that has told what it is gets the order.
          if (fencing !== undefined) await agent.state(balancer);
          await agent.remove(balancer);
          memory.forget(lane.node, balancer);
        } catch (error) {
          signal.throwIfAborted();
          if (!(error instanceof Fault)) throw error;
          lane.failure = error;
        }
      }),
    );
    return lanes.map((lane) => outcome({ ...lane, steps: noSteps }, undefined));
  }

  async function runningOn(node: number): Promise<ReadonlyMap<string, string>> {
    const agent = agentOf(node, new AbortController().signal);
    const listed = await agent.list();
    if (listed !== undefined) {
      return new Map(
        listed.map(({ id, sha256 = '', process }) => {
          const isRunning =
            process === 'current' ||
            (process === 'former' && sha256 !== '' && memory.runs(node, id) === sha256);
          return [id, isRunning ? sha256 : ''];
        }),
      );
    }
    const found = new Map<string, string>();
    for (const id of memory.balancersOn(node)) {
      const text = await agent.configuration(id);
      if (text === undefined) continue;
      const sha256 = sha256Of(text);
      found.set(id, memory.runs(node, id) === sha256 ? sha256 : '');
    }
    return found;
  }

  async function lostOn(node: number, placed: readonly PlacedBalancer[]): Promise<string[]> {
    const listed = await agentOf(node, new AbortController().signal).list();
    const found = new Map((listed ?? []).map((each) => [each.id, each]));
    const lost = placed.filter(({ id, hasCertificates, digest }) => {
      // An agent that lists nothing is asked for each certificate when the load balancer is deployed.
      if (listed === undefined) return true;
      const state = found.get(id);
      if (state === undefined || state.process === 'stopped') return true;
      if (digest !== undefined && state.sha256 !== digest) return true;
      return hasCertificates && state.certificates?.size === 0;
    });
    for (const { id } of lost) memory.forgetRuns(node, id);
    return lost.map(({ id }) => id);
  }

  return {
    lostOn,
    deploy: (wanted, fencing, signal) => oneByOne(wanted.id, () => deploy(wanted, fencing, signal)),
    withdraw: (balancer, nodes, signal, fencing) =>
      oneByOne(balancer, () => withdraw(balancer, nodes, signal, fencing)),
    runningOn,
    digestFor: (wanted, node) => filesOf(render, wanted, node).sha256,
    facts: (node, signal) => agentOf(node, signal).facts(),
    configure: (node, settings, signal) => agentOf(node, signal).configure(settings),
  };
}

const noSteps: NodeSteps = {
  prepare: () => Promise.resolve(),
  activate: () => Promise.resolve(),
  clean: () => Promise.resolve(),
};

/** Waits for all, and then rejects with the first error. */
async function allSettled(works: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(works);
  await Promise.all(works);
}
