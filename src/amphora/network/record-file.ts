import * as z from 'zod';

import { bitsOf, parseIp, parseSubnet } from '../../kit/ip.ts';
import { mainTable } from '../../netlink/ip.ts';
import type { PortPlug, VipPlug } from '../amphora.ts';
import type { InterfaceState, Plugs } from './interface-state.ts';

/** What is remembered of a plugged interface. */
export interface InterfaceRecord {
  name: string;
  mac: string;
  /** Missing in a file that Octavia's own agent wrote. */
  plugs?: Plugs | undefined;
  state: InterfaceState;
  /** What it may still have from before, and should not. */
  former: InterfaceState;
  /** Whether everything was set. Otherwise a plug failed or was killed half way. */
  isComplete: boolean;
}

// The file has the keys of Octavia's agent (octavia/amphorae/backends/utils/interface_file.py), so that a host that it
// set up can be taken over. The keys mac_address, plugs, former and complete are ours.

const ip = z.string().transform((text, context) => {
  const parsed = parseIp(text);
  if (parsed) return parsed.text;
  context.addIssue('no IP address');
  return z.NEVER;
});
const subnet = z.string().transform((text, context) => {
  const parsed = parseSubnet(text);
  if (parsed) return parsed.text;
  context.addIssue('no subnet');
  return z.NEVER;
});
const mac = z
  .string()
  .toLowerCase()
  .regex(/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/);
const hostRoutes = z.array(z.object({ destination: subnet, nexthop: ip }));
const subnetAddress = z.object({ address: ip, cidr: subnet, gateway: ip.optional(), hostRoutes });
const mtu = z.number().int().positive().max(65535);

const address = z.object({
  address: ip.optional(),
  prefixlen: z.number().int().min(0).max(128).optional(),
  /** False for one that keepalived sets. */
  octavia_owned: z.boolean().optional(),
  dhcp: z.boolean().optional(),
  ipv6auto: z.boolean().optional(),
});
const route = z.object({
  dst: subnet,
  gateway: ip.nullish(),
  prefsrc: ip.nullish(),
  table: z.number().int().positive().optional(),
  of_tenant: z.boolean().optional(),
});
const rule = z.object({ src: ip, table: z.number().int().positive() });
const settings = {
  addresses: z.array(address).max(200).default([]),
  routes: z.array(route).max(2000).default([]),
  rules: z.array(rule).max(200).default([]),
};
const file = z.object({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.@-]{0,14}$/),
  mac_address: mac.optional(),
  mtu: mtu.nullish(),
  ...settings,
  former: z.object(settings).optional(),
  complete: z.boolean().default(true),
  plugs: z
    .object({
      vip: z
        .object({
          vips: z.tuple([subnetAddress], subnetAddress),
          mac,
          vrrpIp: ip.optional(),
          mtu: mtu.optional(),
        })
        .optional(),
      port: z.object({ mac, addresses: z.array(subnetAddress), mtu: mtu.optional() }).optional(),
    })
    .optional(),
});

/**
 * Reads a file of an interface.
 * @param macOf gives the MAC by the name, for a file without one
 * @returns undefined if the file is damaged, or no MAC is known for it
 */
export function parseRecord(
  text: string,
  macOf: (name: string) => string | undefined,
): InterfaceRecord | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { data } = file.safeParse(json);
  const address = data?.mac_address ?? macOf(data?.name ?? '');
  if (data === undefined || address === undefined) return undefined;
  const state = stateIn(data);
  return {
    name: data.name,
    mac: address,
    plugs: data.plugs && plugsIn(data.plugs),
    state: typeof data.mtu === 'number' ? { ...state, mtu: data.mtu } : state,
    former: stateIn(data.former ?? { addresses: [], routes: [], rules: [] }),
    isComplete: data.complete,
  };
}

/** The text of the file. */
export function recordText({
  name,
  mac,
  plugs,
  state,
  former,
  isComplete,
}: InterfaceRecord): string {
  const content = {
    name,
    if_type: state.rules.length > 0 || plugs?.vip ? 'vip' : 'backend',
    mtu: state.mtu,
    ...settingsOf(state),
    scripts: { up: [], down: [] },
    is_sriov: false,
    mac_address: mac,
    complete: isComplete,
    former: isComplete ? undefined : settingsOf(former),
    plugs,
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

function plugsIn({ vip, port }: NonNullable<z.infer<typeof file>['plugs']>): Plugs {
  const plugs: Plugs = {};
  if (vip) plugs.vip = vip satisfies VipPlug;
  if (port) plugs.port = port satisfies PortPlug;
  return plugs;
}

type Settings = Pick<z.infer<typeof file>, 'addresses' | 'routes' | 'rules'>;

function stateIn({ addresses, routes, rules }: Settings): InterfaceState {
  return {
    addresses: addresses.flatMap(({ address, prefixlen, octavia_owned: isOurs = true }) =>
      address === undefined || !isOurs
        ? []
        : [{ address, prefix: prefixlen ?? bitsOf[address.includes(':') ? 6 : 4] }],
    ),
    routes: routes.map(({ dst, gateway, prefsrc, table, of_tenant: isOfTenant }) => ({
      destination: dst,
      ...(gateway && { gateway }),
      ...(prefsrc && { source: prefsrc }),
      table: table ?? mainTable,
      // Octavia's agent does not say which routes are tenants', and goes on if the kernel refuses any.
      ...((isOfTenant ?? true) && { isOfTenant: true as const }),
    })),
    rules: rules.map(({ src, table }) => ({ source: src, table })),
    dhcp: addresses.some(({ dhcp }) => dhcp),
    slaac: addresses.some(({ ipv6auto }) => ipv6auto),
  };
}

function settingsOf({ addresses, routes, rules, dhcp, slaac }: InterfaceState): Settings {
  return {
    addresses: [
      ...addresses.map(({ address, prefix }) => ({ address, prefixlen: prefix })),
      ...(dhcp ? [{ dhcp }] : []),
      ...(slaac ? [{ ipv6auto: slaac }] : []),
    ],
    routes: routes.map(({ destination, gateway, source, table, isOfTenant = false }) => ({
      dst: destination,
      ...(gateway === undefined ? { scope: 'link' } : { gateway, flags: ['onlink'] }),
      ...(source !== undefined && { prefsrc: source }),
      ...(table !== mainTable && { table }),
      of_tenant: isOfTenant,
    })),
    rules: rules.map(({ source, table }) => ({
      src: source,
      src_len: bitsOf[source.includes(':') ? 6 : 4],
      table,
    })),
  };
}
