import { join } from 'node:path';

import { Fault } from '../kit/fault.ts';
import { placesOf } from './haproxies/places.ts';
import { makePlainFolder, readPlainFile, replacePlainFile } from './haproxies/plain-files.ts';
import type { AmphoraPaths } from './paths.ts';

/** By which store a change was ordered, and which of its orders it is. Numbers grow. */
export interface Fencing {
  store: string;
  epoch: number;
  revision: number;
}

/** Owners that were removed since the start, and whose late requests are still refused. */
const maxRemembered = 4096;

/** The last order that was taken for each owner. */
export interface Fences {
  /**
   * Takes an order and remembers it, on the disk as well. Calls for one owner must not overlap.
   * Faults: `amphora_order_stale` if a later one was taken, `amphora_order_foreign` if the owner belongs to another
   * store; `amphora_file_foreign`, `no_space`
   */
  take(id: string, fencing: Fencing): Promise<void>;
}

/**
 * Two processes may believe that they are the controller. The one whose orders are later wins, and what the other one has
 * sent before and comes late changes nothing. Controllers that send no order, such as that of OpenStack, are not concerned.
 */
export function makeFences(paths: Pick<AmphoraPaths, 'base'>): Fences {
  const remembered = new Map<string, Fencing>();

  async function last(id: string): Promise<Fencing | undefined> {
    const known = remembered.get(id);
    if (known !== undefined) return known;
    const text = (await readPlainFile(fileOf(paths, id)))?.toString('utf8');
    return text === undefined ? undefined : readFencing(text.trimEnd());
  }

  function remember(id: string, fencing: Fencing): void {
    remembered.delete(id);
    remembered.set(id, fencing);
    const [oldest] = remembered.keys();
    if (remembered.size > maxRemembered && oldest !== undefined) remembered.delete(oldest);
  }

  return {
    async take(id, fencing) {
      const former = await last(id);
      if (former !== undefined) refuseOlder(fencing, former);
      const isStored = (await readPlainFile(fileOf(paths, id))) !== undefined;
      if (!isStored || former === undefined || textOf(former) !== textOf(fencing)) {
        await makePlainFolder(placesOf(paths, id).folder);
        await replacePlainFile(fileOf(paths, id), `${textOf(fencing)}\n`, 0o600);
      }
      remember(id, fencing);
    },
  };
}

/**
 * Reads `STORE EPOCH REVISION`.
 * @returns undefined if it is no such text
 */
export function readFencing(text: string): Fencing | undefined {
  const [, store, epoch, revision] =
    /^([A-Za-z0-9_-]{1,64}) (\d{1,15}) (\d{1,15})$/.exec(text) ?? [];
  return store === undefined
    ? undefined
    : { store, epoch: Number(epoch), revision: Number(revision) };
}

function textOf({ store, epoch, revision }: Fencing): string {
  return `${store} ${epoch} ${revision}`;
}

function fileOf(paths: Pick<AmphoraPaths, 'base'>, id: string): string {
  return join(placesOf(paths, id).folder, 'fencing');
}

function refuseOlder(next: Fencing, former: Fencing): void {
  if (next.store !== former.store) {
    throw new Fault(
      'amphora_order_foreign',
      `It runs the orders of the store ${former.store}. If another controller has taken its place for good, delete the load balancer here without the header X-HA-Fencing first.`,
    );
  }
  const isOlder =
    next.epoch < former.epoch || (next.epoch === former.epoch && next.revision < former.revision);
  if (!isOlder) return;
  throw new Fault(
    'amphora_order_stale',
    `It runs later orders: revision ${former.revision} of epoch ${former.epoch}. If the store was restored from a backup, raise its epoch by 'hactl controller restore'.`,
  );
}
