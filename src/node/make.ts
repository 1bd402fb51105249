import { createHash } from 'node:crypto';

import { renderKeepalived } from '../keepalived/render.ts';
import { canonicalAddress } from '../keepalived/running.ts';
import type { KeepalivedProcess } from '../keepalived/state.ts';
import type { WantedKeepalived } from '../keepalived/wanted.ts';
import type { StartResident } from '../kit/exec.ts';
import { Fault } from '../kit/fault.ts';
import { readTextIfThere } from '../kit/files/files.ts';
import type { Host } from '../kit/host.ts';
import type { Log } from '../kit/log.ts';
import { makeFifoReader } from '../keepalived/fifo.ts';
import { makeIp } from '../netlink/ip.ts';
import { readInterfaces, readUpInterfaces } from '../netlink/present.ts';
import { makeVrrpListener } from '../netlink/vrrp-listener.ts';
import { type Loader, makeLoader } from './apply.ts';
import { type NodeCredentials, type NodeIdentity } from './credentials.ts';
import { makeHealer } from './heal.ts';
import { makeHostKeepalived } from './host/host-keepalived.ts';
import type { NodeDomain, NodeFacts } from './node.ts';
import type { Observation } from './observation.ts';
import { makeObserver } from './observer.ts';
import { makeOrderTaker } from './orders.ts';
import { makeProbing } from './probing.ts';
import type { NodePaths } from './paths.ts';
import type { NodeService } from './host/service.ts';
import { makeAsking } from './asking.ts';
import { openNodeState, type NodeState } from './state.ts';
import type { Surroundings } from './host/surroundings.ts';

export interface NodeParts {
  name: string;
  /** Whether the administrator's file is a part of the configuration. */
  isIncluding: boolean;
  host: Host<NodePaths>;
  startResident: StartResident;
  keepalived: KeepalivedProcess;
  service: NodeService;
  /** Has keepalived read a file. Faults: `keepalived_config_refused`, those of Run */
  check: (file: string) => Promise<void>;
  /** The version of the installed keepalived; empty if there is none. */
  version: () => Promise<string>;
  surroundings: Surroundings;
  credentials: NodeCredentials;
  /** Uses another identity for the next connections. */
  onIdentity: (identity: NodeIdentity) => void;
  /** Closes the port, because the host is no node any more. */
  onLeft: () => Promise<void>;
  log: Log;
  /** The program of the checks, for tests. */
  probe?: string;
}

export interface Node extends NodeDomain {
  /** Finishes what a former process began, and begins to look. */
  start(): Promise<void>;
  /** keepalived goes on. */
  stop(): Promise<void>;
}

/** Max time that a report is waited for. */
const maxPollMs = 5000;

/** Makes the node part of this host. Faults: `no_space` */
export async function makeNode(parts: NodeParts): Promise<Node> {
  const { host, keepalived, log, surroundings, credentials } = parts;
  const { paths, run } = host;
  const ip = makeIp(run, null);
  const state = await openNodeState(paths.state);
  const hostKeepalived = makeHostKeepalived(host, parts.isIncluding);
  const loader = loaderOf(parts, () => hostKeepalived.include());
  const listener = makeVrrpListener(parts.startResident, paths.seen, log);
  const orders = makeOrderTaker({
    state,
    loader,
    async refuseOthers(wanted) {
      await hostKeepalived.refuse();
      refuseOwnAddresses(wanted, state);
    },
    prepare: async ({ wanted }) => {
      await surroundings.prepare(wanted);
    },
    onChange() {
      listener.watch(watchedBy(state));
      observer.hint();
    },
    log,
  });
  const healer = makeHealer({
    state,
    isBusy: () => orders.isBusy(),
    isInPlace: async () => {
      const current = state.current();
      return current === undefined || (await loader.isInPlace(current));
    },
    converge: () => orders.converge(),
    reload: () => loader.reload(),
    deleteAddress: (device, address, prefix) => ip.deleteAddress(device, address, prefix),
    log,
  });
  const fifo = makeFifoReader(paths.fifo, () => {
    observer.hint();
  });

  const askKeepalived = makeAsking(keepalived);

  async function look(isHinted: boolean): Promise<Observation> {
    await fifo.refresh();
    const applied = state.current();
    const wanted = applied?.wanted.instances ?? [];
    const isStopping = wanted.length > 0 && wanted.every(({ name }) => fifo.stopped().has(name));
    const devices = new Set([
      ...wanted.map((each) => each.interface),
      ...state.owned().map((each) => each.interface),
    ]);
    const before = await readInterfaces(ip, [...devices]);
    const { isFresh, ...answer } = await askKeepalived(before, { isHinted, isStopping });
    return {
      applied,
      version: await parts.version(),
      ...answer,
      isStopping,
      // A transition may have begun while keepalived answered.
      interfaces: isFresh ? await readInterfaces(ip, [...devices]) : before,
      seen: await listener.seen(),
      others: [...healer.healed(), ...surroundings.troubles()],
    };
  }

  const observer = makeObserver({ look, healer, log });

  return {
    facts: () => factsOf(parts, state),
    async order(request) {
      const running = await orders.order(request);
      await observer.again();
      return running;
    },
    async report(after) {
      const current = await observer.current();
      if (after === undefined || after.boot !== current.boot) return current;
      return observer.after(after.sequence, maxPollMs);
    },
    probe: makeProbing(run),
    requestCertificate: () => credentials.request(parts.name),
    async certify(issued) {
      parts.onIdentity(await credentials.store(issued));
    },
    async leave(given) {
      await orders.leave(given);
      await surroundings.clear();
      await observer.again();
      await parts.onLeft();
    },
    adopt: () => orders.adopt(),
    async start() {
      listener.watch(watchedBy(state));
      surroundings.start();
      observer.start();
      await orders.converge().catch((error: unknown) => {
        log.error({ error: String(error) }, 'what was ordered before could not be finished');
      });
    },
    async stop() {
      fifo.close();
      surroundings.stop();
      await observer.stop();
      await listener.stop();
    },
  };
}

function loaderOf(parts: NodeParts, include: () => Promise<string | undefined>): Loader {
  const { host, keepalived, service, check, log, isIncluding } = parts;
  const { keepalived: file, fifo } = host.paths;
  return makeLoader({
    file,
    isIncluding,
    async render({ wanted, refreshSeconds }) {
      const [version, included] = await Promise.all([parts.version(), include()]);
      return renderKeepalived(wanted, {
        version,
        node: parts.name,
        fifo,
        refreshSeconds,
        ...(included !== undefined && { include: included }),
        ...(parts.probe !== undefined && { probe: parts.probe }),
      });
    },
    check,
    keepalived,
    service,
    log,
  });
}

/** The interfaces of the instances are watched in any case. */
function watchedBy(state: NodeState): string[] {
  const applied = state.current();
  if (applied === undefined) return [];
  return [...applied.watch, ...applied.wanted.instances.map((each) => each.interface)];
}

/**
 * An address that is there already and was never set by keepalived belongs to somebody else on this host.
 * Faults: `node_configuration_refused`
 */
function refuseOwnAddresses({ instances }: WantedKeepalived, state: NodeState): void {
  const present = readUpInterfaces();
  const owned = new Set(state.owned().map(({ address }) => plain(address)));
  for (const { name, addresses } of instances) {
    for (const address of addresses.map(plain)) {
      if (owned.has(address)) continue;
      const device = [...present.values()].find((each) =>
        each.addresses.some((own) => plain(own) === address),
      );
      if (device === undefined) continue;
      throw new Fault(
        'node_configuration_refused',
        `${address} of ${name} is an address of ${device.name} on this node already, which keepalived has not set. Remove it there, or use another one.`,
      );
    }
  }
}

function plain(address: string): string {
  return canonicalAddress(address).split('/')[0] ?? '';
}

async function factsOf({ name, version }: NodeParts, state: NodeState): Promise<NodeFacts> {
  const { orders, isReleased } = state.current() ?? {};
  const virtual = new Set(state.owned().map(({ address }) => plain(address)));
  const machine = (await readTextIfThere('/etc/machine-id'))?.trim() ?? '';
  return {
    name,
    // The id itself is confidential (machine-id(5)).
    machine: createHash('sha256').update(`ha-agent node ${machine}`).digest('hex'),
    adopted: orders && isReleased !== true ? { store: orders.store, epoch: orders.epoch } : null,
    keepalived: await version(),
    interfaces: [...readUpInterfaces().values()]
      .filter((each) => each.name !== 'lo')
      .map((each) => ({
        name: each.name,
        addresses: each.addresses.filter((address) => !virtual.has(plain(address))),
        isUp: each.isUp,
      })),
  };
}
