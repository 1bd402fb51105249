import { join } from 'node:path';

import { Fault } from '../../kit/fault.ts';
import type { ClusterHost } from '../paths.ts';
import { cacheByStamp, cacheEachByStamp } from '../../kit/files/cached-by-stamp.ts';
import { readAgentMetadata } from '../../pacemaker/agents.ts';
import { fencerFile, readFencerParameters } from '../../pacemaker/daemons.ts';
import type { AgentAction, AgentParameter } from '../../parsers/metadata.ts';
import { fileStamp, toolStamp } from '../../kit/files/stamps.ts';
import type { FenceAgents, ResourceAgents } from './agents.ts';

/** The name of an agent in a resource (resources-*.rng). */
export interface AgentName {
  class: string;
  provider: string | undefined;
  type: string;
}

/** An agent that resources can use: its name, its parameters and its actions. */
export interface Agent extends AgentName {
  /** All parameters: its own, and those that every agent of its kind has. */
  parameters: readonly AgentParameter[];
  actions: readonly AgentAction[];
  isOcf11: boolean;
}

/** Reads the metadata of agents. It is cached until the agent's file changes. */
export interface AgentMetadataReader {
  /**
   * The resource agent of that name, as a caller gives it.
   * Faults: `agent_not_found`, `cluster_refused` if its metadata cannot be read, those of listAgents.
   */
  resourceAgent(name: string): Promise<Agent>;
  /** The fence agent of that name. Faults: as for resourceAgent. */
  fenceAgent(name: string): Promise<Agent>;
  /** The agent of an existing resource. Faults: `cluster_refused`, those of Run. */
  agentOf(name: AgentName): Promise<Agent>;
}

/** Each has some kilobytes. */
const maxCachedAgents = 64;

export function makeAgentMetadataReader(
  host: ClusterHost,
  resourceAgents: ResourceAgents,
  fenceAgents: FenceAgents,
): AgentMetadataReader {
  const { agents } = host.paths;
  const ownMetadata = cacheEachByStamp(
    async (fullName) =>
      `${await toolStamp('crm_resource')} ${await fileStamp(fileOf(agents, nameIn(fullName)))}`,
    (fullName) => readAgentMetadata(host, fullName),
    maxCachedAgents,
  );
  const fencerParameters = cacheByStamp(
    () => fileStamp(fencerFile(host)),
    () => readFencerParameters(host),
  );

  async function read(fullName: string): Promise<Agent> {
    const name = nameIn(fullName);
    const { parameters, actions, isOcf11 } = await ownMetadata(fullName);
    const all =
      name.class === 'stonith'
        ? [...ofDevice(parameters), ...(await fencerParameters())]
        : [...parameters, ...tracing(name, parameters)];
    return { ...name, parameters: all, actions, isOcf11 };
  }

  /** Reading the lists would take longer. */
  const hasFile = async (fullName: string) =>
    (await fileStamp(fileOf(agents, nameIn(fullName)))) !== 'none';

  async function readOrRefuse(fullName: string): Promise<Agent> {
    try {
      return await read(fullName);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (error.code !== 'tool_failed' && error.code !== 'unreadable_output') throw error;
      throw new Fault(
        'cluster_refused',
        `The agent ${fullName} does not say which parameters it takes. Usually something that it needs is not installed; see 'stderr' for its message. Nothing was done.`,
        { ...(error.command && { command: error.command }) },
      );
    }
  }

  return {
    async resourceAgent(name) {
      const isListed = name.startsWith('ocf:') && (await hasFile(name));
      return readOrRefuse(isListed ? name : await resourceAgents.fullName(name));
    },
    async fenceAgent(name) {
      const fullName = `stonith:${name}`;
      if (!(await hasFile(fullName))) await fenceAgents.check(name);
      return readOrRefuse(fullName);
    },
    agentOf: (name) => readOrRefuse(fullNameOf(name)),
  };
}

export function fullNameOf({ class: standard, provider, type }: AgentName): string {
  return [standard, ...(provider === undefined ? [] : [provider]), type].join(':');
}

/** The type may have a colon if the standard is not OCF, as in `systemd:lvm2-pvscan@252:2`. */
function nameIn(fullName: string): AgentName {
  const [standard = '', ...others] = fullName.split(':');
  const provider = standard === 'ocf' ? others.shift() : undefined;
  return { class: standard, provider, type: others.join(':') };
}

function fileOf(
  { ocf, fence, initScripts }: ClusterHost['paths']['agents'],
  { class: standard, provider, type }: AgentName,
): string {
  if (standard === 'ocf') return join(ocf, provider ?? '', type);
  // Pacemaker's metadata is the same for every unit.
  return join(standard === 'stonith' ? fence : initScripts, type);
}

/** Parameters of fence agents for the command line only. pcs hides the same. */
const forCommandLines: readonly string[] = ['help', 'version'];

/**
 * The parameters of a fence agent in a device. Pacemaker fills in the action and the port of the node, under the port's
 * newer name as well, so none of these is required.
 */
function ofDevice(parameters: readonly AgentParameter[]): AgentParameter[] {
  const filledIn = new Set(['port']);
  // The set grows during the loop.
  for (const name of filledIn) {
    const parameter = parameters.find((each) => each.name === name);
    for (const replacement of parameter?.replacedBy ?? []) filledIn.add(replacement);
  }
  filledIn.add('action');
  return parameters
    .filter(({ name }) => !forCommandLines.includes(name))
    .map((each) => (filledIn.has(each.name) ? { ...each, required: false } : each));
}

/** Parameters that the shell library gives each of these agents (ocf-shellfuncs, `ocf_start_trace`). */
function tracing(
  { class: standard, provider }: AgentName,
  parameters: readonly AgentParameter[],
): AgentParameter[] {
  if (standard !== 'ocf' || !['heartbeat', 'pacemaker'].includes(provider ?? '')) return [];
  const own = parameters.map(({ name }) => name.toLowerCase());
  return ['trace_ra', 'trace_file']
    .filter((name) => !own.includes(name))
    .map((name) => ({
      name,
      required: false,
      deprecated: false,
      replacedBy: [],
      uniqueGroup: undefined,
    }));
}
