import { basename } from 'node:path';
import { readyAmphoraRoot } from './amphora/roots.ts';
import { installPrerequisites } from './host.ts';
import { installPackage, raise } from './lab.ts';
import { mountNode } from './mounts.ts';
import { isNetworkOfThisMachine, makeBridge, nodeInterface } from './network.ts';
import { boot, writeNodeFile } from './node.ts';
import type { Progress } from './progress.ts';
import { silentProgress, step } from './progress.ts';
import type { LabRecord, NodeRecord } from './record.ts';
import { claimNetwork, nodePaths, planLab, writeRecord } from './record.ts';
import type { Suite } from './root.ts';
import { run } from './run.ts';

// Debian hosts on one layer 2 with this machine, without a cluster and without a configuration.

export interface HostsOptions {
  readonly name: string;
  /** The Debian of each node, 1 to 5 of them. */
  readonly suites: readonly Suite[];
  /** The package of this project, which is installed in each node; without it, nodes have haproxy and keepalived alone. */
  readonly package?: string;
  /** The root of a node, if it is another one than that of its Debian. */
  readonly rootOf?: (index: number) => Promise<string | undefined>;
  readonly progress?: Progress;
  readonly keepFailed?: boolean;
}

/**
 * Brings hosts up that have haproxy, keepalived and the package.
 * @param withBridge makes what else is in their network, before they boot
 * @throws {Error} if a lab of this name is up, or if it cannot be brought up; then everything of it has been removed
 */
export async function raiseHosts(
  options: HostsOptions,
  withBridge: (lab: LabRecord) => Promise<void> = () => Promise.resolve(),
): Promise<LabRecord> {
  const progress = options.progress ?? silentProgress;
  await installPrerequisites(progress);
  const roots: string[] = [];
  for (const [index, suite] of options.suites.entries()) {
    const own = await options.rootOf?.(index);
    roots.push(own ?? (await readyAmphoraRoot(suite, progress)));
  }
  return raise({ ...options, progress }, () => bringUp(options, { roots, withBridge, progress }));
}

async function bringUp(
  options: HostsOptions,
  {
    roots,
    withBridge,
    progress,
  }: {
    roots: readonly string[];
    withBridge: (lab: LabRecord) => Promise<void>;
    progress: Progress;
  },
): Promise<LabRecord> {
  const lab = planLab({
    name: options.name,
    suite: options.suites[0] as Suite,
    topology: 'empty',
    nodeCount: options.suites.length,
    networkNumber: await claimNetwork(options.name, isNetworkOfThisMachine),
  });
  await writeRecord(lab);
  await step(progress, `Booting ${options.suites.join(', ')}`, async () => {
    await makeBridge(lab);
    await run(['ip', 'address', 'add', `${network6(lab)}::1/64`, 'dev', lab.bridge, 'nodad']);
    await withBridge(lab);
    await Promise.all(
      lab.nodes.map(async (node, index) => {
        await mountNode(node, roots[index] as string);
        await personalise(lab, node, index);
        await boot(lab, node);
      }),
    );
  });
  const { package: debFile } = options;
  if (debFile !== undefined) {
    await step(progress, `Installing ${basename(debFile)} in each node`, () =>
      Promise.all(lab.nodes.map((node) => installPackage(lab, node, debFile))),
    );
  }
  const ready = { ...lab, ready: true };
  await writeRecord(ready);
  return ready;
}

/** The first four numbers of the lab's addresses of IPv6; the network has 64 bits. This machine is `::1` in it. */
export const network6 = (lab: LabRecord): string =>
  `fd00:213:0:${lab.network.split('.')[2] ?? '0'}`;

/** systemd-nspawn mounts /proc/sys read-only, and the node part sets sysctls. The lab gives nodes only IPv4 addresses. */
const prepared = (address6: string): string => `[Unit]
DefaultDependencies=no
Before=sysinit.target
[Service]
Type=oneshot
ExecStart=/bin/mount -o remount,rw,bind /proc/sys
ExecStart=/bin/sh -c 'ip address add ${address6}/64 dev ${nodeInterface} nodad || true'
[Install]
WantedBy=sysinit.target
`;

async function personalise(lab: LabRecord, node: NodeRecord, index: number): Promise<void> {
  // Without its own name, keepalived waits 10 s for an answer to it
  const names = lab.nodes.map(({ address, name }) => `${address} ${name}`);
  await writeNodeFile(lab, node, '/etc/hostname', `${node.name}\n`);
  await writeNodeFile(lab, node, '/etc/hosts', ['127.0.0.1 localhost', ...names, ''].join('\n'));
  const unit = 'lab-network.service';
  const text = prepared(`${network6(lab)}::${index + 11}`);
  await writeNodeFile(lab, node, `/etc/systemd/system/${unit}`, text);
  await run(['chroot', nodePaths(node).root, 'systemctl', 'enable', '--quiet', unit]);
}
