/** The states of a VRRP instance, by the numbers of keepalived (vrrp.h, `VRRP_STATE_*`). */
const states = ['INIT', 'BACKUP', 'MASTER', 'FAULT'] as const;
export type VrrpState = (typeof states)[number];

export interface VrrpInstance {
  name: string;
  state: VrrpState;
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
  const { iname: name, state: number } = data;
  const state = typeof number === 'number' ? states[number] : undefined;
  return typeof name === 'string' && state !== undefined ? { name, state } : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
