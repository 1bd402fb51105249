import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { uptime } from 'node:os';

import * as z from 'zod';

import { readTextIfThere } from '../../kit/files/files.ts';
import { hostName } from './host-id.ts';

/** What a host says about itself in addition to its id, so that another host with the same id is recognised. */
export interface WhoSends {
  /** A digest of its machine-id(5), which should not be shown. */
  machine: string;
  /** A digest that changes with each boot. */
  boot: string;
  name: string;
  /** How long it has been up, in seconds. */
  upSeconds: number;
}

/** Headers of a peer's request. Older versions leave them out, or ignore them. */
export const whoSendsHeaders = {
  machine: 'x-liferaft-machine',
  boot: 'x-liferaft-boot',
  name: 'x-liferaft-host-name',
  upSeconds: 'x-liferaft-up-seconds',
} as const;

/** Names the lineage that root has chosen; see lineage-by-root.ts. */
export const byRootHeader = 'x-liferaft-by-root';

const digits = z.string().regex(/^[0-9a-f]{32}$/);
const schema = z.object({
  [whoSendsHeaders.machine]: digits,
  [whoSendsHeaders.boot]: digits,
  [whoSendsHeaders.name]: z.string().max(1000),
  [whoSendsHeaders.upSeconds]: z.string().regex(/^\d{1,12}$/),
});

export function headersOf({ machine, boot, name, upSeconds }: WhoSends): Record<string, string> {
  return {
    [whoSendsHeaders.machine]: machine,
    [whoSendsHeaders.boot]: boot,
    // A header can only have ASCII.
    [whoSendsHeaders.name]: encodeURIComponent(name),
    [whoSendsHeaders.upSeconds]: String(Math.floor(upSeconds)),
  };
}

/** Reads what a request says about its sender; undefined if that is missing or malformed. */
export function whoSendsOf(headers: object): WhoSends | undefined {
  const { success, data } = schema.safeParse(headers);
  if (!success) return undefined;
  return {
    machine: data[whoSendsHeaders.machine],
    boot: data[whoSendsHeaders.boot],
    name: decoded(data[whoSendsHeaders.name]),
    upSeconds: Number(data[whoSendsHeaders.upSeconds]),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Describes this host.
 * @param machineId the path of machine-id(5)
 */
export async function whoThisHostIs(machineId: string): Promise<WhoSends> {
  const machine = (await readTextIfThere(machineId))?.trim() ?? '';
  return {
    machine: digestOf(machine),
    boot: await thisBoot(),
    name: hostName(),
    upSeconds: uptime() - (await firstProcessStartedAt()),
  };
}

/** A digest of this boot. */
async function thisBoot(): Promise<string> {
  // random(4). The kernel makes it, or the program that runs this container.
  return digestOf((await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim());
}

/** Seconds from the kernel's start: about zero, except in a container, which has the uptime of its host. */
async function firstProcessStartedAt(): Promise<number> {
  const text = await readFile('/proc/1/stat', 'utf8');
  // proc_pid_stat(5), field 22, in ticks of 10 ms. The name, in parentheses, may contain anything.
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[19]) / 100;
}

function digestOf(text: string): string {
  return createHash('sha256').update(`ha-agent alphorn ${text}`).digest('hex').slice(0, 32);
}
