import type { Suite } from '../lab/root.ts';
import { type PcsdCall, remote, v1, v2 } from './pcsd.ts';

/** The times of a read, in milliseconds. */
export interface RouteTimes {
  cold: number;
  warm: number;
  /** `cibadmin --query` in the same rounds as `cold`; only for reads of the CIB. */
  cibadmin?: number;
  /** How much longer than that the route took, round by round. */
  beyondCibadmin?: number;
}

/** A limit for some of the routes. */
export interface RouteBar {
  what: string;
  of: (times: RouteTimes) => number;
  limitMs: number;
}

/** A read of the API, and ways to do the same without it. */
export interface RouteCase {
  /** The path below /api/v2/system/ha. */
  route: string;
  method?: 'GET' | 'POST';
  body?: object;
  bars: readonly RouteBar[];
  /** The commands of pcs that do the same; empty if there are none. */
  pcs: ByDebian<readonly string[]>;
  /** The calls of pcsd that do the same; empty if there are none. */
  pcsd: ByDebian<readonly PcsdCall[]>;
}

type ByDebian<T> = Readonly<Record<Suite, T>>;

const coldCib: RouteBar = {
  what: 'cold read of the CIB without `raw`, minus the time of `cibadmin --query`',
  of: ({ beyondCibadmin = NaN }) => beyondCibadmin,
  limitMs: 60,
};
const warmCib: RouteBar = { what: 'warm read of the CIB, p50', of: ({ warm }) => warm, limitMs: 3 };
const cib = [coldCib, warmCib];
/** pcs has to be asked for `raw`, once for each CIB. */
const cibWithRaw = [warmCib];
const agentNames: readonly RouteBar[] = [
  { what: '`resource_agent` cold', of: ({ cold }) => cold, limitMs: 800 },
  { what: '`resource_agent` warm, p50', of: ({ warm }) => warm, limitMs: 10 },
];

/** The bars, in the document's order. */
export const routeBars: readonly RouteBar[] = [coldCib, warmCib, ...agentNames];

export const readsCib = ({ bars }: RouteCase): boolean => bars.includes(coldCib);

/** Everything that the web UI shows of a cluster; before 0.12, pcsd has no call for a part of it. */
const allOfNode = remote('status?version=2&operations=1&skip_auth_check=1');

/**
 * The reads of the API in the storage topology.
 * @param node the name of the node that is asked
 */
export function routeCases(node: string): readonly RouteCase[] {
  return [
    {
      route: 'constraint',
      bars: cibWithRaw,
      pcs: everywhere('pcs constraint --full'),
      pcsd: since012(v2('constraint.get_config'), allOfNode),
    },
    {
      route: 'constraint?raw=false',
      bars: cib,
      pcs: everywhere('pcs constraint --full'),
      pcsd: since012(v2('constraint.get_config'), allOfNode),
    },
    {
      route: 'constraint/ordering',
      bars: cib,
      pcs: everywhere('pcs constraint order --full'),
      pcsd: since012(v2('constraint.get_config'), allOfNode),
    },
    {
      route: 'corosync',
      bars: [],
      pcs: everywhere('pcs cluster config'),
      pcsd: since012(v2('cluster.get_corosync_conf_struct')),
    },
    {
      route: 'corosync/raw',
      bars: [],
      pcs: everywhere('pcs cluster corosync'),
      pcsd: everywhere(remote('get_corosync_conf')),
    },
    { route: 'corosync/verify', bars: [], pcs: everywhere(), pcsd: everywhere() },
    { route: 'corosync/rings', bars: [], pcs: everywhere(), pcsd: everywhere() },
    {
      route: 'quorum',
      bars: [],
      pcs: everywhere('pcs quorum status'),
      pcsd: everywhere(remote('get_quorum_info')),
    },
    {
      route: 'node',
      bars: [],
      pcs: everywhere('pcs status nodes'),
      pcsd: everywhere(allOfNode),
    },
    {
      route: `node/${node}`,
      bars: [],
      pcs: everywhere(`pcs node attribute ${node}`),
      pcsd: everywhere(remote('pacemaker_node_status')),
    },
    {
      route: 'property',
      bars: cib,
      pcs: { ...everywhere('pcs property config --all'), bullseye: ['pcs property list --all'] },
      pcsd: since012(
        v2('cluster_property.get_properties_metadata'),
        remote('get_cluster_properties_definition'),
      ),
    },
    {
      route: 'property/batch-limit/details',
      bars: cib,
      // 0.10 cannot show the default of a single property.
      pcs: {
        ...everywhere('pcs property config batch-limit'),
        bullseye: ['pcs property list --all'],
      },
      pcsd: since012(
        v2('cluster_property.get_properties_metadata'),
        remote('get_cluster_properties_definition'),
      ),
    },
    {
      route: 'resource',
      bars: cib,
      pcs: everywhere('pcs resource config'),
      pcsd: since012(v2('resource.get_configured_resources'), allOfNode),
    },
    {
      route: 'resource/ZFS/details',
      bars: cib,
      pcs: everywhere('pcs resource config ZFS'),
      pcsd: since012(v2('resource.get_configured_resources'), allOfNode),
    },
    {
      route: 'resource/ZFS/locate',
      bars: [],
      pcs: { ...everywhere('pcs resource status ZFS'), bullseye: ['pcs resource status'] },
      pcsd: {
        bullseye: [remote('resource_status?resource=ZFS')],
        bookworm: [allOfNode],
        trixie: [v2('status.resources_status')],
      },
    },
    {
      route: 'resource/group',
      bars: cib,
      pcs: everywhere('pcs resource group list'),
      pcsd: since012(v2('resource.get_configured_resources'), allOfNode),
    },
    {
      route: 'resource_agent',
      bars: agentNames,
      // By default, pcs starts each agent for a description, which the route does not show.
      pcs: everywhere('pcs resource list --nodesc', 'pcs resource list'),
      pcsd: everywhere(
        named('without descriptions', v1('resource-agent-list-agents', { describe: false })),
        v1('resource-agent-list-agents'),
      ),
    },
    {
      route: 'resource_agent/providers',
      bars: [],
      pcs: everywhere('pcs resource providers'),
      pcsd: everywhere(v1('resource-agent-list-ocf-providers')),
    },
    {
      route: 'resource_agent/ocf:heartbeat/details',
      bars: [],
      pcs: everywhere(
        'pcs resource list ocf:heartbeat --nodesc',
        'pcs resource list ocf:heartbeat',
      ),
      pcsd: everywhere(
        v1('resource-agent-list-agents-for-standard-and-provider', {
          standard_provider: 'ocf:heartbeat',
        }),
      ),
    },
    {
      route: 'resource_agent/ocf:heartbeat:Dummy/info',
      bars: [],
      pcs: everywhere('pcs resource describe ocf:heartbeat:Dummy'),
      pcsd: everywhere(v1('resource-agent-describe-agent', { agent_name: 'ocf:heartbeat:Dummy' })),
    },
    {
      route: 'stonith',
      bars: cibWithRaw,
      pcs: everywhere('pcs stonith config'),
      pcsd: since012(v2('resource.get_configured_resources'), allOfNode),
    },
    {
      route: 'stonith?raw=false',
      bars: cib,
      pcs: everywhere('pcs stonith config'),
      pcsd: since012(v2('resource.get_configured_resources'), allOfNode),
    },
    {
      route: 'stonith/level',
      bars: cib,
      pcs: everywhere('pcs stonith level config'),
      pcsd: since012(v2('fencing_topology.get_config_dto'), allOfNode),
    },
    {
      route: 'stonith/agent',
      bars: [],
      pcs: everywhere('pcs stonith list --nodesc', 'pcs stonith list'),
      pcsd: everywhere(
        named('without descriptions', v1('stonith-agent-list-agents', { describe: false })),
        v1('stonith-agent-list-agents'),
      ),
    },
    {
      route: 'stonith/agent/info',
      method: 'POST',
      body: { agent: 'fence_ipmilan' },
      bars: [],
      pcs: everywhere('pcs stonith describe fence_ipmilan'),
      pcsd: everywhere(v1('stonith-agent-describe-agent', { agent_name: 'fence_ipmilan' })),
    },
    {
      route: 'configuration',
      bars: cib,
      pcs: everywhere('pcs cluster cib'),
      pcsd: { ...everywhere(), bullseye: [remote('get_cib')] },
    },
    {
      route: 'fence_history',
      bars: [],
      pcs: everywhere('pcs stonith history'),
      pcsd: everywhere(),
    },
    {
      route: 'status',
      bars: [],
      pcs: everywhere('pcs status'),
      pcsd: everywhere(remote('cluster_status')),
    },
    { route: 'services', bars: [], pcs: everywhere(), pcsd: everywhere(remote('check_host')) },
    {
      route: 'versions',
      bars: [],
      pcs: everywhere('pcs --version'),
      pcsd: everywhere(remote('get_sw_versions')),
    },
  ];
}

function everywhere<T>(...ways: readonly T[]): ByDebian<readonly T[]> {
  return { bullseye: ways, bookworm: ways, trixie: ways };
}

/** The pcsd of trixie is 0.12. */
function since012(newer: PcsdCall, ...older: readonly PcsdCall[]): ByDebian<readonly PcsdCall[]> {
  return { bullseye: older, bookworm: older, trixie: [newer] };
}

function named(how: string, call: PcsdCall): PcsdCall {
  return { ...call, name: `${call.name} ${how}` };
}
