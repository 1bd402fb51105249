// Records test/fixtures from real clusters, one of each Debian:
//   npm run record-fixtures [-- bullseye bookworm trixie]
// or only what hangs on no state of a cluster, in a lab that is up:
//   npm run record-fixtures -- NAME
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type Lab, type LabNode, open, up } from './lab/lab.ts';
import { progressOnStderr } from './lab/progress.ts';
import { type Suite, suites } from './lab/root.ts';
import { fixturePath, generations, type Generation } from './support/fixtures.ts';

const stackUnits = ['pacemaker.service', 'pcsd.service', 'corosync.service'];
const statusUnits = ['corosync', 'pacemaker', 'pacemaker_remote', 'pcsd', 'sbd'].map(
  (name) => `${name}.service`,
);
const unitProperties = '--property=Id,LoadState,ActiveState,UnitFileState';

type Calls = readonly (readonly [name: string, argv: readonly [string, ...string[]]])[];

/** The calls whose answers hang on what is installed alone: case, argv. */
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
  ['resource-list', ['pcs', 'resource', 'list', '--nodesc']],
  ['stonith-list', ['pcs', 'stonith', 'list', '--nodesc']],
  ['resource-describe', ['pcs', 'resource', 'describe', 'ocf:heartbeat:Dummy']],
  ['stonith-describe', ['pcs', 'stonith', 'describe', 'fence_lab']],
  // It gives no metadata, for a library that it needs is not installed.
  ['stonith-describe-broken', ['pcs', 'stonith', 'describe', 'drac3']],
];

/** The calls recorded in each state of the cluster: case, argv. */
const stateCalls: Calls = [
  ['as-xml', ['crm_mon', '--as-xml']],
  ['as-text', ['crm_mon', '--one-shot', '--inactive']],
  ['configuration', ['cibadmin', '--query', '--scope', 'configuration']],
  ['status-units', ['systemctl', 'show', unitProperties, ...statusUnits]],
  ['stack-units', ['systemctl', 'show', unitProperties, ...stackUnits]],
  ['status', ['pcs', 'status']],
];

/** The states that a cluster is brought into, one after another, and how. */
const states: readonly (readonly [name: string, enter: (lab: Lab) => Promise<void>])[] = [
  ['storage', () => Promise.resolve()],
  [
    'banned',
    async (lab) => {
      await firstOf(lab).run(['pcs', 'resource', 'ban', 'SMB', lab.nodes[1]?.name ?? '']);
      await settled(lab);
    },
  ],
  [
    'standby',
    async (lab) => {
      await firstOf(lab).run(['pcs', 'resource', 'clear', 'SMB']);
      await firstOf(lab).run(['pcs', 'node', 'standby', lab.nodes[1]?.name ?? '']);
      await settled(lab);
    },
  ],
  [
    'no-fencing',
    async (lab) => {
      const node = firstOf(lab);
      await node.run(['pcs', 'node', 'unstandby', lab.nodes[1]?.name ?? '']);
      for (const id of await fenceDevices(node)) await node.run(['pcs', 'stonith', 'delete', id]);
      await settled(lab);
    },
  ],
  [
    'stopped',
    async (lab) => {
      await firstOf(lab).run(['pcs', 'cluster', 'stop', '--all']);
    },
  ],
];

async function recordSuite(suite: Suite): Promise<void> {
  const lab = await up({
    name: `fixtures-${suite}`,
    suite,
    nodes: 2,
    topology: 'storage',
    progress: progressOnStderr,
  });
  try {
    const record = await makeRecorder(lab);
    for (const [name, argv] of toolCalls) await record(name, argv);
    for (const [state, enter] of states) {
      await enter(lab);
      for (const [name, argv] of stateCalls) await record(`${state}-${name}`, argv);
    }
  } finally {
    await lab.down();
  }
}

/** Makes the function that runs a call in the lab's first node, and writes down what it said. */
async function makeRecorder(
  lab: Lab,
): Promise<(name: string, argv: readonly [string, ...string[]]) => Promise<void>> {
  const node = firstOf(lab);
  const versions = await versionsIn(node);
  await rememberGeneration({ suite: lab.suite, versions });
  return async (name, argv) => {
    const { exitCode, stdout, stderr } = await node.exec(argv);
    const folder = fixturePath(join(argv[0], versions[argv[0]] ?? 'unknown', name));
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

/** Until no transition is under way. */
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

/** The folder that each tool's recordings go to is named after its package's version. */
async function versionsIn(node: LabNode): Promise<Record<string, string>> {
  const packages = {
    crm_mon: 'pacemaker',
    cibadmin: 'pacemaker',
    crm_resource: 'pacemaker',
    corosync: 'corosync',
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
const askedSuites = suites.filter((suite) => asked.length === 0 || asked.includes(suite));
for (const suite of askedSuites) await recordSuite(suite);
for (const name of asked.filter((each) => !suites.includes(each as Suite))) {
  const record = await makeRecorder(await open(name));
  for (const [call, argv] of toolCalls) await record(call, argv);
}
