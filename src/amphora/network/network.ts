import { plainAddress } from '../../kit/addresses.ts';
import { makeSerializer } from '../../kit/concurrency/serialize.ts';
import type { Run } from '../../kit/exec.ts';
import { Fault, type FaultCode } from '../../kit/fault.ts';
import { parseIp } from '../../kit/ip.ts';
import type { Log } from '../../kit/log.ts';
import { announceAddresses } from '../../netlink/announce.ts';
import { stopDhcp } from '../../netlink/dhcp.ts';
import { makeIp } from '../../netlink/ip.ts';
import {
  addNamespace,
  deleteNamespace,
  hasNamespace,
  type Namespace,
} from '../../netlink/namespaces.ts';
import { rescanPci } from '../../netlink/pci.ts';
import type { Network, Topology } from '../amphora.ts';
import type { AmphoraPaths } from '../paths.ts';
import { checkedPortPlug, checkedVipPlug } from './checked.ts';
import { converge } from './converge.ts';
import { emptyState, type InterfaceState, type Plugs } from './interface-state.ts';
import { linkOf } from './port.ts';
import type { InterfaceRecord } from './record-file.ts';
import { makeRecords } from './records.ts';
import { makeSetup } from './setup.ts';

export interface NetworkParts {
  run: Run;
  log: Log;
  paths: Pick<AmphoraPaths, 'base' | 'interfaces'>;
  /** The namespace of the tenants; null for the host's own network, in which ports keep their names. */
  namespace: Namespace;
  /** Asked for each plug and each restore. In an active-standby pair keepalived sets the VIPs. */
  topology: () => Promise<Topology['topology']>;
  /**
   * Makes the namespace, by default in this process. A service with a mount namespace of its own has to have it made
   * outside: other services do not see what is mounted on /run/netns inside (ip-netns(8), systemd.exec(5)).
   */
  addNamespace?: () => Promise<void>;
  /** Looks for new ports; by default on the PCI bus. */
  rescan?: () => Promise<void>;
}

/** A plugged interface, as it is remembered. */
export interface PluggedInterface {
  name: string;
  mac: string;
  isVip: boolean;
  /** The VIPs that it is for; in a pair, keepalived sets them. */
  vips: readonly string[];
  state: InterfaceState;
  /** Whether its plug came to its end. */
  isComplete: boolean;
}

export interface Restored {
  restored: readonly string[];
  /** Interfaces whose port is not on the host. */
  missing: readonly { name: string; mac: string }[];
  failed: readonly { name: string; why: string }[];
}

export interface AmphoraNetwork extends Network {
  /**
   * Makes the namespace and all remembered interfaces again, such as after a reboot or a change of the topology. What is
   * there already stays untouched. An interface that fails holds up no other one.
   * Faults: those of Run, if the namespace itself cannot be made
   */
  restore(): Promise<Restored>;
  /** Tells the neighbours who has the VIPs, unless keepalived does. Never fails; what went wrong is logged. */
  announce(): Promise<void>;
  interfaces(): Promise<readonly PluggedInterface[]>;
  /** Takes everything away that was plugged; ports return to the host. Faults: those of Run */
  dispose(): Promise<void>;
}

const vipName = 'eth1';
/** eth0 is the management interface, which stays outside. */
const firstPortNumber = 2;

/** Faults that say what to do by themselves; any other becomes the failure of the plug. */
const ownCodes: readonly FaultCode[] = ['port_not_found', 'interface_exists'];

export function makeNetwork(parts: NetworkParts): AmphoraNetwork {
  const { run, log, paths, namespace } = parts;
  const serialize = makeSerializer();
  const ip = makeIp(run, namespace);
  const host = makeIp(run, null);
  const records = makeRecords(paths, log);
  const setup = makeSetup({
    run,
    log,
    records,
    namespace,
    ip,
    host,
    topology: parts.topology,
    addNamespace: parts.addNamespace ?? (() => addNamespace(run, namespace ?? '')),
    rescan: parts.rescan ?? (() => rescanPci()),
  });

  async function recordOf(mac: string): Promise<InterfaceRecord | undefined> {
    return (await records.all()).find((each) => each.mac === mac);
  }

  /** Whether a port is among the tenants' interfaces. One that is remembered may have been pulled out. */
  async function isPresent(mac: string): Promise<boolean> {
    const isThere = namespace === null || (await hasNamespace(run, namespace));
    return isThere && linkOf(await ip.links(), mac) !== undefined;
  }

  async function nextName(): Promise<string> {
    const links = await ip.links();
    const outside = await host.links();
    const used = new Set([
      ...links.flatMap(({ name, altNames }) => [name, ...altNames]),
      // The port of a remembered interface may only be waiting for its turn in a restore.
      ...(await records.all()).flatMap(({ name, mac }) => (linkOf(outside, mac) ? [name] : [])),
    ]);
    for (let number = firstPortNumber; ; number += 1) {
      if (!used.has(`eth${number}`)) return `eth${number}`;
    }
  }

  async function freeVipName(): Promise<string> {
    const taken = (await ip.links()).find(({ name }) => name === vipName);
    if (taken === undefined) return vipName;
    throw new Fault(
      'tool_failed',
      `${vipName} is already the port with the MAC ${taken.mac}. Unplug that port first.`,
    );
  }

  async function announceVipsOf(record: InterfaceRecord | undefined): Promise<void> {
    const vips = record?.state.rules.map(({ source }) => source) ?? [];
    if (record === undefined || vips.length === 0) return;
    try {
      await announceAddresses(run, namespace, record.name, vips);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      log.warn({ interface: record.name, vips, why: error.message }, 'VIPs were not announced');
    }
  }

  async function restore(): Promise<Restored> {
    await setup.prepare();
    const restored: string[] = [];
    const missing: { name: string; mac: string }[] = [];
    const failed: { name: string; why: string }[] = [];
    const all = await records.all();
    for (const record of [...all].sort((a, b) => Number(isVip(b)) - Number(isVip(a)))) {
      const { name, mac } = record;
      try {
        restored.push((await setup.reestablish(record)).name);
        await announceVipsOf(await recordOf(mac));
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        log.warn({ interface: name, mac, why: error.message }, 'an interface was not restored');
        if (error.code === 'port_not_found') missing.push({ name, mac });
        else failed.push({ name, why: error.message });
      }
    }
    return { restored, missing, failed };
  }

  async function dispose(): Promise<void> {
    for (const { name, state } of await records.all()) {
      if (state.dhcp) await stopDhcp(run, name);
      const isPresent = namespace === null && (await ip.links()).some((link) => link.name === name);
      if (isPresent) await converge(ip, name, emptyState, state, log);
    }
    if (namespace !== null && (await hasNamespace(run, namespace))) {
      await deleteNamespace(run, namespace);
    }
    for (const { name } of await records.all()) await records.remove(name);
  }

  return {
    async plugVip(plug) {
      const vip = checkedVipPlug(plug);
      return serialize(() =>
        orFailed('vip_plug_failed', async () => {
          const former = await recordOf(vip.mac);
          const wanted = { mac: vip.mac, plugs: { ...former?.plugs, vip } };
          const { name, isChanged } = await setup.establish(wanted, former, freeVipName);
          if (!isChanged && former?.isComplete === true) {
            throw new Fault(
              'interface_exists',
              `The port with the MAC ${vip.mac} is plugged as ${name} with all that was asked for.`,
            );
          }
          await announceVipsOf(await recordOf(vip.mac));
          return name;
        }),
      );
    },
    async plugPort(plug) {
      const port = checkedPortPlug(plug);
      return serialize(() =>
        orFailed('port_plug_failed', async () => {
          const former = await recordOf(port.mac);
          const wasPlugged = former?.isComplete === true && (await isPresent(port.mac));
          const plugs: Plugs = { ...former?.plugs, port };
          const { name } = await setup.establish({ mac: port.mac, plugs }, former, nextName);
          return { interface: name, isNew: !wasPlugged };
        }),
      );
    },
    async interfaceOf(address) {
      const wanted = parseIp(plainAddress(address));
      if (wanted === undefined) {
        throw new Fault('address_invalid', 'The address is neither IPv4 nor IPv6.');
      }
      const isThere = namespace === null || (await hasNamespace(run, namespace));
      const present = isThere ? await ip.addresses() : [];
      const found = present.find((each) => parseIp(each.address)?.text === wanted.text);
      if (found) return found.device;
      throw new Fault('interface_not_found', `No interface has the address ${wanted.text}.`);
    },
    restore: () => serialize(restore),
    async announce() {
      for (const record of await records.all()) await announceVipsOf(record);
    },
    async interfaces() {
      return (await records.all()).map(({ name, mac, plugs, state, isComplete }) => ({
        name,
        mac,
        isVip: isVip({ plugs, state }),
        vips: plugs?.vip?.vips.map(({ address }) => address) ?? [],
        state,
        isComplete,
      }));
    },
    dispose: () => serialize(dispose),
  };
}

function isVip({ plugs, state }: Pick<InterfaceRecord, 'plugs' | 'state'>): boolean {
  return plugs?.vip !== undefined || state.rules.length > 0;
}

/** Runs a plug. Faults: its own, and `code` with the message of any other */
async function orFailed<T>(code: FaultCode, plug: () => Promise<T>): Promise<T> {
  try {
    return await plug();
  } catch (error) {
    if (!(error instanceof Fault) || ownCodes.includes(error.code)) throw error;
    throw new Fault(code, error.message, error.command && { command: error.command });
  }
}
