import { mkdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ClusterView } from './cluster.ts';
import { setUpCluster, view } from './cluster.ts';
import { endProcesses, freezeProcesses } from './groups.ts';
import { installPrerequisites } from './host.ts';
import { withLock } from './lock.ts';
import { mountNode, unmountBelow } from './mounts.ts';
import { cut, isNetworkOfThisMachine, makeBridge, mend, netem, removeNetwork } from './network.ts';
import {
  boot,
  crash,
  inNode,
  isOn,
  removeContainerTraces,
  withoutPower,
  writeNodeFile,
} from './node.ts';
import { powerLog, startPowerSwitch } from './power.ts';
import type { Progress } from './progress.ts';
import { silentProgress, step } from './progress.ts';
import type { LabRecord, NodeRecord, TopologyName } from './record.ts';
import {
  claimNetwork,
  forgetLab,
  labFolder,
  maxNodes,
  planLab,
  readRecord,
  removeLabFolder,
  writeRecord,
} from './record.ts';
import type { Suite } from './root.ts';
import { readyRoot } from './root.ts';
import type { Argv, Outcome } from './run.ts';
import { CommandError } from './run.ts';
import { waitUntil } from './wait.ts';

/** A cluster of real nodes on this machine. */
export interface Lab {
  readonly name: string;
  readonly suite: Suite;
  readonly topology: TopologyName;
  /** Whether `up` was completed. */
  readonly isReady: boolean;
  /** Address of the resource VIP_mgmt0, in the storage topology. */
  readonly vip: string;
  /** Address of this machine in the lab's network. */
  readonly gateway: string;
  readonly nodes: readonly LabNode[];
  /** The node of this name. Throws if there is none. */
  node(name: string): LabNode;
  /** What the power switch has done so far, one line for each action. */
  powerLog(): Promise<string[]>;
  /** Freezes all nodes for that time, as in a standstill of their machine, and returns when they run again. */
  freeze(seconds: number): Promise<void>;
  /** Ends the lab and removes everything of it. */
  down(): Promise<void>;
}

/** A node of a lab. Names and addresses never change while the lab is up. */
export interface LabNode {
  readonly name: string;
  /** The host name, after which the fence devices are named. */
  readonly host: string;
  readonly address: string;
  /** Runs a command in the node, whatever its exit code. Throws if the node is off. */
  exec(
    argv: Argv,
    options?: { input?: string | Uint8Array; deadlineMs?: number },
  ): Promise<Outcome>;
  /** The same for a command that has to succeed. Returns its standard output, or throws CommandError. */
  run(argv: Argv, options?: { input?: string | Uint8Array; deadlineMs?: number }): Promise<string>;
  /** Writes a file that root owns, even if the node is off. Its folder must exist. */
  writeFile(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  isOn(): Promise<boolean>;
  /** Cuts the power. */
  crash(): Promise<void>;
  /** Switches the node on, and waits until systemd is up; the cluster starts by itself. */
  boot(): Promise<void>;
  /** Cuts the power and puts in a new disk, with a fresh Debian. */
  replaceDisk(): Promise<void>;
  /** Installs a .deb. */
  install(debFile: string): Promise<void>;
  /** Cuts the network: to the other nodes, to this machine, to the power switch. */
  cut(): Promise<void>;
  mend(): Promise<void>;
  /** Disturbs the network in both directions, by arguments of `tc netem`; without arguments, it ends that. */
  netem(args: readonly string[]): Promise<void>;
  /** The node's view of its cluster. Throws if Pacemaker does not run on it. */
  cluster(): Promise<ClusterView>;
  /** Waits until this node's view of the cluster is as wanted. */
  waitUntilCluster(
    what: string,
    isSo: (seen: ClusterView) => boolean,
    deadlineMs?: number,
  ): Promise<void>;
}

export interface UpOptions {
  readonly name: string;
  readonly suite: Suite;
  readonly nodes: number;
  readonly topology: TopologyName;
  /** A .deb to be installed in each node before the cluster is set up. */
  readonly package?: string;
  readonly progress?: Progress;
  /** Leaves a lab that did not come up as it is, for inspection. */
  readonly keepFailed?: boolean;
}

/**
 * Brings a lab up: roots, nodes, cluster, topology. When it returns, each node is online, the resources are started, and
 * the cluster is idle.
 * @throws {Error} if a lab of this name is up, or if it cannot be brought up; then everything of it has been removed
 */
export async function up(options: UpOptions): Promise<Lab> {
  const progress = options.progress ?? silentProgress;
  checkOptions(options);
  await installPrerequisites(progress);
  const root = await readyRoot(options.suite, progress);
  return labOf(await raise({ ...options, progress }, () => bringUp(options, root, progress)));
}

/**
 * Makes a lab of a name that no lab has, while no other `up` or `down` of it runs.
 * @param make brings the lab up. If it fails, everything of the lab is removed
 * @throws {Error} if a lab of this name is up
 */
export async function raise(
  { name, keepFailed, progress }: { name: string; keepFailed?: boolean; progress: Progress },
  make: () => Promise<LabRecord>,
): Promise<LabRecord> {
  checkName(name);
  return withLabLock(name, progress, async () => {
    if ((await readRecord(name))?.ready) {
      throw new Error(
        `The lab ${name} is up already: end it first (npm run lab -- down --name ${name}), or choose another --name.`,
      );
    }
    await removeTraces(name, progress);
    try {
      return await make();
    } catch (error) {
      if (!keepFailed) {
        await removeTraces(name, silentProgress);
        await removeLabFolder(name);
      }
      throw error;
    }
  });
}

/**
 * A lab that is up.
 * @throws {Error} if there is none of this name, or its `up` was not completed
 */
export async function open(name: string): Promise<Lab> {
  return labOf(await readyRecord(name));
}

/** The record of a lab that is up. Throws if there is none of this name, or its `up` was not completed. */
export async function readyRecord(name: string): Promise<LabRecord> {
  const record = await existingRecord(name);
  if (!record.ready) {
    throw new Error(
      `The lab ${name} has not come up (yet). If its \`up\` does not run any more, run it again: npm run lab -- up --name ${name}`,
    );
  }
  return record;
}

/** The record of a lab, even if it is not ready, to inspect one that does not come up. Throws if there is none. */
export async function existingRecord(name: string): Promise<LabRecord> {
  const record = await readRecord(name);
  if (record === undefined) {
    throw new Error(`There is no lab ${name}: npm run lab -- up --name ${name}`);
  }
  return record;
}

/** Ends a lab, or the rest of one whose `up` was killed, and removes everything of it. */
export async function down(name: string, progress: Progress = silentProgress): Promise<void> {
  checkName(name);
  await withLabLock(name, progress, async () => {
    await removeTraces(name, progress);
    await removeLabFolder(name);
  });
}

async function bringUp(options: UpOptions, root: string, progress: Progress): Promise<LabRecord> {
  const networkNumber = await claimNetwork(options.name, isNetworkOfThisMachine);
  const lab = planLab({ ...options, nodeCount: options.nodes, networkNumber });
  await writeRecord(lab);
  await step(progress, `Booting ${lab.nodes.map((node) => node.name).join(', ')}`, async () => {
    await makeBridge(lab);
    await Promise.all(lab.nodes.map((node) => mountNode(node, root)));
    await Promise.all([
      startPowerSwitch(lab),
      ...lab.nodes.map((node) => personalise(lab, node).then(() => boot(lab, node))),
    ]);
  });
  const { package: debFile } = options;
  if (debFile !== undefined) {
    await step(progress, `Installing ${basename(debFile)} in each node`, () =>
      Promise.all(lab.nodes.map((node) => installPackage(lab, node, debFile))),
    );
  }
  await setUpCluster(lab, progress);
  const ready = { ...lab, ready: true };
  await writeRecord(ready);
  return ready;
}

async function personalise(lab: LabRecord, node: NodeRecord): Promise<void> {
  const others = lab.nodes.map(({ address, name, host }) => `${address} ${name} ${host}`);
  await writeNodeFile(lab, node, '/etc/hostname', `${node.name}\n`);
  await writeNodeFile(lab, node, '/etc/hosts', ['127.0.0.1 localhost', ...others, ''].join('\n'));
  await equip(lab, node);
}

async function replaceDisk(lab: LabRecord, node: NodeRecord): Promise<void> {
  const root = await readyRoot(lab.suite, silentProgress);
  await withoutPower(lab, node, async () => {
    await unmountBelow(node.folder);
    await mountNode(node, root);
    await writeNodeFile(lab, node, '/etc/hostname', 'blank\n');
    await writeNodeFile(lab, node, '/etc/hosts', '127.0.0.1 localhost\n');
    await equip(lab, node);
  });
}

/** Packages and settings that belong to the machine rather than to its identity. */
async function equip(lab: LabRecord, node: NodeRecord): Promise<void> {
  const agent = await readFile(join(import.meta.dirname, 'fence_lab'));
  await writeNodeFile(lab, node, '/usr/sbin/fence_lab', agent, 0o755);
}

/** Installs a .deb in a node that is on. */
export async function installPackage(
  lab: LabRecord,
  node: NodeRecord,
  debFile: string,
): Promise<void> {
  const inside = `/root/${basename(debFile)}`;
  await writeNodeFile(lab, node, inside, await readFile(debFile));
  const handle = nodeOf(lab, node);
  await handle.run(['dpkg', '--install', inside], { deadlineMs: 300_000 });
  await handle.run(['rm', inside]);
}

/** Removes everything of a lab, or the rest of a killed `up`, except its folder. */
async function removeTraces(name: string, progress: Progress): Promise<void> {
  const work = async () => {
    // The power switch comes first, because it would boot again what is ended next
    await endProcesses(name, 'power');
    await endProcesses(name);
    await removeContainerTraces(name);
    await removeNetwork(name);
    await unmountBelow(labFolder(name));
    await forgetLab(name);
  };
  if ((await readRecord(name)) === undefined) {
    await work();
  } else {
    await step(progress, `Removing the lab ${name}`, work);
  }
}

/**
 * Lets only one `up` or `down` of a lab run at a time. The lock is the lab's folder itself, so that no lock file is
 * left. Once the lock is held, the path must still lead to the same folder.
 */
async function withLabLock<T>(
  name: string,
  progress: Progress,
  work: () => Promise<T>,
): Promise<T> {
  const folder = labFolder(name);
  const onWait = () => {
    progress(`Waiting for another up or down of the lab ${name} ...`);
  };
  for (;;) {
    await mkdir(folder, { recursive: true });
    const result = await withLock(
      folder,
      async (lockFd) => {
        const [ours, current] = await Promise.all([
          inodeOf(`/proc/self/fd/${lockFd}`),
          inodeOf(folder),
        ]);
        return ours === current ? { value: await work() } : undefined;
      },
      { deadlineMs: 600_000, onWait },
    );
    if (result !== undefined) {
      return result.value;
    }
  }
}

async function inodeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.ino;
}

function checkOptions(options: UpOptions): void {
  checkName(options.name);
  if (!Number.isInteger(options.nodes) || options.nodes < 1 || options.nodes > maxNodes) {
    throw new Error(`A lab has 1 to ${maxNodes} nodes, not ${options.nodes}.`);
  }
  if (options.topology === 'everything' && options.nodes < 2) {
    throw new Error(
      'The topology everything needs 2 nodes or more: one of them goes into standby.',
    );
  }
}

function checkName(name: string): void {
  if (!/^[a-z][a-z0-9-]{0,23}$/.test(name) || name === 'networks') {
    throw new Error(
      `"${name}" is no name for a lab: small letters, digits and "-", 24 at most, a letter first (and not "networks").`,
    );
  }
}

/** The handles of a lab, which may still be coming up. */
export function labOf(record: LabRecord): Lab {
  const nodes = record.nodes.map((node) => nodeOf(record, node));
  return {
    name: record.name,
    suite: record.suite,
    topology: record.topology,
    isReady: record.ready,
    vip: record.vip,
    gateway: record.gateway,
    nodes,
    node: (name) => {
      const found = nodes.find((node) => node.name === name);
      if (found === undefined) {
        throw new Error(`The lab ${record.name} has no node ${name}.`);
      }
      return found;
    },
    powerLog: () => powerLog(record),
    freeze: (seconds) =>
      freezeProcesses(
        record.name,
        record.nodes.map(({ name }) => name),
        seconds,
      ),
    down: () => down(record.name),
  };
}

/** The handle of a node. */
export function nodeOf(lab: LabRecord, node: NodeRecord): LabNode {
  const exec: LabNode['exec'] = (argv, options) => inNode(lab, node, argv, options);
  return {
    name: node.name,
    host: node.host,
    address: node.address,
    exec,
    run: async (argv, options) => {
      const outcome = await exec(argv, options);
      if (outcome.exitCode !== 0) {
        throw new CommandError(argv, outcome, `exit code ${outcome.exitCode} in ${node.name}`);
      }
      return outcome.stdout;
    },
    writeFile: (path, content, mode) => writeNodeFile(lab, node, path, content, mode),
    isOn: () => isOn(lab, node),
    crash: () => crash(lab, node),
    boot: () => boot(lab, node),
    replaceDisk: () => replaceDisk(lab, node),
    install: (debFile) => installPackage(lab, node, debFile),
    cut: () => cut(node),
    mend: () => mend(lab, node),
    netem: (args) => netem(node, args),
    cluster: () => view(lab, node),
    waitUntilCluster: (what, isSo, deadlineMs = 120_000) =>
      waitUntil(`${node.name} to see ${what}`, async () => isSo(await view(lab, node)), {
        deadlineMs,
      }),
  };
}
