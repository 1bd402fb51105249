import type { FenceAgents, ResourceAgents } from '../../cluster/agents/agents.ts';
import type { FaultCode } from '../../kit/fault.ts';
import { inBody, inPath, rule } from '../../server/table/field.ts';
import { row, type Row } from '../../server/table/row.ts';
import { agentName, providerName } from './fields/names.ts';
import { read } from '../common/read.ts';
import { text, texts } from '../../server/table/schema.ts';
import { ofTools } from '../common/codes.ts';

/** What the routes of agents need from the domain. */
export interface AgentsDomain {
  resourceAgents: ResourceAgents;
  fenceAgents: FenceAgents;
}

/** The routes of resource agents and fence agents. */
export function agentRows({ resourceAgents, fenceAgents }: AgentsDomain): Row[] {
  return [
    read({
      path: '/resource_agent',
      summary: 'The resource agents that are installed on this node.',
      schema: texts,
      codes: ofTools,
      handle: async () => ({ body: await resourceAgents.list() }),
    }),
    read({
      path: '/resource_agent/providers',
      summary: 'The standards and OCF providers of the installed resource agents.',
      schema: texts,
      codes: ofTools,
      handle: async () => ({ body: await resourceAgents.providers() }),
    }),
    read({
      path: '/resource_agent/:provider/details',
      summary: 'The resource agents of one provider.',
      fields: { provider: inPath(providerName) },
      schema: texts,
      codes: [...ofTools, 'provider_not_found'],
      handle: async ({ provider }) => ({ body: await resourceAgents.listOf(provider) }),
    }),
    read({
      path: '/resource_agent/*agent/info',
      summary: 'The purpose, parameters and actions of a resource agent.',
      fields: { agent: inPath(agentInSegments) },
      schema: text,
      codes: ofDescription,
      handle: async ({ agent }) => ({ body: await resourceAgents.describe(agent) }),
    }),
    read({
      path: '/stonith/agent',
      summary: 'The fence agents that are installed on this node.',
      schema: texts,
      codes: ofTools,
      handle: async () => ({ body: await fenceAgents.list() }),
    }),
    row({
      methods: ['POST'],
      path: '/stonith/agent/info',
      summary: 'The purpose, parameters and actions of a fence agent.',
      role: 'viewer',
      fields: { agent: inBody(agentName) },
      answers: { 200: { json: text } },
      codes: ofDescription,
      handle: async ({ agent }) => ({
        body: await fenceAgents.describe(agent.replace(/^stonith:/, '')),
      }),
    }),
  ];
}

const ofDescription: readonly FaultCode[] = [...ofTools, 'agent_not_found', 'cluster_refused'];

/** A name with slashes, encoded or not. Express returns it in decoded segments. */
const agentInSegments = rule<string>(agentName.schema, (chain) =>
  agentName.check(chain.customSanitizer((parts: readonly string[]) => parts.join('/'))),
);
