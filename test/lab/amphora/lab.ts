import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { installPrerequisites } from '../host.ts';
import type { LabNode } from '../lab.ts';
import { down, installPackage, nodeOf, raise, readyRecord } from '../lab.ts';
import { mountNode } from '../mounts.ts';
import { isNetworkOfThisMachine, makeBridge } from '../network.ts';
import { boot, writeNodeFile } from '../node.ts';
import { inPlace, startInPlace } from '../places.ts';
import type { Port } from '../ports.ts';
import { addPort, portsOf, removePort } from '../ports.ts';
import type { Progress } from '../progress.ts';
import { silentProgress, step } from '../progress.ts';
import type { LabRecord, NodeRecord } from '../record.ts';
import { claimNetwork, nodePaths, planLab, writeRecord } from '../record.ts';
import type { Suite } from '../root.ts';
import type { Argv, Outcome, RunOptions } from '../run.ts';
import { run } from '../run.ts';
import { waitUntil } from '../wait.ts';
import type { Trust } from './certificates.ts';
import { makeTrust, trustIn } from './certificates.ts';
import type { Driver, DriverOptions } from './driver.ts';
import { startDriver } from './driver.ts';
import {
  bridgesOf,
  makeTenants,
  memberPortAddress,
  startMembers,
  tenant,
  vrrpAddress,
} from './networks.ts';
import { configureAgent, startAgent } from './agents.ts';
import type { AmphoraRecord, LabAgents } from './record.ts';
import {
  agentIn,
  amphoraId,
  readAmphoraRecord,
  trustFolder,
  writeAmphoraRecord,
} from './record.ts';
import { readyAmphoraRoot, readyDriverRoot, readyRealAgentRoot } from './roots.ts';

/** A node that is an amphora: a host that a controller of Octavia configures. */
export interface AmphoraNode extends LabNode {
  /** The id of the amphora, which is the name in its certificate. */
  readonly id: string;
  /** The amphora's own address in the network of the VIP. */
  readonly vrrpAddress: string;
  /** Its address in the network of the members. */
  readonly memberAddress: string;
  /** Hot-plugs a card of a tenant's network. The agent has to find it by its hardware address. */
  hotplug(network: 'vip' | 'members'): Promise<Port>;
  /** Pulls a card out. */
  pull(port: Port): Promise<void>;
  /** The cards that were plugged in. */
  ports(): Promise<readonly Port[]>;
  /** Starts the agent, and waits until its port is open. */
  startAgent(): Promise<void>;
}

/** Real amphorae on this machine, with tenants' clients and members. */
export interface AmphoraLab {
  readonly name: string;
  readonly suite: Suite;
  readonly agent: LabAgents;
  readonly topology: AmphoraRecord['topology'];
  /** The address of this machine in the management network, where the controller and its health manager are. */
  readonly controller: string;
  readonly heartbeatKey: string;
  readonly trust: Trust;
  readonly nodes: readonly AmphoraNode[];
  /** A folder for files of the test, which goes with the lab. */
  readonly folder: string;
  /** Runs a command of this machine in the namespace of the clients. */
  inClient(argv: Argv, options?: RunOptions): Promise<Outcome>;
  /** The same in the namespace of the members. */
  inMembers(argv: Argv, options?: RunOptions): Promise<Outcome>;
  /** Starts a command in the namespace of the clients that runs until the lab goes down. `part` names it and its log. */
  startInClient(part: string, argv: Argv): Promise<void>;
  /** Makes the health check of a member fail, or its connections be closed, or lets it serve again. */
  setMember(name: string, state: 'up' | 'down' | 'refuse'): Promise<void>;
  /** Starts the real driver of a Debian. */
  driver(suite: Suite, options?: DriverOptions): Promise<Driver>;
  down(): Promise<void>;
}

export interface AmphoraLabOptions {
  readonly name: string;
  readonly suite: Suite;
  /** 1 to 3. */
  readonly nodes: number;
  readonly agent: LabAgents;
  /** The package of this project, for `ours` and `both`. */
  readonly package?: string;
  /** By default SINGLE for one node, and ACTIVE_STANDBY for more. */
  readonly topology?: AmphoraRecord['topology'];
  readonly progress?: Progress;
  readonly keepFailed?: boolean;
}

/**
 * Brings amphorae up. When it returns, their agents listen, the members serve, and no card is plugged.
 * @throws {Error} if a lab of this name is up, or if it cannot be brought up; then everything of it has been removed
 */
export async function upAmphorae(options: AmphoraLabOptions): Promise<AmphoraLab> {
  const progress = options.progress ?? silentProgress;
  if (options.nodes < 1 || options.nodes > 3) {
    throw new Error(`A lab of amphorae has 1 to 3 nodes, not ${options.nodes}.`);
  }
  await installPrerequisites(progress);
  const root =
    options.agent === 'octavia' || options.agent === 'both'
      ? await readyRealAgentRoot(progress)
      : await readyAmphoraRoot(options.suite, progress);
  const lab = await raise({ ...options, progress }, () => bringUp(options, root, progress));
  return openAmphorae(lab.name);
}

/** The amphorae of a lab that is up. Throws if there is none of this name. */
export async function openAmphorae(name: string): Promise<AmphoraLab> {
  const lab = await readyRecord(name);
  return amphoraLabOf(lab, await readAmphoraRecord(lab));
}

async function bringUp(
  options: AmphoraLabOptions,
  root: string,
  progress: Progress,
): Promise<LabRecord> {
  const networkNumber = await claimNetwork(options.name, isNetworkOfThisMachine);
  const plan = { ...options, topology: 'empty' as const, nodeCount: options.nodes, networkNumber };
  const lab = planLab(plan);
  const amphora: AmphoraRecord = {
    agent: options.agent,
    topology: options.topology ?? (options.nodes > 1 ? 'ACTIVE_STANDBY' : 'SINGLE'),
    heartbeatKey: 'a key of the lab',
  };
  await writeRecord(lab);
  await writeAmphoraRecord(lab, amphora);
  await step(progress, `Booting ${lab.nodes.map((node) => node.name).join(', ')}`, async () => {
    const ids = lab.nodes.map((_, index) => amphoraId(index));
    const trust = await makeTrust(trustFolder(lab), ids);
    await makeBridge(lab);
    await makeTenants(lab);
    await Promise.all([
      startMembers(lab, trust.client.pem),
      ...lab.nodes.map(async (node) => {
        await mountNode(node, root);
        await personalise(lab, node);
        await boot(lab, node);
      }),
    ]);
  });
  const handles = amphoraLabOf(lab, amphora);
  const { package: debFile } = options;
  if (debFile !== undefined) {
    await step(progress, `Installing ${basename(debFile)} in each node`, () =>
      Promise.all(
        lab.nodes
          .filter((_, index) => agentIn(options.agent, index) === 'ours')
          .map((node) => installPackage(lab, node, debFile)),
      ),
    );
  }
  if (options.agent !== 'none') {
    await step(progress, 'Starting the agents', () =>
      Promise.all(handles.nodes.map((node) => prepareAgent(handles, node, amphora))),
    );
  }
  const ready = { ...lab, ready: true };
  await writeRecord(ready);
  return ready;
}

async function prepareAgent(
  lab: AmphoraLab,
  node: AmphoraNode,
  { topology }: AmphoraRecord,
): Promise<void> {
  await configureAgent(node, lab.trust, {
    amphoraId: node.id,
    controllers: [`${lab.controller}:5555`],
    heartbeatKey: lab.heartbeatKey,
    heartbeatInterval: 3,
    topology,
  });
  await node.startAgent();
}

/** Kilobytes as in an amphora of 1 GB. */
const meminfo = `MemTotal: 1014000 kB
MemFree: 200000 kB
MemAvailable: 250000 kB
Buffers: 5000 kB
Cached: 45000 kB
SwapTotal: 0 kB
SwapFree: 0 kB
Shmem: 5000 kB
Slab: 40000 kB
Committed_AS: 800000 kB
`;

/**
 * systemd-nspawn mounts /proc/sys read-only, and an amphora sets sysctls in its namespace. Driver 16.0 gives
 * haproxy's TLS cache half of the memory that is free: 11 GB of this machine, which haproxy fills in more than a minute.
 * A control group would limit it too, but not every machine gives a node their controllers.
 */
const likeAnAmphora = `[Unit]
DefaultDependencies=no
Before=sysinit.target
[Service]
Type=oneshot
ExecStart=/bin/mount -o remount,rw,bind /proc/sys
ExecStart=/bin/mount --bind /etc/lab-meminfo /proc/meminfo
[Install]
WantedBy=sysinit.target
`;

async function personalise(lab: LabRecord, node: NodeRecord): Promise<void> {
  // Without its own name, keepalived waits 10 s for an answer to it
  const names = lab.nodes.map(({ address, name }) => `${address} ${name}`);
  await writeNodeFile(lab, node, '/etc/hostname', `${node.name}\n`);
  await writeNodeFile(lab, node, '/etc/hosts', ['127.0.0.1 localhost', ...names, ''].join('\n'));
  await writeNodeFile(lab, node, '/etc/lab-meminfo', meminfo);
  const unit = 'lab-proc.service';
  await writeNodeFile(lab, node, `/etc/systemd/system/${unit}`, likeAnAmphora);
  const { root } = nodePaths(node);
  await run(['chroot', root, 'systemctl', 'enable', '--quiet', unit]);
  // systemd 247 gives the service a /proc without that mount
  const dropIns = '/etc/systemd/system/ha-amphora.service.d';
  await mkdir(join(root, dropIns), { recursive: true });
  const dropIn = '[Service]\nBindReadOnlyPaths=/etc/lab-meminfo:/proc/meminfo\n';
  await writeNodeFile(lab, node, `${dropIns}/lab.conf`, dropIn);
}

function amphoraLabOf(lab: LabRecord, record: AmphoraRecord): AmphoraLab {
  const ids = lab.nodes.map((_, index) => amphoraId(index));
  const trust = trustIn(trustFolder(lab), ids);
  const memberFile = (name: string, state: string): string =>
    join(lab.folder, 'members', `${name}.${state}`);
  return {
    name: lab.name,
    suite: lab.suite,
    agent: record.agent,
    topology: record.topology,
    controller: lab.gateway,
    heartbeatKey: record.heartbeatKey,
    trust,
    folder: lab.folder,
    nodes: lab.nodes.map((node, index) => amphoraNodeOf(lab, node, index, record)),
    inClient: (argv, options) => inPlace(lab, 'client', argv, options),
    inMembers: (argv, options) => inPlace(lab, 'members', argv, options),
    startInClient: (part, argv) => startInPlace(lab, 'client', part, argv),
    setMember: async (name, state) => {
      await rm(memberFile(name, 'down'), { force: true });
      await rm(memberFile(name, 'refuse'), { force: true });
      if (state !== 'up') {
        await writeFile(memberFile(name, state), '');
      }
    },
    driver: async (suite, options) =>
      startDriver(lab, trust, await readyDriverRoot(suite, silentProgress), {
        heartbeatKey: record.heartbeatKey,
        topology: record.topology,
        ...options,
      }),
    down: () => down(lab.name),
  };
}

function amphoraNodeOf(
  lab: LabRecord,
  node: NodeRecord,
  index: number,
  { agent }: AmphoraRecord,
): AmphoraNode {
  const handle = nodeOf(lab, node);
  return {
    ...handle,
    id: amphoraId(index),
    vrrpAddress: vrrpAddress(index),
    memberAddress: memberPortAddress(index),
    hotplug: (network) => hotplug(lab, node, index, network),
    pull: ({ mac }) => removePort(node, mac),
    ports: () => portsOf(node),
    startAgent: async () => {
      await startAgent(handle, agentIn(agent, index));
      await waitUntil(`the agent of ${node.name} to listen`, async () => {
        const { stdout } = await handle.exec(['ss', '-Hltn', 'sport', '=', ':9443']);
        return stdout !== '';
      });
    },
  };
}

async function hotplug(
  lab: LabRecord,
  node: NodeRecord,
  index: number,
  network: 'vip' | 'members',
): Promise<Port> {
  const number = (await portsOf(node)).length + 1;
  const octets = [index + 1, number].map((octet) => octet.toString(16).padStart(2, '0'));
  const port: Port = {
    mac: ['fa:16:3e:00', ...octets].join(':'),
    bridge: bridgesOf(lab)[network],
    veth: `${node.veth}p${number}`,
    name: `ens${number + 3}`,
  };
  await addPort(node, port);
  return port;
}

/** The body of a plug of the VIP's card. */
export const vipPlug = (node: AmphoraNode, port: Port) => ({
  subnet_cidr: tenant.vip.cidr,
  gateway: tenant.vip.gateway,
  mac_address: port.mac,
  vrrp_ip: node.vrrpAddress,
  mtu: 1500,
  host_routes: [],
});

/** The body of a plug of a member network's card. */
export const memberPlug = (node: AmphoraNode, port: Port) => ({
  mac_address: port.mac,
  mtu: 1500,
  fixed_ips: [
    { ip_address: node.memberAddress, subnet_cidr: tenant.members.cidr, host_routes: [] },
  ],
});

/** Reads a file of this machine, such as one of the lab's certificates, as text. */
export const textOf = (path: string): Promise<string> => readFile(path, 'utf8');
