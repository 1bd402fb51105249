import { parseIp } from '../kit/ip.ts';
import type { WantedCheck, WantedInstance, WantedKeepalived } from './wanted.ts';

export interface RenderOptions {
  /** The version of the keepalived that will read the file, such as 2.2.7. */
  version: string;
  /** The name of the node. */
  node: string;
  /** The FIFO into which keepalived writes each transition; none in a dry run. */
  fifo?: string;
  /** A file of the administrator that becomes a part of the configuration. Its instances run as they would by themselves. */
  include?: string;
  /** The program of the checks. */
  probe?: string;
  /**
   * Seconds between two announcements of a master. keepalived says it of each instance, so a node knows by another
   * number that a reload is over.
   */
  refreshSeconds?: number;
}

/** The program of the checks in the package. */
export const probeProgram = '/usr/lib/ha-agent/vrrp-probe';

/** The number of `garp_master_refresh` unless another one is asked for. */
export const usualRefreshSeconds = 60;

/** A script that keepalived runs, and the instances that depend on it. */
interface Script {
  name: string;
  check: WantedCheck;
  /** The addresses at which the service may answer. */
  targets: readonly string[];
  instances: ReadonlySet<string>;
  /** Whether a failure costs priority. Otherwise it is a fault of the instance. */
  isWeighted: boolean;
}

/**
 * Renders the configuration of keepalived (keepalived.conf(5)). The same input gives the same bytes.
 * @param wanted must have passed `readWanted`, because its texts are written as they are
 */
export function renderKeepalived(wanted: WantedKeepalived, options: RenderOptions): string {
  const { probe = probeProgram, refreshSeconds = usualRefreshSeconds, include } = options;
  const scripts = scriptsOf(wanted.instances);
  const unicast = wanted.instances.filter(isUnicast);
  const multicast = wanted.instances.filter((each) => !isUnicast(each));
  const linesOf = (instance: WantedInstance) =>
    instanceLines(instance, scripts, { refreshSeconds, isBesideOthers: include !== undefined });
  // keepalived warns of a group of one.
  const groups = unitsOf(wanted.instances).filter((members) => members.length > 1);
  return [
    '# Written by ha-agent, which replaces it whole. Change the groups of the controller instead.',
    ...globalLines(options),
    ...scripts.flatMap((script) => scriptLines(script, probe)),
    ...groups.flatMap((members) => groupLines(members, scripts)),
    // keepalived 2.1.5 crashes in a reload if an instance with multicast comes before one with unicast. A file of the
    // administrator may have both kinds.
    ...unicast.flatMap(linesOf),
    ...(include === undefined ? [] : [`include ${include}`]),
    ...multicast.flatMap(linesOf),
    '',
  ].join('\n');
}

function globalLines({ version, node, fifo, include }: RenderOptions): string[] {
  const body = [
    `router_id ${node}`,
    // Instances of the administrator have other defaults, see instanceLines.
    ...(include === undefined ? ['vrrp_version 3', 'vrrp_higher_prio_send_advert'] : []),
    // keepalived 2.2.7 crashes in a reload if it has a FIFO and no user for scripts before it.
    'script_user root',
    ...(fifo === undefined ? [] : [`vrrp_notify_fifo ${fifo}`]),
    // It would switch off scripts of the administrator that anybody may change.
    ...(include === undefined ? ['enable_script_security'] : []),
    // A faulty file would otherwise end keepalived 2.2.7 and 2.3.3 in a reload. 2.1.5 does not know the word.
    ...(isFrom(version, 2, 2) ? ['reload_check_config'] : []),
  ];
  return block('global_defs', body);
}

/**
 * Scripts that differ within a sync group would let its instances move one by one, and then all of them back. So each
 * check of a group is one script that all of its instances track.
 */
function scriptsOf(instances: readonly WantedInstance[]): Script[] {
  return unitsOf(instances).flatMap((members) => {
    const checks = new Map<string, WantedCheck>();
    for (const { check } of members) if (check !== null) checks.set(textOf(check), check);
    const first = members[0];
    const base = first?.syncGroup ?? first?.name ?? '';
    return [...checks.values()].map((check, at) => ({
      name: at === 0 ? `${base}_check` : `${base}_check_${at + 1}`,
      check,
      targets: [...new Set(members.flatMap(targetsOf))],
      instances: new Set(members.map(({ name }) => name)),
      // An instance without preemption takes nothing over from a lower priority, only from a fault.
      isWeighted: members.every(({ preempt }) => preempt),
    }));
  });
}

/** Without a peer, keepalived sends adverts by multicast. */
function isUnicast({ peers }: WantedInstance): boolean {
  return peers !== null && peers.length > 0;
}

/** The instances that move together. */
function unitsOf(instances: readonly WantedInstance[]): WantedInstance[][] {
  const units = new Map<string, WantedInstance[]>();
  for (const instance of instances) {
    const { name, syncGroup } = instance;
    const unit = syncGroup === null ? `instance ${name}` : `group ${syncGroup}`;
    units.set(unit, [...(units.get(unit) ?? []), instance]);
  }
  return [...units.values()];
}

/** The service may listen on the node's own address only. */
function targetsOf({ family, source }: WantedInstance): string[] {
  const loopback = family === 'ipv4' ? '127.0.0.1' : '::1';
  return [loopback, ...(source === null ? [] : [source])];
}

function textOf({ type, port, path, intervalSeconds, timeoutSeconds, fall, rise }: WantedCheck) {
  return [type, port, path ?? '', intervalSeconds, timeoutSeconds, fall, rise].join(' ');
}

/** The lowest priority remains for a node whose check fails, so that any healthy one takes over. */
const failingWeight = -253;

function scriptLines({ name, check, targets, isWeighted }: Script, probe: string): string[] {
  const { type, port, path = '/', intervalSeconds, timeoutSeconds, fall, rise } = check;
  const argv = [
    ...[probe, type, `${port}`, `${timeoutSeconds}`],
    ...(type === 'http' ? [encoded(path)] : []),
    ...targets,
  ];
  return block(`vrrp_script ${name}`, [
    `script "${argv.join(' ')}"`,
    `interval ${intervalSeconds}`,
    // The probe ends by itself at its timeout.
    `timeout ${timeoutSeconds + 1}`,
    `fall ${fall}`,
    `rise ${rise}`,
    ...(isWeighted ? [`weight ${failingWeight}`] : []),
  ]);
}

/** Percent-encodes what means something in keepalived.conf or in a quoted word. */
function encoded(path: string): string {
  return path.replace(
    /[^A-Za-z0-9._/?=&%:,+-]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`,
  );
}

function groupLines(members: readonly WantedInstance[], scripts: readonly Script[]): string[] {
  const [first] = members;
  const tracked = scripts.filter(({ instances }) => instances.has(first?.name ?? ''));
  const isWeighted = tracked.some((script) => script.isWeighted);
  const names = members.map(({ name }) => name);
  return block(`vrrp_sync_group ${first?.syncGroup ?? ''}`, [
    ...block('group', names),
    // Without this word keepalived ignores the weights of scripts in a sync group.
    ...(isWeighted ? ['sync_group_tracking_weight'] : []),
    // keepalived 2.1.5 ignores scripts without a weight in the instances of a group, and later ones take both.
    ...trackLines(tracked.filter((script) => !script.isWeighted)),
  ]);
}

function trackLines(scripts: readonly Script[]): string[] {
  const names = scripts.map(({ name }) => name);
  return names.length === 0 ? [] : block('track_script', names);
}

function instanceLines(
  instance: WantedInstance,
  scripts: readonly Script[],
  { refreshSeconds, isBesideOthers }: { refreshSeconds: number; isBesideOthers: boolean },
): string[] {
  const { name, interface: device, routerId, priority, interval, peers, source } = instance;
  const tracked = scripts.filter(
    ({ instances, isWeighted }) => instances.has(name) && (isWeighted || instances.size === 1),
  );
  return block(`vrrp_instance ${name}`, [
    'state BACKUP',
    // After a cut, two are master. The lesser one says so once more before it yields: only then does the better one
    // announce its addresses again, and the network sends to the lesser one until then. As global words, both would
    // change instances of the administrator, whose peers speak version 2 by default.
    ...(isBesideOthers ? ['version 3', 'higher_prio_send_advert true'] : []),
    `interface ${device}`,
    `virtual_router_id ${routerId}`,
    `priority ${priority}`,
    `advert_int ${interval}`,
    ...(instance.preempt ? [] : ['nopreempt']),
    `garp_master_refresh ${refreshSeconds}`,
    ...(source === null ? [] : [`unicast_src_ip ${source}`]),
    ...(isUnicast(instance) ? block('unicast_peer', peers ?? []) : []),
    ...block('virtual_ipaddress', renderedAddresses(instance)),
    ...trackLines(tracked),
  ]);
}

/**
 * The addresses of an instance in the file. Those of IPv6 have to begin with a link-local one (RFC 5798, section 5.2.9).
 * Without one it is made of the virtual MAC, in which the router id is unique on the link (section 7.3).
 */
export function renderedAddresses({
  family,
  routerId,
  addresses,
}: Pick<WantedInstance, 'family' | 'routerId' | 'addresses'>): string[] {
  if (family === 'ipv4') return [...addresses];
  const linkLocal = addresses.filter(isLinkLocal);
  const others = addresses.filter((address) => !isLinkLocal(address));
  if (linkLocal.length > 0) return [...linkLocal, ...others];
  return [`fe80::200:5eff:fe00:2${routerId.toString(16).padStart(2, '0')}/64`, ...others];
}

/** fe80::/10 (RFC 4291, section 2.5.6). */
function isLinkLocal(address: string): boolean {
  const ip = parseIp(address.split('/')[0] ?? '');
  return ip?.version === 6 && ip.value >> 118n === 0x3fan;
}

/** @param version such as 2.2.7; empty means an old one */
function isFrom(version: string, major: number, minor: number): boolean {
  const [has = 0, hasMinor = 0] = version.split('.').map(Number);
  return has > major || (has === major && hasMinor >= minor);
}

function block(head: string, body: readonly string[]): string[] {
  return [`${head} {`, ...body.map((line) => `  ${line}`), '}'];
}
