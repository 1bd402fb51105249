// Records test/fixtures from real clusters, one of each Debian:
//   npm run record-fixtures [-- bullseye bookworm trixie]
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { corosyncStates } from './corosync-states.ts';
import { type Lab, type LabNode, up } from './lab/lab.ts';
import { progressOnStderr } from './lab/progress.ts';
import { type Suite, suites } from './lab/root.ts';
import { fixturePath, generations, type Generation } from './support/fixtures.ts';

const stackUnits = ['pacemaker.service', 'pcsd.service', 'corosync.service'];
const statusUnits = ['corosync', 'pacemaker', 'pacemaker_remote', 'pcsd', 'sbd'].map(
  (name) => `${name}.service`,
);
const unitProperties = '--property=Id,LoadState,ActiveState,UnitFileState';

/** The calls recorded in each state of the cluster: case, argv. */
const stateCalls: readonly (readonly [name: string, argv: readonly [string, ...string[]]])[] = [
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
    const node = firstOf(lab);
    const versions = await versionsIn(node);
    await rememberGeneration({ suite, versions });
    const record = async (name: string, argv: readonly [string, ...string[]]) => {
      const { exitCode, stdout, stderr } = await node.exec(argv);
      const folder = fixturePath(join(argv[0], versions[argv[0]] ?? 'unknown', name));
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'command.json'), `${JSON.stringify({ argv, exitCode })}\n`);
      await writeFile(join(folder, 'stdout'), stdout);
      await writeFile(join(folder, 'stderr'), stderr);
    };
    await record('version', ['crm_mon', '--version']);
    await record('version', ['corosync', '-v']);
    await record('version', ['pcs', '--version']);
    await record('corosync-conf', ['cat', '/etc/corosync/corosync.conf']);
    await record('pcs-capabilities', ['cat', '/usr/share/pcsd/capabilities.xml']);
    for (const [state, enter] of states) {
      await enter(lab);
      for (const [name, argv] of stateCalls) await record(`${state}-${name}`, argv);
    }
    for (const { name, enter, calls } of corosyncStates) {
      await enter(lab);
      for (const argv of calls) await record(name, argv);
    }
  } finally {
    await lab.down();
  }
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
for (const suite of suites) {
  if (asked.length === 0 || asked.includes(suite)) await recordSuite(suite);
}
