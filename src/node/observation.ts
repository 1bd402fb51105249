import { canonicalAddress } from '../keepalived/running.ts';
import type { KeepalivedReport, ReportedInstance, OtherRouter } from '../keepalived/report.ts';
import { renderedAddresses } from '../keepalived/render.ts';
import type { WantedInstance } from '../keepalived/wanted.ts';
import type { PresentInterface } from '../netlink/present.ts';
import type { SeenVrrp } from '../netlink/vrrp-listener.ts';
import type { VrrpInstance } from '../parsers/keepalived/dump.ts';
import type { Applied, OwnedAddress } from './state.ts';

/** What was seen of keepalived and of the kernel at one moment. */
export interface Observation {
  applied: Applied | undefined;
  /** The version of keepalived; empty if it is not installed. */
  version: string;
  /** Its parent process; undefined if it does not run. */
  pid: number | undefined;
  /** Its processes that a signal has stopped. */
  stopped: readonly number[];
  /** Whether it has said of each instance that it stops. */
  isStopping: boolean;
  /** Undefined if it did not answer. */
  instances: readonly VrrpInstance[] | undefined;
  /** The interfaces of the instances; missing ones are left out. */
  interfaces: ReadonlyMap<string, PresentInterface>;
  seen: readonly SeenVrrp[];
  /** What is wrong besides. */
  others: readonly string[];
}

/** What a report says, without its number. */
export type ReportContent = Omit<KeepalivedReport, 'sequence' | 'boot'>;

const maxTroubles = 50;
/** Whoever sends more is not listed. */
const maxOtherRouters = 256;

/** @param isAnswering whether keepalived is taken for one that answers; a single late answer is no sign */
export function reportOf(seen: Observation, isAnswering: boolean): ReportContent {
  const wanted = seen.applied?.wanted.instances ?? [];
  const byName = new Map(seen.instances?.map((each) => [each.name, each]));
  const instances = wanted.flatMap((each) => {
    const found = byName.get(each.name);
    return found ? [reportedInstance(each, found, seen)] : [];
  });
  return {
    running: seen.applied?.orders ?? null,
    version: seen.version,
    isAnswering,
    instances: isAnswering ? instances : [],
    otherRouters: otherRouters(wanted, seen.seen).slice(0, maxOtherRouters),
    troubles: troublesOf(seen, isAnswering).slice(0, maxTroubles),
  };
}

function reportedInstance(
  { name, interface: device, addresses }: WantedInstance,
  { state, since, effectivePriority }: VrrpInstance,
  { interfaces }: Observation,
): ReportedInstance {
  const present = new Set(interfaces.get(device)?.addresses);
  return {
    name,
    state,
    since,
    effectivePriority: effectivePriority ?? null,
    addresses: addresses.filter((each) => present.has(canonicalAddress(each))),
  };
}

/** In multicast each sender of an own router id counts as a peer, because nobody lists them. */
function otherRouters(wanted: readonly WantedInstance[], seen: readonly SeenVrrp[]): OtherRouter[] {
  return seen.filter(
    ({ interface: device, family, routerId, source }) =>
      !wanted.some(
        (each) =>
          each.interface === device &&
          each.family === family &&
          each.routerId === routerId &&
          (each.peers === null || each.peers.some((peer) => isSameAddress(peer, source))),
      ),
  );
}

function isSameAddress(one: string, other: string): boolean {
  return canonicalAddress(one) === canonicalAddress(other);
}

function troublesOf(seen: Observation, isAnswering: boolean): string[] {
  const wanted = seen.applied?.wanted.instances ?? [];
  return [
    ...(wanted.length === 0 ? [] : troublesOfProcess(seen, isAnswering)),
    ...(isAnswering ? wanted.flatMap((each) => troublesOfInstance(each, seen)) : []),
    ...seen.others,
  ];
}

function troublesOfProcess(seen: Observation, isAnswering: boolean): string[] {
  if (seen.version === '') {
    return ["keepalived is not installed on this node: 'apt-get install keepalived'."];
  }
  if (seen.pid === undefined) {
    return ["keepalived does not run: 'journalctl --unit ha-keepalived' on this node shows why."];
  }
  if (seen.stopped.length > 0) {
    const pids = seen.stopped.join(' ');
    return [`keepalived is stopped by a signal, and goes on after 'kill -CONT ${pids}'.`];
  }
  if (isAnswering) return [];
  return [
    seen.isStopping ? 'keepalived is about to end.' : 'keepalived runs, and does not answer.',
  ];
}

function troublesOfInstance(wanted: WantedInstance, seen: Observation): string[] {
  const { name, interface: device, addresses } = wanted;
  const found = seen.instances?.find((each) => each.name === name);
  if (found === undefined) return [`keepalived does not run ${name}, which was ordered.`];
  const present = seen.interfaces.get(device);
  if (present === undefined) return [`The interface ${device} of ${name} is not there.`];
  if (!present.isUp) return [`The interface ${device} of ${name} is down, or has no carrier.`];
  if (found.state === 'FAULT') return faultOf(wanted, seen);
  const isMaster = found.state === 'MASTER';
  const wrong = addresses.filter(
    (each) => present.addresses.includes(canonicalAddress(each)) !== isMaster,
  );
  if (wrong.length === 0) return [];
  const list = wrong.slice(0, 5).join(', ');
  return [
    isMaster
      ? `${name} is MASTER, and ${list} is not on ${device}.`
      : `${list} is on ${device}, although ${name} is ${found.state} here.`,
  ];
}

/** Why an instance whose interface is up is in the state FAULT. */
function faultOf(wanted: WantedInstance, seen: Observation): string[] {
  const { name, source, interface: device, check, preempt } = wanted;
  if (!canSend(wanted, seen)) {
    return [`The address ${source ?? ''}, from which ${name} sends, is not on ${device}.`];
  }
  // It is in FAULT because of its mate, of which the report says what is wrong.
  if (!matesOf(wanted, seen).every((each) => canSend(each, seen))) return [];
  // With preemption, a check that fails costs priority only.
  return [
    check !== null && !preempt
      ? `${name} is in the state FAULT, because its check fails.`
      : `${name} is in the state FAULT: 'journalctl --unit ha-keepalived' on this node shows why.`,
  ];
}

/** The instances that move together with one, and itself. */
function matesOf({ name, syncGroup }: WantedInstance, { applied }: Observation): WantedInstance[] {
  return (applied?.wanted.instances ?? []).filter(
    (each) => each.name === name || (syncGroup !== null && each.syncGroup === syncGroup),
  );
}

/** Whether the interface of an instance is up and has the address from which it sends. */
function canSend(
  { source, interface: device }: WantedInstance,
  { interfaces }: Pick<Observation, 'interfaces'>,
): boolean {
  const present = interfaces.get(device);
  if (present?.isUp !== true) return false;
  if (source === null) return true;
  return present.addresses.some((each) => isSameAddress(each.split('/')[0] ?? '', source));
}

/**
 * Whether an instance has a fault although it and its mates have their interfaces and source addresses. keepalived looks
 * for an address only when it reads its file, so one that came later, as at boot, is never noticed.
 */
export function isStuck(seen: Observation): boolean {
  return (seen.applied?.wanted.instances ?? []).some((wanted) => {
    const found = seen.instances?.find(({ name }) => name === wanted.name);
    if (found?.state !== 'FAULT' || wanted.source === null) return false;
    // A failing check is a fault only without preemption.
    if (wanted.check !== null && !wanted.preempt) return false;
    return matesOf(wanted, seen).every((each) => canSend(each, seen));
  });
}

/** Whether a master lacks an address, which a reload puts back. */
export function lacksAddress({ applied, instances, interfaces }: Observation): boolean {
  return (applied?.wanted.instances ?? []).some((wanted) => {
    const found = instances?.find(({ name }) => name === wanted.name);
    const present = interfaces.get(wanted.interface);
    if (found?.state !== 'MASTER' || present?.isUp !== true) return false;
    return renderedAddresses(wanted).some(
      (each) => !present.addresses.includes(canonicalAddress(each)),
    );
  });
}

/**
 * The addresses that keepalived has left on an interface: of an instance that is not master, and of none at all.
 * @param isAlive false if keepalived is gone or stopped for so long that its peers have taken over
 */
export function leftAddresses(
  { applied, instances, interfaces }: Observation,
  owned: readonly OwnedAddress[],
  isAlive: boolean,
): OwnedAddress[] {
  // What a living keepalived does not tell must not be touched.
  if (isAlive && instances === undefined) return [];
  const masters = new Set<string>();
  for (const wanted of isAlive ? (applied?.wanted.instances ?? []) : []) {
    const found = instances?.find(({ name }) => name === wanted.name);
    if (found !== undefined && found.state !== 'MASTER') continue;
    for (const address of renderedAddresses(wanted)) {
      masters.add(`${wanted.interface} ${canonicalAddress(address)}`);
    }
  }
  return owned.filter(({ interface: device, address }) => {
    const text = canonicalAddress(address);
    return (
      !masters.has(`${device} ${text}`) && interfaces.get(device)?.addresses.includes(text) === true
    );
  });
}
