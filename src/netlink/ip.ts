import type { Command, Run } from '../kit/exec.ts';
import { Fault } from '../kit/fault.ts';
import { bitsOf, parseIp, parseSubnet } from '../kit/ip.ts';
import {
  type KernelRoute,
  type Link,
  type LinkAddress,
  parseLinkAddresses,
  parseLinks,
  parseRoutes,
  parseRules,
} from '../parsers/iproute2.ts';
import { ipDeadlineMs, type Namespace } from './namespaces.ts';

export type IpVersion = 4 | 6;

/** A route of one device. */
export interface Route {
  /** A subnet in canonical form; `0.0.0.0/0` and `::/0` are the default. */
  destination: string;
  /** Taken as reachable by the device, even outside of its subnets (`onlink`). Without it the subnet is on the link. */
  gateway?: string | undefined;
  /** The preferred source address. */
  source?: string | undefined;
  table: number;
}

/** A rule that sends what comes from an address to a table. */
export interface Rule {
  source: string;
  table: number;
}

export const mainTable = 254;
/** The priority of the rules, which keepalived.conf of Octavia's drivers has as well. */
export const rulePriority = 100;

/** What `ip` of iproute2 knows and changes in one namespace. Faults of all: `tool_failed`, `unreadable_output`, those of Run. */
export interface Ip {
  links(): Promise<Link[]>;
  /** The addresses of all links, or of one. */
  addresses(device?: string): Promise<LinkAddress[]>;
  /** The routes of a device in all tables. */
  routes(device: string): Promise<Route[]>;
  /** The devices of the default routes in the main table. */
  defaultDevices(): Promise<string[]>;
  rules(): Promise<Rule[]>;
  /** Moves a link of this namespace into another one and renames it, in one step of the kernel. It is down afterwards. */
  moveLink(device: string, namespace: string, name: string): Promise<void>;
  setUp(device: string): Promise<void>;
  setMtu(device: string, mtu: number): Promise<void>;
  /** An IPv6 address can be used at once, because its duplicates are not looked for (`nodad`). */
  addAddress(device: string, address: string, prefix: number): Promise<void>;
  deleteAddress(device: string, address: string, prefix: number): Promise<void>;
  /** @returns false if another route has this destination in this table */
  addRoute(device: string, route: Route): Promise<boolean>;
  deleteRoute(device: string, route: Route): Promise<void>;
  addRule(rule: Rule): Promise<void>;
  deleteRule(rule: Rule): Promise<void>;
}

export function makeIp(run: Run, namespace: Namespace): Ip {
  const place = namespace === null ? "the host's own network" : `the namespace ${namespace}`;

  const commandOf = (args: readonly string[]): Command => ({
    argv: ['ip', ...(namespace === null ? [] : ['-n', namespace]), ...args],
    deadlineMs: ipDeadlineMs,
  });

  async function must(what: string, args: readonly string[]): Promise<string> {
    const command = commandOf(args);
    const { exitCode, stdout, stderr } = await run(command);
    if (exitCode !== 0) throw failed(what, command, exitCode, stderr);
    return stdout;
  }

  function failed(what: string, { argv }: Command, exitCode: number, stderr: string): Fault {
    return new Fault('tool_failed', `${what} failed in ${place}: ${reasonIn(stderr)}`, {
      command: { argv, exitCode, stderr },
    });
  }

  // -N prints numbers instead of the names that an administrator may have given to tables.
  const list = (args: readonly string[]) =>
    must(`Reading (ip ${args.join(' ')})`, ['-j', '-N', ...args]);

  /** @returns false if the kernel has it already */
  async function add(what: string, args: readonly string[]): Promise<boolean> {
    const command = commandOf(args);
    const { exitCode, stderr } = await run(command);
    if (exitCode === 0) return true;
    // Kernels from 6.3 say "Address already assigned", older ones "File exists".
    if (/File exists|already assigned/.test(stderr)) return false;
    throw failed(what, command, exitCode, stderr);
  }

  async function inBoth<T>(read: (version: IpVersion) => Promise<T[]>): Promise<T[]> {
    return [...(await read(4)), ...(await read(6))];
  }

  return {
    links: async () => parseLinks(await list(['-details', 'link', 'show'])),
    addresses: async (device) =>
      parseLinkAddresses(
        await list(['address', 'show', ...(device === undefined ? [] : ['dev', device])]),
      ),
    routes: (device) =>
      inBoth(async (version) => {
        const text = await list([`-${version}`, 'route', 'show', 'table', 'all', 'dev', device]);
        return parseRoutes(text).flatMap((route) => routeOf(version, route));
      }),
    defaultDevices: () =>
      inBoth(async (version) => {
        const text = await list([`-${version}`, 'route', 'show', 'default']);
        return parseRoutes(text).flatMap(({ device }) => device ?? []);
      }),
    rules: () =>
      inBoth(async (version) => {
        const rules = parseRules(await list([`-${version}`, 'rule', 'show']));
        return rules.map(({ source, table }) => ({
          source: plainSource(source),
          table: numberOf(table),
        }));
      }),
    moveLink: async (device, target, name) => {
      await must(`Moving ${device} to the namespace ${target} as ${name}`, [
        ...['link', 'set', 'dev', device],
        ...['netns', target, 'name', name],
      ]);
    },
    setUp: async (device) => {
      await must(`Taking ${device} up`, ['link', 'set', 'dev', device, 'up']);
    },
    setMtu: async (device, mtu) => {
      await must(`Setting the MTU ${mtu} of ${device}`, [
        ...['link', 'set', 'dev', device],
        ...['mtu', `${mtu}`],
      ]);
    },
    addAddress: async (device, address, prefix) => {
      await add(`Adding ${address}/${prefix} to ${device}`, [
        ...['address', 'add', `${address}/${prefix}`, 'dev', device],
        ...(versionOf(address) === 6 ? ['nodad'] : []),
      ]);
    },
    deleteAddress: async (device, address, prefix) => {
      await must(`Deleting ${address}/${prefix} from ${device}`, [
        ...['address', 'delete', `${address}/${prefix}`, 'dev', device],
      ]);
    },
    addRoute: (device, route) =>
      add(`Adding the route ${routeText(route)} of ${device}`, routeArgs('add', device, route)),
    deleteRoute: async (device, route) => {
      await must(
        `Deleting the route ${routeText(route)} of ${device}`,
        routeArgs('delete', device, route),
      );
    },
    addRule: async (rule) => {
      await add(`Adding the rule from ${rule.source}`, ruleArgs('add', rule));
    },
    deleteRule: async (rule) => {
      await must(`Deleting the rule from ${rule.source}`, ruleArgs('delete', rule));
    },
  };
}

/** A route in words, as `ip` takes it. */
export function routeText({ destination, gateway, table }: Route): string {
  const via = gateway === undefined ? '' : ` via ${gateway}`;
  return `${destination}${via}${table === mainTable ? '' : ` in table ${table}`}`;
}

function versionOf(address: string): IpVersion {
  return address.includes(':') ? 6 : 4;
}

function routeArgs(what: 'add' | 'delete', device: string, route: Route): string[] {
  const { destination, gateway, source, table } = route;
  return [
    ...[`-${versionOf(destination)}`, 'route', what, destination],
    ...(gateway === undefined ? [] : ['via', gateway]),
    ...['dev', device],
    ...(gateway === undefined ? ['scope', 'link'] : ['onlink']),
    ...(source === undefined ? [] : ['src', source]),
    ...['table', `${table}`, 'proto', 'static'],
  ];
}

function ruleArgs(what: 'add' | 'delete', { source, table }: Rule): string[] {
  const version = versionOf(source);
  return [
    ...[`-${version}`, 'rule', what, 'from', `${source}/${bitsOf[version]}`],
    ...['table', `${table}`, 'priority', `${rulePriority}`],
  ];
}

function routeOf(
  version: IpVersion,
  { destination, gateway, source, table }: KernelRoute,
): Route[] {
  const whole = destination === 'default' ? (version === 4 ? '0.0.0.0/0' : '::/0') : destination;
  const text = whole.includes('/') ? whole : `${whole}/${bitsOf[version]}`;
  const subnet = parseSubnet(text);
  if (subnet === undefined) return [];
  const route: Route = { destination: subnet.text, table: numberOf(table) };
  if (gateway !== undefined) route.gateway = parseIp(gateway)?.text ?? gateway;
  if (source !== undefined) route.source = parseIp(source)?.text ?? source;
  return [route];
}

function plainSource(source: string): string {
  return parseIp(source)?.text ?? source;
}

/** The number of a table. `main` is the only name that `ip -N` prints, by leaving the table out. */
function numberOf(table: string): number {
  return table === 'main' ? mainTable : Number(table);
}

function reasonIn(stderr: string): string {
  return stderr.trim().split('\n')[0]?.slice(0, 200) ?? '';
}
