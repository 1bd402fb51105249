/** The states of a VRRP instance, by the numbers of keepalived (vrrp.h, `VRRP_STATE_*`). */
const states = ['INIT', 'BACKUP', 'MASTER', 'FAULT'] as const;
export type VrrpState = (typeof states)[number];

export interface VrrpInstance {
  name: string;
  state: VrrpState;
  /** Milliseconds since 1970 of the last transition, or of the last reload; null if there was neither. */
  since: number | null;
  /** How often it has become master, and has ceased to be. */
  transitions: number | undefined;
  /** What it runs with; undefined for what keepalived does not say. */
  interface: string | undefined;
  routerId: number | undefined;
  /** As configured. */
  priority: number | undefined;
  /** The one that counts: a failing check lowers it. */
  effectivePriority: number | undefined;
  /** Seconds between two adverts. */
  interval: number | undefined;
  preempt: boolean | undefined;
  /** `garp_master_refresh`, in seconds. */
  refreshSeconds: number | undefined;
  /** Its addresses with their prefix lengths, and whether keepalived has set them. */
  addresses: readonly { address: string; isSet: boolean }[];
}

/**
 * Reads what keepalived writes on its signal for JSON. That also holds the secret of each instance, which is left out
 * here. An object with the key `vrrp` is the newer form of keepalived 2.3 (`json_version 2`).
 * @returns undefined if it is not whole: keepalived writes the file in pieces
 */
export function readDump(text: string): VrrpInstance[] | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const list = isObject(json) ? json['vrrp'] : json;
  if (!Array.isArray(list)) return undefined;
  const instances = list.map(instanceOf);
  return instances.every((each) => each !== undefined) ? instances : undefined;
}

function instanceOf(entry: unknown): VrrpInstance | undefined {
  const data = isObject(entry) ? entry['data'] : undefined;
  if (!isObject(data)) return undefined;
  const { iname: name, state: number, ifp_ifname: device, nopreempt } = data;
  const state = typeof number === 'number' ? states[number] : undefined;
  if (typeof name !== 'string' || state === undefined) return undefined;
  const seconds = numberIn(data, 'last_transition');
  return {
    name,
    state,
    since: seconds === undefined || seconds <= 0 ? null : Math.round(seconds * 1000),
    transitions: transitionsIn(isObject(entry) ? entry['stats'] : undefined),
    interface: typeof device === 'string' ? device : undefined,
    routerId: numberIn(data, 'vrid'),
    priority: numberIn(data, 'base_priority'),
    effectivePriority: numberIn(data, 'effective_priority'),
    interval: numberIn(data, 'adver_int'),
    preempt: typeof nopreempt === 'boolean' ? !nopreempt : undefined,
    refreshSeconds: numberIn(data, 'garp_refresh'),
    addresses: [...addressesIn(data, 'vips'), ...addressesIn(data, 'evips')],
  };
}

function transitionsIn(stats: unknown): number | undefined {
  if (!isObject(stats)) return undefined;
  const become = numberIn(stats, 'become_master');
  const release = numberIn(stats, 'release_master');
  return become === undefined || release === undefined ? undefined : become + release;
}

/** Such as `10.0.0.100/24 dev eth0 scope global set`; without the last word the address is not set. */
function addressesIn(data: Readonly<Record<string, unknown>>, key: string) {
  const list = data[key];
  if (!Array.isArray(list)) return [];
  return list.flatMap((each) => {
    if (typeof each !== 'string') return [];
    const [address = '', ...flags] = each.split(' ');
    return [{ address, isSet: flags.at(-1) === 'set' }];
  });
}

function numberIn(data: Readonly<Record<string, unknown>>, key: string): number | undefined {
  const value = data[key];
  return typeof value === 'number' ? value : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
