import { Fault } from '../kit/fault.ts';

// `ip -j` prints arrays of objects. Older versions print nothing instead of an empty array, and an empty object for each
// link that a filter left out. Numbers and names of tables and scopes differ with `-N` and with /etc/iproute2. So each
// field is read only if it has the expected type.

export interface Link {
  name: string;
  /** In lower case; empty for a link without one. */
  mac: string;
  altNames: readonly string[];
  mtu: number;
  isUp: boolean;
  /** The bridge or bond that it belongs to. */
  master?: string;
  /** Such as `veth` or `vlan`; only `ip -details` says it, and physical links have none. */
  kind?: string;
}

export interface LinkAddress {
  device: string;
  address: string;
  prefix: number;
}

export interface KernelRoute {
  /** `default`, an address, or a subnet, as `ip` prints it. */
  destination: string;
  gateway?: string;
  source?: string;
  /** The number or the name of its table; the main table is often left out. */
  table: string;
  /** Missing if only the routes of one device were asked for. */
  device?: string;
}

export interface KernelRule {
  /** `all`, or an address or subnet. */
  source: string;
  /** The number or the name of its table. */
  table: string;
  priority: number;
}

type Entry = Readonly<Record<string, unknown>>;

/** Reads `ip -j link` and `ip -j -details link`. Faults: `unreadable_output` */
export function parseLinks(text: string): Link[] {
  return entriesIn(text).flatMap((entry) => {
    const name = textIn(entry, 'ifname');
    if (name === undefined) return [];
    const link: Link = {
      name,
      mac: (textIn(entry, 'address') ?? '').toLowerCase(),
      altNames: listIn(entry, 'altnames').filter((each) => typeof each === 'string'),
      mtu: numberIn(entry, 'mtu') ?? 0,
      isUp: listIn(entry, 'flags').includes('UP'),
    };
    const master = textIn(entry, 'master');
    const kind = textIn(objectIn(entry, 'linkinfo'), 'info_kind');
    if (master !== undefined) link.master = master;
    if (kind !== undefined) link.kind = kind;
    return [link];
  });
}

/** Reads `ip -j address`. Faults: `unreadable_output` */
export function parseLinkAddresses(text: string): LinkAddress[] {
  return entriesIn(text).flatMap((entry) => {
    const device = textIn(entry, 'ifname');
    if (device === undefined) return [];
    return listIn(entry, 'addr_info').flatMap((each) => {
      if (!isEntry(each)) return [];
      const address = textIn(each, 'local');
      const prefix = numberIn(each, 'prefixlen');
      return address === undefined || prefix === undefined ? [] : [{ device, address, prefix }];
    });
  });
}

/** Reads `ip -j route`. Faults: `unreadable_output` */
export function parseRoutes(text: string): KernelRoute[] {
  return entriesIn(text).flatMap((entry) => {
    const destination = textIn(entry, 'dst');
    if (destination === undefined) return [];
    const route: KernelRoute = { destination, table: tableIn(entry) ?? 'main' };
    const gateway = textIn(entry, 'gateway');
    const source = textIn(entry, 'prefsrc');
    const device = textIn(entry, 'dev');
    if (gateway !== undefined) route.gateway = gateway;
    if (source !== undefined) route.source = source;
    if (device !== undefined) route.device = device;
    return [route];
  });
}

/** Reads `ip -j rule`. A subnet has its prefix in a field of its own. Faults: `unreadable_output` */
export function parseRules(text: string): KernelRule[] {
  return entriesIn(text).flatMap((entry) => {
    const source = textIn(entry, 'src');
    const table = tableIn(entry);
    if (source === undefined || table === undefined) return [];
    const length = numberIn(entry, 'srclen');
    return [
      {
        source: length === undefined ? source : `${source}/${length}`,
        table,
        priority: numberIn(entry, 'priority') ?? 0,
      },
    ];
  });
}

function tableIn(entry: Entry): string | undefined {
  return textIn(entry, 'table') ?? numberIn(entry, 'table')?.toString();
}

function entriesIn(text: string): Entry[] {
  if (text.trim() === '') return [];
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    read = undefined;
  }
  if (!Array.isArray(read)) {
    throw new Fault(
      'unreadable_output',
      "'ip -j' printed no JSON array. Run 'ip -j link' on the host and compare; if its output is sound, please report it.",
    );
  }
  return read.filter(isEntry);
}

function isEntry(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textIn(entry: Entry | undefined, key: string): string | undefined {
  const value = entry?.[key];
  return typeof value === 'string' ? value : undefined;
}

function numberIn(entry: Entry, key: string): number | undefined {
  const value = entry[key];
  return typeof value === 'number' ? value : undefined;
}

function listIn(entry: Entry, key: string): readonly unknown[] {
  const value = entry[key];
  return Array.isArray(value) ? value : [];
}

function objectIn(entry: Entry, key: string): Entry | undefined {
  const value = entry[key];
  return isEntry(value) ? value : undefined;
}
