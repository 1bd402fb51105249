// Records test/fixtures from real clusters, one of each Debian and topology:
//   npm run record-fixtures [-- bullseye bookworm trixie] [storage everything empty]
// or only what does not depend on the state of a cluster, in labs that are up:
//   npm run record-fixtures -- NAME...
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { corosyncStates } from './lab/corosync-states.ts';
import { type Lab, type LabNode, open, up } from './lab/lab.ts';
import { progressOnStderr } from './lab/progress.ts';
import { type Suite, suites } from './lab/root.ts';
import { fixturePath, generations, type Generation } from './support/fixtures.ts';

const stackUnits = ['pacemaker.service', 'pcsd.service', 'corosync.service'];
const statusUnits = ['corosync', 'pacemaker', 'pacemaker_remote', 'pcsd', 'sbd'].map(
  (name) => `${name}.service`,
);
const unitProperties = '--property=Id,LoadState,ActiveState,UnitFileState';

/** What is recorded in a state of the cluster: case, argv. */
type Calls = readonly (readonly [name: string, argv: readonly [string, ...string[]]])[];

/** The calls whose answers depend only on what is installed: case, argv. */
const toolCalls: Calls = [
  ['version', ['crm_mon', '--version']],
  ['version', ['corosync', '-v']],
  ['version', ['pcs', '--version']],
  ['corosync-conf', ['cat', '/etc/corosync/corosync.conf']],
  ['pcs-capabilities', ['cat', '/usr/share/pcsd/capabilities.xml']],
  ['ocf-providers', ['crm_resource', '--list-ocf-providers']],
  ['agents-lsb', ['crm_resource', '--list-agents', 'lsb']],
  ['agents-systemd', ['crm_resource', '--list-agents', 'systemd']],
  ['agents-heartbeat', ['crm_resource', '--list-agents', 'ocf:heartbeat']],
  ['agents-pacemaker', ['crm_resource', '--list-agents', 'ocf:pacemaker']],
  ['agents-stonith', ['crm_resource', '--list-agents', 'stonith']],
  ['agents-none', ['crm_resource', '--list-agents', 'ocf:none']],
  ['metadata-dummy', ['crm_resource', '--show-metadata', 'ocf:pacemaker:Dummy']],
  ['metadata-stateful', ['crm_resource', '--show-metadata', 'ocf:pacemaker:Stateful']],
  ['metadata-ipaddr2', ['crm_resource', '--show-metadata', 'ocf:heartbeat:IPaddr2']],
  ['metadata-unit', ['crm_resource', '--show-metadata', 'systemd:cron']],
  ['metadata-lab', ['crm_resource', '--show-metadata', 'stonith:fence_lab']],
  ['metadata-ipmilan', ['crm_resource', '--show-metadata', 'stonith:fence_ipmilan']],
  ['metadata-none', ['crm_resource', '--show-metadata', 'ocf:heartbeat:None']],
  ['metadata', ['/usr/lib/pacemaker/pacemaker-fenced', 'metadata']],
  ['resource-list', ['pcs', 'resource', 'list', '--nodesc']],
  ['stonith-list', ['pcs', 'stonith', 'list', '--nodesc']],
  ['resource-describe', ['pcs', 'resource', 'describe', 'ocf:heartbeat:Dummy']],
  ['stonith-describe', ['pcs', 'stonith', 'describe', 'fence_lab']],
  // It gives no metadata, because a library that it needs is not installed.
  ['stonith-describe-broken', ['pcs', 'stonith', 'describe', 'drac3']],
];

const stateCalls: Calls = [
  ['as-xml', ['crm_mon', '--as-xml']],
  ['as-text', ['crm_mon', '--one-shot', '--inactive']],
  ['configuration', ['cibadmin', '--query', '--scope', 'configuration']],
  ['status-units', ['systemctl', 'show', unitProperties, ...statusUnits]],
  ['stack-units', ['systemctl', 'show', unitProperties, ...stackUnits]],
  ['status', ['pcs', 'status']],
];

const configurationCalls: Calls = [
  ['query', ['cibadmin', '--query']],
  ['constraint', ['pcs', 'constraint', '--full']],
  ['stonith', ['pcs', 'stonith', 'config']],
];

/** The states of the cluster in their order, how each one is reached, and what is recorded there. */
type States = readonly (readonly [
  name: string,
  enter: (lab: Lab) => Promise<void>,
  calls: Calls,
])[];

const storageStates: States = [
  ['storage', () => Promise.resolve(), [...stateCalls, ...configurationCalls]],
  [
    'banned',
    async (lab) => {
      await firstOf(lab).run(['pcs', 'resource', 'ban', 'SMB', lab.nodes[1]?.name ?? '']);
      await settled(lab);
    },
    stateCalls,
  ],
  [
    'standby',
    async (lab) => {
      await firstOf(lab).run(['pcs', 'resource', 'clear', 'SMB']);
      await firstOf(lab).run(['pcs', 'node', 'standby', lab.nodes[1]?.name ?? '']);
      await settled(lab);
    },
    stateCalls,
  ],
  [
    'no-fencing',
    async (lab) => {
      const node = firstOf(lab);
      await node.run(['pcs', 'node', 'unstandby', lab.nodes[1]?.name ?? '']);
      for (const id of await fenceDevices(node)) await node.run(['pcs', 'stonith', 'delete', id]);
      await settled(lab);
    },
    stateCalls,
  ],
  [
    'stopped',
    async (lab) => {
      await firstOf(lab).run(['pcs', 'cluster', 'stop', '--all']);
    },
    stateCalls,
  ],
];

const everythingStates: States = [
  [
    'everything',
    () => Promise.resolve(),
    [['as-xml', ['crm_mon', '--as-xml']], ...configurationCalls],
  ],
  [
    // pcs 0.11 and 0.12 cannot describe fence devices if anything is made from a template.
    'without-templates',
    async (lab) => {
      for (const id of ['FromTemplate', 'fence-template']) {
        await firstOf(lab).run(['cibadmin', '--delete', '--xml-text', `<primitive id="${id}"/>`]);
      }
    },
    [['stonith', ['pcs', 'stonith', 'config']]],
  ],
];

const recordings = [
  { topology: 'storage', states: storageStates, alsoOfTools: true },
  { topology: 'everything', states: everythingStates, alsoOfTools: false },
  {
    topology: 'empty',
    states: [['empty', () => Promise.resolve(), stateCalls]] satisfies States,
    alsoOfTools: false,
  },
] as const;

async function recordSuite(
  suite: Suite,
  { topology, states, alsoOfTools }: (typeof recordings)[number],
): Promise<void> {
  const lab = await up({
    name: `fixtures-${suite}`,
    suite,
    nodes: 2,
    topology,
    progress: progressOnStderr,
  });
  try {
    const record = await makeRecorder(lab);
    if (alsoOfTools) for (const [name, argv] of toolCalls) await record(name, argv);
    for (const [state, enter, calls] of states) {
      await enter(lab);
      for (const [name, argv] of calls) await record(`${state}-${name}`, argv);
    }
    if (!alsoOfTools) return;
    for (const { name, enter, calls } of corosyncStates) {
      await enter(lab);
      for (const argv of calls) await record(name, argv);
    }
  } finally {
    await lab.down();
  }
}

/** Makes the function that runs a call in the lab's first node, and records its answer. */
async function makeRecorder(
  lab: Lab,
): Promise<(name: string, argv: readonly [string, ...string[]]) => Promise<void>> {
  const node = firstOf(lab);
  const versions = await versionsIn(node);
  await rememberGeneration({ suite: lab.suite, versions });
  return async (name, argv) => {
    const { exitCode, stdout, stderr } = await node.exec(argv);
    const tool = basename(argv[0]);
    const folder = fixturePath(join(tool, versions[tool] ?? 'unknown', name));
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'command.json'), `${JSON.stringify({ argv, exitCode })}\n`);
    await writeFile(join(folder, 'stdout'), stdout);
    await writeFile(join(folder, 'stderr'), stderr);
  };
}

function firstOf(lab: Lab): LabNode {
  const node = lab.nodes[0];
  if (node === undefined) throw new Error(`The lab ${lab.name} has no nodes.`);
  return node;
}

/** Waits until no transition is under way. */
async function settled(lab: Lab): Promise<void> {
  await firstOf(lab).run(['crm_resource', '--wait'], { deadlineMs: 120_000 });
}

async function fenceDevices(node: LabNode): Promise<string[]> {
  const cib = await node.run(['cibadmin', '--query', '--scope', 'resources']);
  return [...cib.matchAll(/<primitive [^>]*>/g)]
    .map(([tag]) => tag)
    .filter((tag) => tag.includes('class="stonith"'))
    .map((tag) => /\bid="([^"]*)"/.exec(tag)?.[1] ?? '');
}

/** The recordings of each tool go to a folder that is named after the version of its package. */
async function versionsIn(node: LabNode): Promise<Record<string, string>> {
  const packages = {
    crm_mon: 'pacemaker',
    cibadmin: 'pacemaker',
    crm_resource: 'pacemaker',
    'pacemaker-fenced': 'pacemaker',
    corosync: 'corosync',
    'corosync-cfgtool': 'corosync',
    'corosync-quorumtool': 'corosync',
    pcs: 'pcs',
    systemctl: 'systemd',
    cat: 'coreutils',
  };
  const entries = await Promise.all(
    Object.entries(packages).map(async ([tool, name]) => {
      const version = await node.run(['dpkg-query', '--show', '--showformat', '${Version}', name]);
      return [tool, /^[\d:.]*\d/.exec(version)?.[0] ?? version] as const;
    }),
  );
  return Object.fromEntries(entries);
}

async function rememberGeneration(generation: Generation): Promise<void> {
  const others = generations.filter(({ suite }) => suite !== generation.suite);
  generations.splice(0, generations.length, ...others, generation);
  await writeFile(fixturePath('generations.json'), `${JSON.stringify(generations, null, 2)}\n`);
}

const asked = process.argv.slice(2);
/** The requested ones, or all if none was requested. */
const wanted = <T extends string>(names: readonly T[]): readonly T[] => {
  const found = names.filter((name) => asked.includes(name));
  return found.length > 0 ? found : names;
};
const topologies = recordings.map(({ topology }) => topology);
const labs = asked.filter((name) => ![...suites, ...topologies].some((known) => known === name));
for (const name of labs) {
  const record = await makeRecorder(await open(name));
  for (const [call, argv] of toolCalls) await record(call, argv);
}
if (labs.length === 0) {
  for (const suite of wanted(suites)) {
    for (const recording of recordings) {
      if (wanted(topologies).includes(recording.topology)) await recordSuite(suite, recording);
    }
  }
}
