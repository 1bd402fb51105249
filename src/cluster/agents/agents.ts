import { Fault } from '../../kit/fault.ts';
import type { Host } from '../../kit/host.ts';
import { makeSerializer } from '../../kit/concurrency/serialize.ts';
import { cacheByStamp, cacheEachByStamp } from '../../kit/files/cached-by-stamp.ts';
import { listAgents, listOcfProviders } from '../../pacemaker/agents.ts';
import { describeAgent } from '../../pcs/describe.ts';
import { fileStamp, folderStamp, subfoldersStamp, toolStamp } from '../../kit/files/stamps.ts';

/** The resource agents of this node. Lists are sorted as pcs 0.10 has them, without regard to case. */
export interface ResourceAgents {
  /** Full names, such as `ocf:heartbeat:Dummy`. Faults: those of listAgents. */
  list(): Promise<readonly string[]>;
  /** `lsb`, `service`, `systemd`, then `ocf:PROVIDER` for each provider. Faults: those of listAgents. */
  providers(): Promise<readonly string[]>;
  /** The full names of one provider's agents. Faults: `provider_not_found`, those of listAgents. */
  listOf(provider: string): Promise<readonly string[]>;
  /** What pcs says of an agent. Faults: `agent_not_found`, those of listAgents and describeAgent. */
  describe(agent: string): Promise<string>;
  /**
   * The full name of an agent, of which the last part is enough if no other has the same.
   * Faults: `agent_not_found`, `cluster_refused` if there are several, those of listAgents.
   */
  fullName(agent: string): Promise<string>;
}

/** The fence agents of this node. */
export interface FenceAgents {
  /** Names, such as `fence_ipmilan` and `external/ipmi`. Faults: those of listAgents. */
  list(): Promise<readonly string[]>;
  /** What pcs says of an agent. Faults: `agent_not_found`, those of listAgents and describeAgent. */
  describe(agent: string): Promise<string>;
  /** Faults: `agent_not_found` if there is none of that name, those of listAgents. */
  check(agent: string): Promise<void>;
}

/** Programs beside the fence agents that Pacemaker takes for some; each pcs passes over these names. */
const noFenceAgents: ReadonlySet<string> = new Set([
  ...['fence_ack_manual', 'fence_check', 'fence_kdump_send', 'fence_legacy', 'fence_na'],
  ...['fence_node', 'fence_nss_wrapper', 'fence_pcmk', 'fence_sanlockd', 'fence_tool'],
  ...['fence_virtd', 'fence_vmware_helper'],
]);

/** How many descriptions are kept of each kind; most have some kilobytes. */
const keptDescriptions = 256;

/** Lists are kept until a folder that agents are in changes; descriptions as long. */
export function makeResourceAgents(host: Host): ResourceAgents {
  const { ocf, initScripts, units } = host.paths.agents;
  const stampOf = () =>
    joined([subfoldersStamp(ocf), folderStamp(initScripts), ...units.map(fileStamp)]);
  const lists = cacheByStamp(stampOf, () => readLists(host));
  const describe = keepDescriptions(host, 'resource', stampOf);
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
      // Not the instances of a unit's template, of which there are any number for pcs to describe.
      if (!(await lists()).all.includes(agent)) throw resourceAgentNotFound(agent);
      return describe(agent);
    },
    async fullName(agent) {
      const { all } = await lists();
      // A unit's instance is as good as its template.
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

/** Kept as resource agents are. */
export function makeFenceAgents(host: Host): FenceAgents {
  const { fence, fencePlugins } = host.paths.agents;
  const stampOf = () => joined([folderStamp(fence, 'fence_'), subfoldersStamp(fencePlugins)]);
  const list = cacheByStamp(stampOf, () => readFenceAgents(host));
  const describe = keepDescriptions(host, 'stonith', stampOf);
  async function check(agent: string): Promise<void> {
    if ((await list()).includes(agent)) return;
    throw new Fault(
      'agent_not_found',
      `There is no fence agent '${agent}' on this node. Take one from the list of fence agents; the package that holds more is 'fence-agents'.`,
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

async function readLists(host: Host): Promise<AgentLists> {
  const [lsb, systemd, ocf] = await Promise.all([
    listAgents(host, 'lsb'),
    listAgents(host, 'systemd'),
    readOcfAgents(host),
  ]);
  const found: readonly (readonly [provider: string, names: readonly string[]])[] = [
    ['lsb', lsb],
    // By definition whichever of the two there is (Pacemaker Explained, "System Services"). Pacemaker
    // would have systemd go through all units once more for it, which takes longer than all else.
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

async function readOcfAgents(host: Host): Promise<(readonly [string, readonly string[]])[]> {
  const providers = sorted(await listOcfProviders(host)).map((provider) => `ocf:${provider}`);
  const lists = await Promise.all(providers.map((provider) => listAgents(host, provider)));
  return providers.map((provider, index) => [provider, lists[index] ?? []]);
}

async function readFenceAgents(host: Host): Promise<readonly string[]> {
  const agents = await listAgents(host, 'stonith');
  return sorted(agents.filter((agent) => !noFenceAgents.has(agent)));
}

/** One pcs of a kind at a time: each takes a core and tens of megabytes, and agents are hundreds. */
function keepDescriptions(
  host: Host,
  kind: 'resource' | 'stonith',
  stampOfAgents: () => Promise<string>,
): (agent: string) => Promise<string> {
  const queue = makeSerializer();
  return cacheEachByStamp(
    () => joined([stampOfAgents(), toolStamp('pcs'), toolStamp('crm_resource')]),
    (agent) => queue(() => describeAgent(host, kind, agent)),
    keptDescriptions,
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

// Not localeCompare, whose order hangs on the locale and the version of its data.
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
