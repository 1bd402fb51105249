import { chmod, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import * as z from 'zod';

import { makeFolder, readTextIfThere, replaceFile, syncFolder } from '../kit/files/files.ts';
import type { Orders } from '../keepalived/report.ts';
import { renderedAddresses } from '../keepalived/render.ts';
import { interfaceName, readWanted } from '../keepalived/wanted-schema.ts';
import type { WantedKeepalived } from '../keepalived/wanted.ts';

/** What a node was ordered to do. */
export interface Applied {
  orders: Orders;
  wanted: WantedKeepalived;
  /** Interfaces on which other routers are listened for. */
  watch: readonly string[];
  /** `garp_master_refresh` in the file, by which a reload is recognised. */
  refreshSeconds: number;
  /** Whether another store may take over, as root on this host has said. */
  isReleased?: boolean | undefined;
}

/** An address that this node has set once, by keepalived. */
export interface OwnedAddress {
  interface: string;
  address: string;
}

/**
 * INVARIANTS
 * - `current` is what keepalived ran last. `pending` is what it is being brought to; keepalived has accepted its file.
 * - Each is one file that is replaced whole. Accepting renames the second to the first.
 */
export interface NodeState {
  current(): Applied | undefined;
  pending(): Applied | undefined;
  owned(): readonly OwnedAddress[];
  begin(next: Applied): Promise<void>;
  accept(): Promise<void>;
  giveUp(): Promise<void>;
  /** Remembers the orders of what runs already. */
  renumber(orders: Applied): Promise<void>;
  setOwned(addresses: readonly OwnedAddress[]): Promise<void>;
  forget(): Promise<void>;
}

export const ordersSchema = z.strictObject({
  store: z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'must be the identity of a store'),
  epoch: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  revision: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  digest: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal'),
});
export const watchSchema = z.array(interfaceName).max(256);

const appliedSchema = z.strictObject({
  orders: ordersSchema,
  wanted: z.unknown(),
  watch: watchSchema,
  refreshSeconds: z.number().int().min(1).max(3600),
  isReleased: z.boolean().optional(),
});
const ownedSchema = z.array(z.strictObject({ interface: interfaceName, address: z.string() }));

/** The addresses that keepalived sets for this, in the text of its file. */
export function ownedBy(wanted: WantedKeepalived | undefined): OwnedAddress[] {
  return (wanted?.instances ?? []).flatMap((instance) =>
    renderedAddresses(instance).map((address) => ({ interface: instance.interface, address })),
  );
}

/** Reads what a former process left. Faults: `no_space` */
export async function openNodeState(folder: string): Promise<NodeState> {
  const files = {
    current: join(folder, 'orders.json'),
    pending: join(folder, 'pending.json'),
    owned: join(folder, 'addresses.json'),
  };
  await makeFolder(folder);
  // systemd makes it for everybody.
  await chmod(folder, 0o700);
  let current = await readApplied(files.current);
  let pending = await readApplied(files.pending);
  let owned = await readOwned(files.owned);
  const write = (path: string, value: unknown) =>
    replaceFile(path, `${JSON.stringify(value)}\n`, 0o600);
  return {
    current: () => current,
    pending: () => pending,
    owned: () => owned,
    async begin(next) {
      await write(files.pending, next);
      pending = next;
    },
    async accept() {
      await rename(files.pending, files.current);
      await syncFolder(folder);
      current = pending;
      pending = undefined;
    },
    async giveUp() {
      await rm(files.pending, { force: true });
      await syncFolder(folder);
      pending = undefined;
    },
    async renumber(applied) {
      await write(files.current, applied);
      current = applied;
    },
    async setOwned(addresses) {
      await write(files.owned, addresses);
      owned = addresses;
    },
    async forget() {
      for (const file of [files.pending, files.current, files.owned])
        await rm(file, { force: true });
      await syncFolder(dirname(files.current));
      [current, pending, owned] = [undefined, undefined, []];
    },
  };
}

/** @returns undefined for a file that this program has not written */
async function readApplied(path: string): Promise<Applied | undefined> {
  const read = appliedSchema.safeParse(parsed(await readTextIfThere(path)));
  if (!read.success) return undefined;
  try {
    return { ...read.data, wanted: readWanted(read.data.wanted) };
  } catch {
    return undefined;
  }
}

async function readOwned(path: string): Promise<readonly OwnedAddress[]> {
  const read = ownedSchema.safeParse(parsed(await readTextIfThere(path)));
  return read.success ? read.data : [];
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
