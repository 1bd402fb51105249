import { XMLParser } from 'fast-xml-parser';
import { loadEverything } from './everything.ts';
import { inNode, writeNodeFile } from './node.ts';
import type { Progress } from './progress.ts';
import { step } from './progress.ts';
import type { LabRecord, NodeRecord } from './record.ts';
import type { Argv } from './run.ts';
import { CommandError } from './run.ts';
import { clusterOptions, optionsXml, storageConfiguration } from './topology.ts';
import { waitUntil } from './wait.ts';

/**
 * Makes one cluster from freshly booted nodes, loads the topology, and waits until the cluster is idle.
 * @throws {CommandError} when a tool refuses
 */
export async function setUpCluster(lab: LabRecord, progress: Progress): Promise<void> {
  const [first] = lab.nodes;
  if (first === undefined) {
    throw new Error('A cluster needs a node.');
  }
  await step(progress, 'Setting the cluster up (pcs host auth, pcs cluster setup)', async () => {
    const nodes = lab.nodes.flatMap((node) => [node.name, `addr=${node.address}`]);
    await must(lab, first, ['pcs', 'host', 'auth', ...nodes, '-u', 'hacluster', '-p', 'hacluster']);
    const names = lab.nodes.map((node) => node.name);
    await must(lab, first, ['pcs', 'cluster', 'setup', 'dolocoin', ...names]);
  });
  await step(progress, 'Starting the cluster', async () => {
    await inAll(lab, (node) => startStack(lab, node));
    await waitUntil('all nodes to be online, with quorum', () => isComplete(lab), {
      deadlineMs: 180_000,
    });
    // Only for the start, see seedCib
    const forget = ['--type', 'crm_config', '--name', 'dc-deadtime', '--delete'];
    await must(lab, first, ['crm_attribute', ...forget]);
  });
  if (lab.topology !== 'empty') {
    await step(progress, 'Starting the resources', () => loadStorage(lab, first));
  }
  if (lab.topology === 'everything') {
    await step(progress, 'Loading everything else', () =>
      loadEverything(lab, (argv, input) => must(lab, first, argv, input)),
    );
  }
}

async function startStack(lab: LabRecord, node: NodeRecord): Promise<void> {
  await seedCib(lab, node);
  await must(lab, node, ['systemctl', 'enable', '--quiet', 'corosync', 'pacemaker']);
  await must(lab, node, ['systemctl', 'start', 'corosync', 'pacemaker']);
}

/**
 * Sets the cluster's options before its first start. One is a short `dc-deadtime`, which is the time that a node waits
 * for a coordinator before it calls an election. A cluster that has never run has no coordinator to wait for, and
 * the default of 20 s is most of the time of a first start. The option is deleted after the start.
 */
async function seedCib(lab: LabRecord, node: NodeRecord): Promise<void> {
  const empty = await must(lab, node, ['cibadmin', '--empty']);
  const options = optionsXml({
    ...clusterOptions(lab.topology),
    // Turns fencing off until there is a fence device
    'stonith-enabled': 'false',
    'dc-deadtime': '2s',
  });
  const cib = empty.replace('<crm_config/>', `<crm_config>${options}</crm_config>`);
  await writeNodeFile(lab, node, '/var/lib/pacemaker/cib/cib.xml', cib, 0o600);
  await must(lab, node, ['chown', 'hacluster:haclient', '/var/lib/pacemaker/cib/cib.xml']);
}

async function loadStorage(lab: LabRecord, first: NodeRecord): Promise<void> {
  const { exitCode } = await inNode(lab, first, ['systemctl', 'cat', 'alphorn.service']);
  const configuration = storageConfiguration(lab, exitCode === 0);
  const load = ['--modify', '--allow-create', '--scope', 'configuration', '--xml-pipe'];
  await must(lab, first, ['cibadmin', ...load], configuration);
  await waitUntil('all resources to be started', () => allStarted(lab, first), {
    deadlineMs: 120_000,
  });
  await must(lab, first, ['crm_resource', '--wait', '--timeout=60']);
}

/** Whether each node of a lab sees each node online, and a quorum. */
async function isComplete(lab: LabRecord): Promise<boolean> {
  const views = await inAll(lab, (node) => view(lab, node));
  return views.every((seen) => seen.hasQuorum && seen.online.length === lab.nodes.length);
}

async function allStarted(lab: LabRecord, node: NodeRecord): Promise<boolean> {
  const { resources } = await view(lab, node);
  return (
    resources.length > 0 &&
    resources.every((resource) => resource.role === 'Started' && resource.node !== undefined)
  );
}

/** A node's view of its cluster. */
export interface ClusterView {
  readonly hasQuorum: boolean;
  readonly coordinator: string | undefined;
  /** Names of the nodes that are online. */
  readonly online: readonly string[];
  readonly resources: readonly {
    readonly id: string;
    readonly role: string;
    readonly node: string | undefined;
  }[];
}

interface CrmMon {
  crm_mon: {
    summary: { current_dc: { name?: string; with_quorum?: string } };
    nodes: { node?: { name: string; online: string; pending: string }[] };
    resources?: { resource?: { id: string; role: string; node?: { name: string }[] }[] };
  };
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseAttributeValue: false,
  isArray: (name) => ['node', 'resource'].includes(name),
});

/**
 * Asks a node about its cluster.
 * @throws {CommandError} when its Pacemaker does not run
 */
export async function view(lab: LabRecord, node: NodeRecord): Promise<ClusterView> {
  const xml = await must(lab, node, ['crm_mon', '--as-xml']);
  const { crm_mon: seen } = parser.parse(xml) as CrmMon;
  return {
    hasQuorum: seen.summary.current_dc.with_quorum === 'true',
    coordinator: seen.summary.current_dc.name,
    online: (seen.nodes.node ?? [])
      .filter((each) => each.online === 'true' && each.pending === 'false')
      .map((each) => each.name),
    resources: (seen.resources?.resource ?? []).map((resource) => ({
      id: resource.id,
      role: resource.role,
      node: resource.node?.[0]?.name,
    })),
  };
}

async function must(lab: LabRecord, node: NodeRecord, argv: Argv, input?: string): Promise<string> {
  const options = { deadlineMs: 120_000, ...(input !== undefined && { input }) };
  const outcome = await inNode(lab, node, argv, options);
  if (outcome.exitCode !== 0) {
    throw new CommandError(argv, outcome, `exit code ${outcome.exitCode} in ${node.name}`);
  }
  return outcome.stdout;
}

const inAll = <T>(lab: LabRecord, work: (node: NodeRecord) => Promise<T>): Promise<T[]> =>
  Promise.all(lab.nodes.map(work));
