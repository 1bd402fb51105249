import { basename } from 'node:path';
import { installPrerequisites } from '../host.ts';
import type { LabNode } from '../lab.ts';
import { down, installPackage, nodeOf, raise } from '../lab.ts';
import { mountNode } from '../mounts.ts';
import { isNetworkOfThisMachine, makeBridge, nodeInterface } from '../network.ts';
import { boot, writeNodeFile } from '../node.ts';
import type { Progress } from '../progress.ts';
import { silentProgress, step } from '../progress.ts';
import type { LabRecord, NodeRecord } from '../record.ts';
import { claimNetwork, nodePaths, planLab, writeRecord } from '../record.ts';
import type { Suite } from '../root.ts';
import { run } from '../run.ts';
import { readyAmphoraRoot } from '../amphora/roots.ts';

/** Debian hosts on one layer 2 with this machine, for groups of virtual addresses. */
export interface GatewayLab {
  readonly name: string;
  readonly nodes: readonly LabNode[];
  /** The interface of each node in the common network. */
  readonly interface: string;
  /** A free address in the network of the nodes, without its prefix length. @param number 1 to 100 */
  address(number: number): string;
  address6(number: number): string;
  down(): Promise<void>;
}

export interface GatewayLabOptions {
  readonly name: string;
  /** The Debian of each node, 1 to 5 of them. */
  readonly suites: readonly Suite[];
  /** The package of this project, which is installed in each node; without it, nodes have keepalived alone. */
  readonly package?: string;
  readonly progress?: Progress;
}

/**
 * Brings hosts up that have keepalived, the package, and no configuration.
 * @throws {Error} if a lab of this name is up, or if it cannot be brought up; then everything of it has been removed
 */
export async function upGatewayHosts(options: GatewayLabOptions): Promise<GatewayLab> {
  const progress = options.progress ?? silentProgress;
  await installPrerequisites(progress);
  const roots = new Map<Suite, string>();
  for (const suite of new Set(options.suites)) {
    roots.set(suite, await readyAmphoraRoot(suite, progress));
  }
  const rootOf = (index: number): string => roots.get(options.suites[index] as Suite) as string;
  const lab = await raise({ ...options, progress }, () => bringUp(options, rootOf, progress));
  return gatewayLabOf(lab);
}

async function bringUp(
  options: GatewayLabOptions,
  rootOf: (index: number) => string,
  progress: Progress,
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
    await Promise.all(
      lab.nodes.map(async (node, index) => {
        await mountNode(node, rootOf(index));
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

const network6 = (lab: LabRecord): string => `2001:db8:${lab.network.split('.')[2] ?? '0'}`;

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

function gatewayLabOf(lab: LabRecord): GatewayLab {
  return {
    name: lab.name,
    nodes: lab.nodes.map((node) => nodeOf(lab, node)),
    interface: nodeInterface,
    address: (number) => `${lab.network}.${number + 100}`,
    address6: (number) => `${network6(lab)}::${(number + 100).toString(16)}`,
    down: () => down(lab.name),
  };
}
