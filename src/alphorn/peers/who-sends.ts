import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { uptime } from 'node:os';

import { z } from 'zod';

import { readTextIfThere } from '../../kit/files/files.ts';
import { hostName } from './host-id.ts';

/** What a host tells of itself besides its id, so that another one with the same id is known as such. */
export interface WhoSends {
  /** Of its machine-id(5), which should not be shown as it is. */
  machine: string;
  /** Of its boot: another after each start. */
  boot: string;
  name: string;
  /** For how long it has been up, in seconds. */
  upSeconds: number;
}

/** Headers of a peer's request. Who has an older version leaves them out, or passes them over. */
export const whoSendsHeaders = {
  machine: 'x-liferaft-machine',
  boot: 'x-liferaft-boot',
  name: 'x-liferaft-host-name',
  upSeconds: 'x-liferaft-up-seconds',
} as const;

/** Names the lineage that root has declared to be the one that counts; see lineage-by-root.ts. */
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
    // A header has ASCII alone.
    [whoSendsHeaders.name]: encodeURIComponent(name),
    [whoSendsHeaders.upSeconds]: String(Math.floor(upSeconds)),
  };
}

/** What a request says of its sender; undefined if it says nothing that can be read. */
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
 * What this host tells of itself.
 * @param machineId path of machine-id(5)
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

/** What this host tells of its boot. */
async function thisBoot(): Promise<string> {
  // random(4): made up by the kernel, or by what runs this container.
  return digestOf((await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim());
}

/** Seconds from the kernel's start: about zero, but in a container, which has the uptime of its host. */
async function firstProcessStartedAt(): Promise<number> {
  const text = await readFile('/proc/1/stat', 'utf8');
  // proc_pid_stat(5), field 22, in ticks of a hundredth; the name, in parentheses, may hold anything.
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[19]) / 100;
}

function digestOf(text: string): string {
  return createHash('sha256').update(`ha-agent alphorn ${text}`).digest('hex').slice(0, 32);
}
