import type { Run } from '../../kit/exec.ts';
import { Fault } from '../../kit/fault.ts';
import type { Log } from '../../kit/log.ts';
import { startDhcp, stopDhcp } from '../../netlink/dhcp.ts';
import type { Ip } from '../../netlink/ip.ts';
import { hasNamespace, type Namespace } from '../../netlink/namespaces.ts';
import { ensureSysctls } from '../../netlink/sysctl.ts';
import type { Topology } from '../amphora.ts';
import { converge } from './converge.ts';
import {
  type InterfaceAddress,
  type InterfaceState,
  isSameAddress,
  leftOver,
  type Plugs,
  stateOf,
} from './interface-state.ts';
import { linkOf, findPort, movePort } from './port.ts';
import type { InterfaceRecord } from './record-file.ts';
import type { Records } from './records.ts';

/** Sets up the namespace and single interfaces in it. Calls must not overlap. */
export interface Setup {
  /** Makes the namespace, unless it is there, with everything but the ports. */
  prepare(): Promise<void>;
  /**
   * Gives an interface what was asked for it, and remembers it before and afterwards. A repeated call finishes what
   * another began.
   * @param former what is remembered of it
   * @returns its name, and whether anything was missing
   * Faults: `port_not_found`, `no_space`, those of Ip. A port that was complete is then as it was
   */
  establish(
    wanted: { mac: string; plugs: Plugs },
    former: InterfaceRecord | undefined,
    nameOfNew: () => Promise<string>,
  ): Promise<{ name: string; isChanged: boolean }>;
  /** Sets up an interface as it is remembered. */
  reestablish(record: InterfaceRecord): Promise<{ name: string; isChanged: boolean }>;
}

export interface SetupParts {
  run: Run;
  log: Log;
  records: Records;
  namespace: Namespace;
  /** The network of the tenants, and that of the host. They are the same without a namespace. */
  ip: Ip;
  host: Ip;
  topology: () => Promise<Topology['topology']>;
  addNamespace: () => Promise<void>;
  rescan: () => Promise<void>;
}

/** haproxy and keepalived of a standby bind addresses that it does not have. */
const nonlocalBind = ['ipv4/ip_nonlocal_bind', 'ipv6/ip_nonlocal_bind'];
/** Virtual servers of keepalived forward packets. */
const forwarding = ['ipv4/ip_forward', 'ipv6/conf/all/forwarding'];

export function makeSetup(parts: SetupParts): Setup {
  const { run, log, records, namespace, ip, host } = parts;

  async function prepare(): Promise<void> {
    if (namespace === null) {
      // Whether the host itself forwards packets is for its administrator to say.
      await ensureSysctls(run, null, nonlocalBind, '1');
      return;
    }
    if (!(await hasNamespace(run, namespace))) await parts.addNamespace();
    // Peers of haproxy on one host reach each other by it.
    const loopback = (await ip.links()).find(({ name }) => name === 'lo');
    if (loopback?.isUp !== true) await ip.setUp('lo');
    await ensureSysctls(run, namespace, [...nonlocalBind, ...forwarding], '1');
  }

  /** The name of the port among the tenants' interfaces, after it was moved there. */
  async function place(mac: string, name: () => Promise<string>): Promise<string> {
    if (namespace === null) return (await findPort(host, mac, parts.rescan)).name;
    const inside = linkOf(await ip.links(), mac);
    if (inside) return inside.name;
    const to = { namespace, name: await name() };
    await movePort(host, mac, to, parts.rescan);
    return to.name;
  }

  /** What the automatic configuration of an interface needs. */
  async function automate(name: string, { dhcp, slaac }: InterfaceState): Promise<void> {
    const conf = `ipv6/conf/${name}`;
    // 2: also while packets are forwarded (ip-sysctl of the kernel's documentation).
    if (slaac) await ensureSysctls(run, namespace, [`${conf}/accept_ra`], '2');
    if (slaac) await ensureSysctls(run, namespace, [`${conf}/autoconf`], '1');
    if (dhcp) await startDhcp(run, namespace, name);
  }

  /** Without a namespace, an address that the host itself gave to the port stays the host's own. */
  async function withoutHosts(
    device: string,
    state: InterfaceState,
    previous: InterfaceRecord | undefined,
  ): Promise<InterfaceState> {
    if (namespace !== null) return state;
    const isIn = (list: readonly InterfaceAddress[] = [], address: InterfaceAddress) =>
      list.some((each) => isSameAddress(each, address));
    const present = await ip.addresses(device);
    const addresses = state.addresses.filter(
      (each) => isIn(previous?.state.addresses, each) || !isIn(present, each),
    );
    return { ...state, addresses };
  }

  async function apply(
    mac: string,
    plugs: Plugs | undefined,
    wanted: InterfaceState,
    previous: InterfaceRecord | undefined,
    nameOfNew: () => Promise<string>,
  ): Promise<{ name: string; isChanged: boolean }> {
    await prepare();
    // The name is remembered first, so that a call after a kill finds the port under it.
    const name = previous?.name ?? (await nameOfPlaced(mac, nameOfNew));
    const state = await withoutHosts(name, wanted, previous);
    const others = await records.all();
    const stale = others.filter((each) => each.name === name && each.mac !== mac);
    const former = leftOver(merged([previous, ...stale.map(withoutDevice)]), state);
    const record = { name, mac, plugs, state, former };
    await records.save({ ...record, isComplete: false });
    const placed = await place(mac, () => Promise.resolve(name));
    const isChanged = await converge(ip, placed, state, former, log);
    await automate(placed, state);
    if (former.dhcp) await stopDhcp(run, placed);
    await records.save({ ...record, name: placed, isComplete: true });
    if (placed !== name) await records.remove(name);
    return { name: placed, isChanged };
  }

  /** The name that the port has or will get; it is there, or this fails before anything is remembered. */
  async function nameOfPlaced(mac: string, nameOfNew: () => Promise<string>): Promise<string> {
    const inside = namespace === null ? undefined : linkOf(await ip.links(), mac);
    if (inside) return inside.name;
    const port = await findPort(host, mac, parts.rescan);
    return namespace === null ? port.name : nameOfNew();
  }

  /** Gives a port that serves what it had before a plug failed. What fails here is finished by the next plug. */
  async function goBack(former: InterfaceRecord, tried: InterfaceState): Promise<void> {
    const { name, state } = former;
    const left = leftOver(tried, state);
    try {
      await converge(ip, name, state, left, log);
      if (left.dhcp) await stopDhcp(run, name);
      await records.save(former);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      log.warn({ interface: name, why: error.message }, 'an interface is not as it was');
    }
  }

  return {
    prepare,
    async establish({ mac, plugs }, former, nameOfNew) {
      const state = stateOf(plugs, await parts.topology(), namespace !== null);
      try {
        return await apply(mac, plugs, state, former, nameOfNew);
      } catch (error) {
        if (former?.isComplete === true) await goBack(former, state);
        throw error;
      }
    },
    async reestablish(record) {
      const { mac, plugs } = record;
      const state = plugs
        ? stateOf(plugs, await parts.topology(), namespace !== null)
        : record.state;
      return apply(mac, plugs, state, record, () => Promise.resolve(record.name));
    },
  };
}

/** Rules stay in the kernel without the interface that they were made for; addresses and routes do not. */
function withoutDevice(record: InterfaceRecord): InterfaceRecord {
  const onlyRules = ({ rules }: InterfaceState): InterfaceState => ({
    addresses: [],
    routes: [],
    rules,
    dhcp: false,
    slaac: false,
  });
  return { ...record, state: onlyRules(record.state), former: onlyRules(record.former) };
}

function merged(records: readonly (InterfaceRecord | undefined)[]): InterfaceState {
  const states = records.flatMap((each) => (each ? [each.state, each.former] : []));
  return {
    addresses: states.flatMap(({ addresses }) => addresses),
    routes: states.flatMap(({ routes }) => routes),
    rules: states.flatMap(({ rules }) => rules),
    dhcp: states.some(({ dhcp }) => dhcp),
    slaac: states.some(({ slaac }) => slaac),
  };
}
