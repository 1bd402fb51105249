import { join } from 'node:path';

import * as z from 'zod';

import { Fault } from '../../kit/fault.ts';
import { readTextIfThere, replaceFile } from '../../kit/files/files.ts';
import { hostName } from '../peers/host-id.ts';
import type { WhoSends } from '../peers/who-sends.ts';

/**
 * Distinguishes a host from a clone of it, which has the same id.
 *
 * INVARIANTS
 * - A host with another machine-id is refused, unless root declared there that its state counts.
 * - If two boots of one machine are alive, the one that began first is accepted. A boot ends before the next one
 *   begins. So if a boot comes back after another followed it, it was alive all along, and the one that followed is a
 *   clone.
 * - A refused host is accepted when nothing was heard from the other for `silentMs`, by this process's own clock.
 * - A host that has no liferaft here is not checked.
 */
export interface CloneCheck {
  /**
   * @param hostId a host that has liferafts here
   * @param who undefined if the sender is of an older version, which does not say
   * Faults: `host_cloned`
   */
  check(hostId: string, who: WhoSends | undefined, address: string): Promise<void>;
  /** Takes this sender for the host from now on. */
  accept(hostId: string, who: WhoSends | undefined, address: string): Promise<void>;
}

/** How long a host counts as alive after it was last heard from. */
export const silentMs = 600_000;
const maxBoots = 16;

const digits = z.string();
const schema = z.strictObject({
  machine: digits,
  boot: digits,
  name: z.string(),
  address: z.string(),
  /** The boots before this one, the last first. */
  formerBoots: z.array(digits),
});
type Known = z.output<typeof schema>;

/**
 * @param folder the folder of the liferafts
 * @param now a monotonic clock in milliseconds
 */
export function makeCloneCheck(
  folder: string,
  now: () => number = () => performance.now(),
): CloneCheck {
  const heardAt = new Map<string, number>();

  async function read(hostId: string): Promise<Known | undefined> {
    const text = await readTextIfThere(join(folder, senderFileName(hostId)));
    if (text === undefined) return undefined;
    try {
      return schema.parse(JSON.parse(text));
    } catch {
      // The file is damaged, so the next sender is taken for the host.
      return undefined;
    }
  }

  async function write(hostId: string, known: Known): Promise<void> {
    heardAt.set(hostId, now());
    if (JSON.stringify(await read(hostId)) === JSON.stringify(known)) return;
    const file = join(folder, senderFileName(hostId));
    try {
      await replaceFile(file, JSON.stringify(known), 0o600);
    } catch (error) {
      // The former file stays, and the next check uses it. A full disk is no reason to refuse the host.
      if (!(error instanceof Fault) || error.code !== 'no_space') throw error;
    }
  }

  return {
    async check(hostId, who, address) {
      const known = await read(hostId);
      if (known === undefined || who === undefined) return;
      const { machine, boot, name, upSeconds } = who;
      const is = { machine, boot, name, address };
      if (machine !== known.machine) throw cloned(hostId, known, is, 'machine-id');
      const silentFor = now() - (heardAt.get(hostId) ?? -Infinity);
      if (boot === known.boot) {
        await write(hostId, { ...known, ...is });
      } else if (known.formerBoots.includes(boot)) {
        // It was alive all along.
        const formerBoots = known.formerBoots.slice(known.formerBoots.indexOf(boot) + 1);
        await write(hostId, { ...is, formerBoots });
      } else if (upSeconds * 1000 < silentFor || silentFor > silentMs) {
        const formerBoots = [known.boot, ...known.formerBoots].slice(0, maxBoots);
        await write(hostId, { ...is, formerBoots });
      } else {
        throw cloned(hostId, known, is, 'boot');
      }
    },
    async accept(hostId, who, address) {
      if (who === undefined) return;
      const { machine, boot, name } = who;
      const known = await read(hostId);
      const isSame = known?.machine === machine && known.boot === boot;
      const formerBoots = isSame ? known.formerBoots : [];
      await write(hostId, { machine, boot, name, address, formerBoots });
    },
  };
}

/** The name of the file that says who sends a host's liferafts. */
export function senderFileName(hostId: string): string {
  return `sender_${hostId}.json`;
}

/** Another host has the id of this host, to which it sends. */
export function cloneOfThisHost(hostId: string, name: string, address: string): Fault {
  return new Fault(
    'host_cloned',
    `${name} (${address}) has the id ${hostId}, which is this host's own (${hostName()}). Nothing of it was stored. ${ownIdHint}`,
  );
}

const ownIdHint =
  "Give one of the two an id of its own: 'zgenhostid' writes /etc/hostid; without that file, the id comes from /etc/machine-id ('systemd-machine-id-setup').";

function cloned(
  hostId: string,
  known: Pick<Known, 'name' | 'address'>,
  is: Pick<Known, 'name' | 'address'>,
  what: 'machine-id' | 'boot',
): Fault {
  return new Fault(
    'host_cloned',
    `Two hosts have the id ${hostId}: ${known.name} (${known.address}), whose liferafts are stored here, and ${is.name} (${is.address}), which has another ${what}. Nothing from ${is.name} was stored, and what is here stays. ${ownIdHint} If this is the same host after it was rebuilt, run 'hactl alphorn rebuilt' there as root.`,
  );
}
