import { readdir, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { kill, processesOf } from './groups.ts';
import { startDetached } from './detached.ts';
import { withLock } from './lock.ts';
import { plugIn, unplug } from './network.ts';
import type { LabRecord, NodeRecord } from './record.ts';
import { isMachineOf, nodePaths } from './record.ts';
import type { Argv, Outcome } from './run.ts';
import { attempt, run } from './run.ts';
import { waitUntil } from './wait.ts';

/** The environment of a root shell in a node, without that of this machine. */
const nodeEnvironment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
  HOME: '/root',
  TERM: 'dumb',
};

/**
 * Switches a node on, unless it is on, and waits until its systemd is up.
 * @throws {Error} with the end of its console if it does not come up
 */
export async function boot(lab: LabRecord, node: NodeRecord): Promise<void> {
  await withLock(node.folder, async () => {
    if (!(await isOn(lab, node))) {
      await unplug(node);
      await plugIn(lab, node);
      await startContainer(lab, node);
    }
  });
  try {
    await waitUntil(`${node.name} to boot`, () => hasBooted(lab, node), { everyMs: 100 });
  } catch (error) {
    const console = await readFile(nodePaths(node).console, 'utf8');
    throw new Error(`${node.name} does not boot; the end of its console:\n${lastLines(console)}`, {
      cause: error,
    });
  }
}

async function startContainer(lab: LabRecord, node: NodeRecord): Promise<void> {
  const { root, power, console } = nodePaths(node);
  const argv: Argv = [
    'systemd-nspawn',
    '--boot',
    `--directory=${root}`,
    `--machine=${node.machine}`,
    `--network-namespace-path=/run/netns/${node.machine}`,
    `--bind=${power}:/var/lib/lab-power`,
    // Without systemd as its PID 1, this machine has no service to register with
    '--register=no',
    '--keep-unit',
    '--capability=all',
    '--resolv-conf=off',
    '--timezone=off',
    '--link-journal=no',
  ];
  await startDetached(lab, node.name, argv, {
    logFile: console,
    env: {
      // systemd 257 does not boot on cgroup v1. If this machine has v1 and an empty v2 tree next to it, the node gets
      // only that tree. A systemd without resource limits needs no more.
      SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1',
      // systemd-nspawn would leave lock files outside of the lab's folders. The lab has its own lock
      SYSTEMD_NSPAWN_LOCK: '0',
    },
  });
}

async function hasBooted(lab: LabRecord, node: NodeRecord): Promise<boolean> {
  const { stdout } = await inNode(lab, node, ['systemctl', 'is-system-running', '--wait']);
  // degraded: the node has booted, and some unit has failed. A test may want that.
  return ['running', 'degraded'].includes(stdout.trim());
}

/** Cuts a node's power: all of its processes are gone at once, together with unwritten data. */
export async function crash(lab: LabRecord, node: NodeRecord): Promise<void> {
  await withoutPower(lab, node, () => Promise.resolve());
}

/** Cuts a node's power, and does some work before anybody can switch it on again. */
export async function withoutPower(
  lab: LabRecord,
  node: NodeRecord,
  work: () => Promise<void>,
): Promise<void> {
  await withLock(node.folder, async () => {
    await waitUntil(
      `${node.name} to go off`,
      async () => {
        // When PID 1 ends, the kernel ends the whole namespace, and systemd-nspawn follows. A node that has just been
        // switched on has none yet.
        const init = await initOf(lab, node);
        if (init !== undefined) {
          kill(init);
        }
        return !(await isOn(lab, node));
      },
      { everyMs: 20 },
    );
    await unplug(node);
    await work();
  });
}

/** Whether any process of a node still runs. */
export async function isOn(lab: LabRecord, node: NodeRecord): Promise<boolean> {
  return (await processesOf(lab.name, node.name)).length > 0;
}

/**
 * Runs a command in a node.
 * @param options.deadlineMs after this long the command and its children are killed, and its exit code is 124 or 137
 * @throws {Error} if the node is off
 */
export async function inNode(
  lab: LabRecord,
  node: NodeRecord,
  argv: Argv,
  { input, deadlineMs = 60_000 }: { input?: string | Uint8Array; deadlineMs?: number } = {},
): Promise<Outcome> {
  // `timeout` in the node ends the command at its deadline: killing nsenter from here would leave it running
  const limited = ['timeout', '--kill-after=2', (deadlineMs / 1000).toString(), ...argv];
  return attempt([...(await enter(lab, node)), ...limited], {
    env: nodeEnvironment,
    deadlineMs: deadlineMs + 5_000,
    ...(input !== undefined && { input }),
  });
}

/**
 * Runs a command in a node with this process's own input and output, however long it takes.
 * @returns its exit code
 */
export async function attachToNode(lab: LabRecord, node: NodeRecord, argv: Argv): Promise<number> {
  const [command, ...args] = [...(await enter(lab, node)), ...argv];
  const { exitCode } = await execa(command, args, {
    reject: false,
    stdio: 'inherit',
    env: { ...nodeEnvironment, TERM: process.env['TERM'] ?? 'dumb' },
    extendEnv: false,
  });
  return exitCode ?? 1;
}

async function enter(lab: LabRecord, node: NodeRecord): Promise<[string, ...string[]]> {
  const init = await initOf(lab, node);
  if (init === undefined) {
    throw new Error(`${node.name} is off: npm run lab -- boot ${node.name} --name ${lab.name}`);
  }
  return ['nsenter', '--target', init.toString(), '--all', '--'];
}

/** The id on this machine of the process that is PID 1 in the node; undefined if the node is off. */
async function initOf(lab: LabRecord, node: NodeRecord): Promise<number | undefined> {
  for (const pid of await processesOf(lab.name, node.name)) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    // Before it becomes systemd, PID 1 is a fork of systemd-nspawn that still sees this machine's files: a command
    // that entered it then would talk to this machine's systemd.
    if (/^NSpid:\t\d+\t1$/m.test(status) && /^Name:\tsystemd$/m.test(status)) {
      return pid;
    }
  }
  return undefined;
}

/**
 * Writes a file into a node, even if it is off. Owner and group are root, and its folder must exist.
 * The node's own tools do it: seen from outside, a link in the node may lead to a file of this machine.
 */
export async function writeNodeFile(
  lab: LabRecord,
  node: NodeRecord,
  path: string,
  content: string | Uint8Array,
  mode = 0o644,
): Promise<void> {
  const isRunning = (await initOf(lab, node)) !== undefined;
  const enterIt = isRunning ? await enter(lab, node) : (['chroot', nodePaths(node).root] as const);
  const [command, ...args] = enterIt;
  const options = { env: nodeEnvironment, deadlineMs: 60_000 };
  await run([command, ...args, 'dd', 'bs=1M', 'status=none', `of=${path}`], {
    ...options,
    input: content,
  });
  await run([command, ...args, 'chmod', mode.toString(8), path], options);
}

/** Removes the folder that systemd-nspawn leaves for each container when it is killed. */
export async function removeContainerTraces(lab: string): Promise<void> {
  const folder = '/run/systemd/nspawn/propagate';
  const containers = await readdir(folder).catch(() => []);
  for (const container of containers.filter((name) => isMachineOf(lab, name))) {
    await rmdir(join(folder, container));
  }
}

const lastLines = (text: string): string => text.split('\n').slice(-25).join('\n');
