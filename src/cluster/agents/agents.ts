import { Fault } from '../../kit/fault.ts';
import type { ClusterHost } from '../paths.ts';
import { makeSerializer } from '../../kit/concurrency/serialize.ts';
import { cacheByStamp, cacheEachByStamp } from '../../kit/files/cached-by-stamp.ts';
import { listAgents, listOcfProviders } from '../../pacemaker/agents.ts';
import { describeAgent } from '../../pcs/describe.ts';
import { fileStamp, folderStamp, subfoldersStamp, toolStamp } from '../../kit/files/stamps.ts';

/** The resource agents of this node. Lists are sorted as in pcs 0.10, ignoring case. */
export interface ResourceAgents {
  /** Full names, such as `ocf:heartbeat:Dummy`. Faults: those of listAgents. */
  list(): Promise<readonly string[]>;
  /** `lsb`, `service`, `systemd`, then `ocf:PROVIDER` for each provider. Faults: those of listAgents. */
  providers(): Promise<readonly string[]>;
  /** The full names of one provider's agents. Faults: `provider_not_found`, those of listAgents. */
  listOf(provider: string): Promise<readonly string[]>;
  /** The text of pcs about an agent. Faults: `agent_not_found`, those of listAgents and describeAgent. */
  describe(agent: string): Promise<string>;
  /**
   * The full name of an agent. The last part of a name is enough if no other agent has the same.
   * Faults: `agent_not_found`, `cluster_refused` if there are several, those of listAgents.
   */
  fullName(agent: string): Promise<string>;
}

/** The fence agents of this node. */
export interface FenceAgents {
  /** Names, such as `fence_ipmilan` and `external/ipmi`. Faults: those of listAgents. */
  list(): Promise<readonly string[]>;
  /** The text of pcs about an agent. Faults: `agent_not_found`, those of listAgents and describeAgent. */
  describe(agent: string): Promise<string>;
  /** Faults: `agent_not_found` if there is none of that name, those of listAgents. */
  check(agent: string): Promise<void>;
}

/** Programs that Pacemaker lists as fence agents, although they are none. Every version of pcs skips these names. */
const noFenceAgents: ReadonlySet<string> = new Set([
  'fence_ack_manual',
  'fence_check',
  'fence_kdump_send',
  'fence_legacy',
  'fence_na',
  'fence_node',
  'fence_nss_wrapper',
  'fence_pcmk',
  'fence_sanlockd',
  'fence_tool',
  'fence_virtd',
  'fence_vmware_helper',
]);

/** For each kind of agent. Most descriptions have some kilobytes. */
const maxCachedDescriptions = 256;

/** Lists and descriptions are cached until a folder of agents changes. */
export function makeResourceAgents(host: ClusterHost): ResourceAgents {
  const { ocf, initScripts, units } = host.paths.agents;
  const stampOf = () =>
    joined([subfoldersStamp(ocf), folderStamp(initScripts), ...units.map(fileStamp)]);
  const lists = cacheByStamp(stampOf, () => readLists(host));
  const describe = cacheDescriptions(host, 'resource', stampOf);
  return {
    list: async () => (await lists()).all,
    providers: async () => [...(await lists()).byProvider.keys()],
    async listOf(provider) {
      const agents = (await lists()).byProvider.get(provider);
      if (agents === undefined) {
        throw new Fault(
          'provider_not_found',
          `There is no provider '${provider}' on this node. Take one from the list of providers, such as 'ocf:heartbeat'.`,
        );
      }
      return agents;
    },
    async describe(agent) {
      // Instances of a unit's template are refused, because a caller could have pcs describe any number of them.
      if (!(await lists()).all.includes(agent)) throw resourceAgentNotFound(agent);
      return describe(agent);
    },
    async fullName(agent) {
      const { all } = await lists();
      // An instance of a unit counts if its template is listed.
      const template = agent.slice(0, agent.indexOf('@') + 1);
      if (all.includes(agent) || all.includes(template)) return agent;
      const names = all.filter((name) => name.endsWith(`:${agent}`));
      const [only, ...others] = names;
      if (only === undefined) throw resourceAgentNotFound(agent);
      if (others.length === 0) return only;
      throw new Fault(
        'cluster_refused',
        `There are several agents '${agent}': ${names.join(', ')}. Take one of these. Nothing was done.`,
      );
    },
  };
}

function resourceAgentNotFound(agent: string): Fault {
  return new Fault(
    'agent_not_found',
    `There is no resource agent '${agent}' on this node. Take a full name from the list of resource agents, such as 'ocf:heartbeat:Dummy'; fence agents have a list of their own.`,
  );
}

/** Lists and descriptions are cached as for resource agents. */
export function makeFenceAgents(host: ClusterHost): FenceAgents {
  const { fence, fencePlugins } = host.paths.agents;
  const stampOf = () => joined([folderStamp(fence, 'fence_'), subfoldersStamp(fencePlugins)]);
  const list = cacheByStamp(stampOf, () => readFenceAgents(host));
  const describe = cacheDescriptions(host, 'stonith', stampOf);
  async function check(agent: string): Promise<void> {
    if ((await list()).includes(agent)) return;
    throw new Fault(
      'agent_not_found',
      `There is no fence agent '${agent}' on this node. Take one from the list of fence agents; the package 'fence-agents' has more.`,
    );
  }
  return {
    list,
    async describe(agent) {
      await check(agent);
      return describe(agent);
    },
    check,
  };
}

interface AgentLists {
  all: readonly string[];
  byProvider: ReadonlyMap<string, readonly string[]>;
}

async function readLists(host: ClusterHost): Promise<AgentLists> {
  const [lsb, systemd, ocf] = await Promise.all([
    listAgents(host, 'lsb'),
    listAgents(host, 'systemd'),
    readOcfAgents(host),
  ]);
  const found: readonly (readonly [provider: string, names: readonly string[]])[] = [
    ['lsb', lsb],
    // By definition this is either of the two (Pacemaker Explained, "System Services"). Asking Pacemaker for it would have
    // systemd go through all units again, which takes longer than everything else here.
    ['service', [...lsb, ...systemd]],
    ['systemd', systemd],
    ...ocf,
  ];
  const byProvider = new Map(
    found.map(([provider, names]) => [
      provider,
      sorted(names.map((name) => `${provider}:${name}`)),
    ]),
  );
  return { all: sorted([...byProvider.values()].flat()), byProvider };
}

async function readOcfAgents(host: ClusterHost): Promise<(readonly [string, readonly string[]])[]> {
  const providers = sorted(await listOcfProviders(host)).map((provider) => `ocf:${provider}`);
  const lists = await Promise.all(providers.map((provider) => listAgents(host, provider)));
  return providers.map((provider, index) => [provider, lists[index] ?? []]);
}

async function readFenceAgents(host: ClusterHost): Promise<readonly string[]> {
  const agents = await listAgents(host, 'stonith');
  return sorted(agents.filter((agent) => !noFenceAgents.has(agent)));
}

/** Only one pcs runs for each kind: it takes a core and tens of megabytes, and there are hundreds of agents. */
function cacheDescriptions(
  host: ClusterHost,
  kind: 'resource' | 'stonith',
  stampOfAgents: () => Promise<string>,
): (agent: string) => Promise<string> {
  const queue = makeSerializer();
  return cacheEachByStamp(
    () => joined([stampOfAgents(), toolStamp('pcs'), toolStamp('crm_resource')]),
    (agent) => queue(() => describeAgent(host, kind, agent)),
    maxCachedDescriptions,
  );
}

async function joined(stamps: readonly Promise<string>[]): Promise<string> {
  return (await Promise.all(stamps)).join();
}

function sorted(names: readonly string[]): readonly string[] {
  const folded = (name: string) => name.toLowerCase();
  return [...new Set(names)].sort((a, b) =>
    folded(a) === folded(b) ? compare(a, b) : compare(folded(a), folded(b)),
  );
}

// The order of localeCompare depends on the locale and on the version of its data.
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
