import * as z from 'zod';

import type { NodeAnswer, NodeLinks, NodeTextRequest } from '../../controller/nodes/nodes.ts';
import { Fault } from '../../kit/fault.ts';
import type { Fencing } from '../deploying.ts';
import type { ServerChange } from '../render/server-changes.ts';
import { textOf } from './agent-settings.ts';
import type { AgentSettings } from './agent-settings.ts';
import { md5Of, sha256Of } from './digests.ts';
import { refusal, refuseBusy } from './refusals.ts';

/** What a node has of a load balancer. */
export interface AgentState {
  /** Whether the agent speaks more than the documented API. */
  isOurs: boolean;
  /** SHA-256 of the file that was uploaded last; undefined if there is none. */
  sha256: string | undefined;
  /** What its haproxy runs; agents of Octavia do not say it. */
  process: 'current' | 'former' | 'stopped' | 'unknown';
  /** The MD5 of its certificates and lists by their names; undefined if the agent does not list them. */
  certificates: ReadonlyMap<string, string> | undefined;
}

/** What an agent says of itself. */
export interface AgentFacts {
  /** Its amphora id; agents of Octavia do not say it. */
  amphora: string | undefined;
  haproxyVersion: string;
}

/** Milliseconds. */
export interface AgentTimes {
  /** For what the agent has at once. */
  answerMs: number;
  /** For what waits for haproxy: it may read a file for most of a minute. */
  haproxyMs: number;
}

export const usualAgentTimes: AgentTimes = { answerMs: 10_000, haproxyMs: 60_000 };

/**
 * The amphora API 1.0 of one node, as its document has it (docs/amphora.md), with the routes of our agent where it has them.
 * Faults of all: `node_unreachable`, AgentRefused with the agent's own reason
 */
export interface NodeAgent {
  state(balancer: string): Promise<AgentState>;
  /** The file that was uploaded last; undefined if there is none. */
  configuration(balancer: string): Promise<string | undefined>;
  /** The MD5 of a certificate's file; undefined if there is none. */
  certificateSum(balancer: string, file: string): Promise<string | undefined>;
  uploadCertificate(balancer: string, file: string, text: string): Promise<void>;
  removeCertificate(balancer: string, file: string): Promise<void>;
  /** @param amphora the id of the amphora, by which an agent of Octavia names its peer */
  upload(balancer: string, text: string, amphora: string): Promise<void>;
  /** Has haproxy run the file that was uploaded last. It starts one that does not run. */
  reload(balancer: string): Promise<void>;
  /** @returns whether the agent could do that */
  changeServers(balancer: string, changes: readonly ServerChange[]): Promise<boolean>;
  /** Removes a load balancer with its files; nothing if there is none. */
  remove(balancer: string): Promise<void>;
  /** The load balancers on the node; undefined if the agent does not list them. */
  list(): Promise<readonly (AgentState & { id: string })[] | undefined>;
  facts(): Promise<AgentFacts>;
  configure(settings: AgentSettings): Promise<void>;
}

export interface NodeAgentParts {
  links: Pick<NodeLinks, 'request'>;
  node: number;
  signal: AbortSignal;
  times: AgentTimes;
  /** Sent with each change, to agents that know it. */
  fencing?: Fencing | undefined;
}

/** The members that our agent changes with one request (docs/amphora.md). */
const maxServers = 256;

const stateSchema = z.object({
  uuid: z.string().max(64),
  sha256: z.string().length(64).nullable(),
  process: z.enum(['current', 'former', 'stopped']),
  certificates: z
    .array(z.object({ file: z.string().max(255), md5sum: z.string().max(64) }))
    .max(10_000),
});
const outcomesSchema = z.object({
  servers: z.array(z.object({ is_set: z.boolean() })).max(maxServers),
});
const listSchema = z.array(stateSchema).max(10_000);
const sumSchema = z.object({ md5sum: z.string().max(64) });
const infoSchema = z.object({
  uuid: z.string().max(64).optional(),
  haproxy_version: z.string().max(64),
});

export function makeNodeAgent(parts: NodeAgentParts): NodeAgent {
  const { links, node, signal, times, fencing } = parts;
  let isOurs = false;

  const ask = async (request: NodeTextRequest, deadlineMs = times.answerMs): Promise<NodeAnswer> =>
    links.request(node, request, deadlineMs, signal);

  /** A change. Statuses that the API does not have are failures as well. */
  const change = async (
    request: NodeTextRequest,
    deadlineMs = times.answerMs,
  ): Promise<NodeAnswer> => {
    const headers = isOurs && fencing ? { 'x-ha-fencing': headerOf(fencing) } : {};
    return ask({ ...request, headers }, deadlineMs);
  };
  const demand = async (request: NodeTextRequest, deadlineMs?: number): Promise<void> => {
    const answer = await change(request, deadlineMs);
    if (answer.status >= 300) throw refusal(node, request, answer);
  };

  /** @returns whether all of them are set. It answers for each: haproxy may have refused some. */
  async function changePart(balancer: string, part: readonly ServerChange[]): Promise<boolean> {
    const path = `/1.0/loadbalancer/${balancer}/servers`;
    const servers = part.map(({ isEnabled, ...each }) => ({ ...each, is_enabled: isEnabled }));
    const text = JSON.stringify({ servers });
    const answer = await change({ method: 'PUT', path, text, type: 'application/json' });
    if (answer.status !== 200) return false;
    const outcomes = read(node, outcomesSchema, answer).servers;
    return outcomes.length === part.length && outcomes.every((each) => each.is_set);
  }

  const agent: NodeAgent = {
    async state(balancer) {
      const path = `/1.0/loadbalancer/${balancer}/state`;
      const own = await ask({ method: 'GET', path });
      if (own.status === 200) {
        const state = ownState(read(node, stateSchema, own));
        isOurs = true;
        return state;
      }
      refuseBusy(node, { method: 'GET', path }, own);
      isOurs = false;
      const text = await agent.configuration(balancer);
      const sha256 = text === undefined ? undefined : sha256Of(text);
      return { isOurs: false, sha256, process: 'unknown', certificates: undefined };
    },
    async configuration(balancer) {
      const request = { method: 'GET', path: `/1.0/loadbalancer/${balancer}/haproxy` } as const;
      const answer = await ask(request);
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw refusal(node, request, answer);
      return answer.text;
    },
    async certificateSum(balancer, file) {
      const request = { method: 'GET', path: certificatePath(balancer, file) } as const;
      const answer = await ask(request);
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw refusal(node, request, answer);
      return read(node, sumSchema, answer).md5sum;
    },
    async uploadCertificate(balancer, file, text) {
      const request = { method: 'PUT', path: certificatePath(balancer, file), text } as const;
      const answer = await change(request);
      if (answer.status >= 300) throw refusal(node, request, answer);
      const { etag } = answer.headers;
      if (etag === undefined || etag.replaceAll('"', '') === md5Of(text)) return;
      throw new Fault('node_unreachable', damaged(node));
    },
    async removeCertificate(balancer, file) {
      const request = { method: 'DELETE', path: certificatePath(balancer, file) } as const;
      const answer = await change(request);
      if (answer.status >= 300 && answer.status !== 404) throw refusal(node, request, answer);
    },
    async upload(balancer, text, amphora) {
      const path = `/1.0/loadbalancer/${amphora}/${balancer}/haproxy`;
      await demand({ method: 'PUT', path, text }, times.haproxyMs);
    },
    async reload(balancer) {
      const path = `/1.0/loadbalancer/${balancer}/reload`;
      await demand({ method: 'PUT', path, text: '' }, times.haproxyMs);
    },
    async changeServers(balancer, servers) {
      // An agent of Octavia takes the last part of this path for an action that it does not know.
      if (!isOurs) return false;
      for (let from = 0; from < servers.length; from += maxServers) {
        if (!(await changePart(balancer, servers.slice(from, from + maxServers)))) return false;
      }
      return true;
    },
    async remove(balancer) {
      const request = { method: 'DELETE', path: `/1.0/listeners/${balancer}` } as const;
      const answer = await change(request, times.haproxyMs);
      if (answer.status >= 300 && answer.status !== 404) throw refusal(node, request, answer);
    },
    async list() {
      const request = { method: 'GET', path: '/1.0/loadbalancers' } as const;
      const answer = await ask(request);
      if (answer.status !== 200) {
        refuseBusy(node, request, answer);
        return undefined;
      }
      return read(node, listSchema, answer).map((each) => ({
        id: each.uuid,
        ...ownState(each),
      }));
    },
    async facts() {
      const own = await ask({ method: 'GET', path: '/info' });
      const request = { method: 'GET', path: '/1.0/info' } as const;
      const answer = own.status === 200 ? own : await ask(request);
      if (answer.status !== 200) throw refusal(node, request, answer);
      const { uuid, haproxy_version: haproxyVersion } = read(node, infoSchema, answer);
      return { amphora: uuid, haproxyVersion };
    },
    async configure(settings) {
      await demand({ method: 'PUT', path: '/1.0/config', text: textOf(settings) });
    },
  };
  return agent;
}

function certificatePath(balancer: string, file: string): string {
  return `/1.0/loadbalancer/${balancer}/certificates/${file}`;
}

function headerOf({ store, epoch, revision }: Fencing): string {
  return `${store} ${epoch} ${revision}`;
}

function ownState(state: z.output<typeof stateSchema>): AgentState {
  const { sha256, process, certificates } = state;
  return {
    isOurs: true,
    sha256: sha256 ?? undefined,
    process,
    certificates: new Map(certificates.map(({ file, md5sum }) => [file, md5sum])),
  };
}

/** Faults: `node_unreachable` for an answer that is not as documented */
function read<T>(node: number, schema: z.ZodType<T>, { text }: NodeAnswer): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new Fault(
      'node_unreachable',
      `The agent of node ${node} gives an answer that is not as documented. Install the same version of ha-agent on the controller and on the node.`,
    );
  }
}

function damaged(node: number): string {
  return `Node ${node} received another file than it was sent. It is sent again.`;
}
