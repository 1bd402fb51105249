import { Fault } from '../errors.ts';
import type { Host } from '../host.ts';
import { inTurn } from '../in-turn.ts';
import { keep, keepEach } from '../kept.ts';
import { listAgents, listOcfProviders, listStandards } from '../pacemaker/agents.ts';
import { describeAgent } from '../pcs/describe.ts';
import { fileStamp, folderStamp, subfoldersStamp, toolStamp } from '../stamps.ts';

/** The resource agents of this node. Lists are sorted as pcs 0.10 has them, without regard to case. */
export interface ResourceAgents {
  /** Full names, such as `ocf:heartbeat:Dummy`. Faults: those of listAgents. */
  list(): Promise<readonly string[]>;
  /** The standards but `ocf`, then `ocf:PROVIDER` for each provider. Faults: those of listAgents. */
  providers(): Promise<readonly string[]>;
  /** The full names of one provider's agents. Faults: `provider_not_found`, those of listAgents. */
  listOf(provider: string): Promise<readonly string[]>;
  /** What pcs says of an agent. Faults: `agent_not_found`, those of listAgents and describeAgent. */
  describe(agent: string): Promise<string>;
}

/** The fence agents of this node. */
export interface FenceAgents {
  /** Names, such as `fence_ipmilan` and `external/ipmi`. Faults: those of listAgents. */
  list(): Promise<readonly string[]>;
  /** What pcs says of an agent. Faults: `agent_not_found`, those of listAgents and describeAgent. */
  describe(agent: string): Promise<string>;
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
  const byProvider = keep(stampOf, () => readByProvider(host));
  const list = async () => sorted([...(await byProvider()).values()].flat());
  const describe = keepDescriptions(host, 'resource', stampOf);
  return {
    list,
    providers: async () => [...(await byProvider()).keys()],
    async listOf(provider) {
      const agents = (await byProvider()).get(provider);
      if (agents === undefined) {
        throw new Fault(
          'provider_not_found',
          `There is no provider '${provider}' on this node. Take one from the list of providers, such as 'ocf:heartbeat'.`,
        );
      }
      return agents;
    },
    async describe(agent) {
      // What systemd has a template of, it has any instance of: getty@ stands for getty@tty1 too.
      const listed = agent.replace(/@.+$/, '@');
      const agents = await list();
      if (!agents.includes(agent) && !agents.includes(listed)) {
        throw new Fault(
          'agent_not_found',
          `There is no resource agent '${agent}' on this node. Take a full name from the list of resource agents, such as 'ocf:heartbeat:Dummy'; fence agents have a list of their own.`,
        );
      }
      return describe(agent);
    },
  };
}

/** Kept as resource agents are. */
export function makeFenceAgents(host: Host): FenceAgents {
  const { fence, fencePlugins } = host.paths.agents;
  const stampOf = () => joined([folderStamp(fence, 'fence_'), subfoldersStamp(fencePlugins)]);
  const list = keep(stampOf, () => readFenceAgents(host));
  const describe = keepDescriptions(host, 'stonith', stampOf);
  return {
    list,
    async describe(agent) {
      if (!(await list()).includes(agent)) {
        throw new Fault(
          'agent_not_found',
          `There is no fence agent '${agent}' on this node. Take one from the list of fence agents; the package that holds more is 'fence-agents'.`,
        );
      }
      return describe(agent);
    },
  };
}

async function readByProvider(host: Host): Promise<ReadonlyMap<string, readonly string[]>> {
  const [standards, ocfProviders] = await Promise.all([
    listStandards(host),
    listOcfProviders(host),
  ]);
  const providers = [
    ...sorted(standards.filter((standard) => !['ocf', 'stonith'].includes(standard))),
    ...sorted(ocfProviders.map((provider) => `ocf:${provider}`)),
  ];
  const entries = providers.map(async (provider) => {
    const agents = await listAgents(host, provider);
    return [provider, sorted(agents.map((agent) => `${provider}:${agent}`))] as const;
  });
  return new Map(await Promise.all(entries));
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
  const queue = inTurn();
  return keepEach(
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
