import { nodeInterface } from './network.ts';
import type { LabRecord, NodeRecord, TopologyName } from './record.ts';

// The storage topology is that of the contract's examples: the same names, constraints, meta
// attributes and operations. Pacemaker gets it as one piece of CIB, which takes 20 ms; with pcs, it would take
// some thirty calls of half a second each.

interface Resource {
  readonly id: string;
  readonly agent: Readonly<{ class: string; provider?: string; type: string }>;
  readonly params?: Readonly<Record<string, string>>;
  readonly meta?: Readonly<Record<string, string>>;
  readonly operations: readonly Readonly<Record<string, string>>[];
}

/**
 * Options of the cluster. The empty topology has those of the contract's status example. With real fencing, quorum must not be
 * ignored: a node that was fenced while its network is cut would start alone, and fence the healthy one when the
 * network is restored.
 */
export const clusterOptions = (topology: TopologyName): Readonly<Record<string, string>> =>
  topology === 'empty'
    ? { 'stonith-enabled': 'false', 'no-quorum-policy': 'ignore' }
    : { 'stonith-enabled': 'true' };

const dummy = { class: 'ocf', provider: 'pacemaker', type: 'Dummy' };

const meta = {
  'migration-threshold': '0',
  'multiple-active': 'stop_start',
  'resource-stickiness': '100',
};

const startAndStop = (start: string, stop: string) => [
  { name: 'start', interval: '0s', timeout: start },
  { name: 'stop', interval: '0s', timeout: stop },
];

const monitor = { name: 'monitor', interval: '20', timeout: '60', 'on-fail': 'restart' };

function storageResources(lab: LabRecord, hasAlphorn: boolean): Resource[] {
  return [
    { id: 'ZFS', agent: dummy, meta, operations: [monitor, ...startAndStop('45s', '45s')] },
    {
      id: 'SMB',
      agent: dummy,
      meta,
      operations: [
        { name: 'force-reload', interval: '0s', timeout: '15' },
        { name: 'restart', interval: '0s', timeout: '15' },
        ...startAndStop('15', '15'),
      ],
    },
    { id: 'NFS', agent: dummy, meta, operations: [monitor, ...startAndStop('40', '20s')] },
    {
      id: 'Alphorn',
      agent: hasAlphorn ? { class: 'systemd', type: 'alphorn' } : dummy,
      meta,
      operations: [monitor, ...startAndStop('100', '100')],
    },
    {
      id: 'VIP_mgmt0',
      agent: { class: 'ocf', provider: 'heartbeat', type: 'IPaddr2' },
      params: { cidr_netmask: '24', ip: lab.vip, nic: nodeInterface },
      meta,
      operations: [
        { name: 'monitor', interval: '10s', timeout: '20s' },
        ...startAndStop('20s', '20s'),
      ],
    },
  ];
}

/** Two ways to make sure that a node is down: its management controller, and the same again later. */
const fenceDevices = (node: NodeRecord): [Resource, Resource] => [
  fenceDevice(`failoverMeasure_ipmi_${node.host}`, { pcmk_host_list: node.name }),
  fenceDevice(`failoverMeasure_timeout_${node.host}`, { delay: '10', pcmk_host_list: node.name }),
];

const fenceDevice = (id: string, params: Readonly<Record<string, string>>): Resource => ({
  id,
  agent: { class: 'stonith', type: 'fence_lab' },
  params,
  operations: [{ name: 'monitor', interval: '60s' }],
});

/**
 * The configuration of the storage topology.
 * @param hasAlphorn whether the nodes have a systemd unit `alphorn`
 * @returns the `<configuration>` of a CIB
 */
export function storageConfiguration(lab: LabRecord, hasAlphorn: boolean): string {
  const resources = storageResources(lab, hasAlphorn);
  const fencing = lab.nodes.map((node) => ({ node, devices: fenceDevices(node) }));
  const devices = fencing.flatMap((each) => each.devices);
  const bans = fencing.flatMap(({ node, devices: own }) =>
    own.map((device) => banXml(device.id, node.name)),
  );
  return element('configuration', {}, [
    element('crm_config', {}, [optionsXml(clusterOptions(lab.topology))]),
    element('resources', {}, [...resources, ...devices].map(resourceXml)),
    element('constraints', {}, [
      ...bans,
      orderXml('startingNFS', ['start', 'ZFS'], ['start', 'NFS']),
      orderXml('startingSMB', ['start', 'ZFS'], ['start', 'SMB']),
      orderXml('stoppingNFS', ['stop', 'NFS'], ['stop', 'ZFS']),
      orderXml('stoppingSMB', ['stop', 'SMB'], ['stop', 'ZFS']),
      togetherXml(
        'all_together',
        resources.map((resource) => resource.id),
      ),
    ]),
    element(
      'fencing-topology',
      {},
      fencing.flatMap(({ node, devices: own }) =>
        own.map((device, index) => levelXml(node.name, index + 1, device.id)),
      ),
    ),
  ]);
}

/** Options as a `<cluster_property_set>` with the id that pcs and Pacemaker's own tools use. */
export function optionsXml(options: Readonly<Record<string, string>>): string {
  return nvpairs('cluster_property_set', 'cib-bootstrap-options', options);
}

function resourceXml({ id, agent, params, meta: metaAttributes, operations }: Resource): string {
  return element('primitive', { id, ...agent }, [
    ...(params ? [nvpairs('instance_attributes', `${id}-instance_attributes`, params)] : []),
    ...(metaAttributes
      ? [nvpairs('meta_attributes', `${id}-meta_attributes`, metaAttributes)]
      : []),
    element(
      'operations',
      {},
      operations.map((operation) =>
        element('op', {
          id: `${id}-${operation['name']}-interval-${operation['interval']}`,
          ...operation,
        }),
      ),
    ),
  ]);
}

const banXml = (rsc: string, node: string): string =>
  element('rsc_location', {
    id: `location-${rsc}-${node}--INFINITY`,
    rsc,
    node,
    score: '-INFINITY',
  });

type Action = readonly [action: string, resource: string];

const orderXml = (id: string, [firstAction, first]: Action, [thenAction, then]: Action): string =>
  element('rsc_order', {
    id,
    first,
    'first-action': firstAction,
    then,
    'then-action': thenAction,
    kind: 'Mandatory',
  });

const togetherXml = (id: string, resources: string[]): string =>
  element('rsc_colocation', { id, score: 'INFINITY' }, [
    element(
      'resource_set',
      { id: `pcs_rsc_set_${resources.join('_')}` },
      resources.map((resource) => element('resource_ref', { id: resource })),
    ),
  ]);

const levelXml = (target: string, index: number, devices: string): string =>
  element('fencing-level', { id: `fl-${target}-${index}`, target, index: `${index}`, devices });

const nvpairs = (name: string, id: string, pairs: Readonly<Record<string, string>>): string =>
  element(
    name,
    { id },
    Object.entries(pairs).map(([key, value]) =>
      element('nvpair', { id: `${id}-${key}`, name: key, value }),
    ),
  );

/** Does not escape: all names and values are written in this file, or are addresses and host ids. */
function element(
  name: string,
  attributes: Readonly<Record<string, string>>,
  children: readonly string[] = [],
): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${value}"`);
  return `<${name}${written.join('')}>${children.join('')}</${name}>`;
}
