import { join } from 'node:path';

import { z } from 'zod';

import { Fault } from '../../kit/fault.ts';
import { readTextIfThere, replaceFile } from '../../kit/files/files.ts';
import { hostName } from '../peers/host-id.ts';
import type { WhoSends } from '../peers/who-sends.ts';

/**
 * Tells a host from a clone of it, which has the same id.
 *
 * INVARIANTS
 * - A host with another machine-id is refused, unless root said there that it is the one that counts.
 * - Of two boots of one machine that both live, the one that began first stays. A boot is only followed by another:
 *   one that comes back after it was followed has lived all along, so what followed it is a clone.
 * - Who is refused gets in when the other one was not heard of for `silentMs`; no clock but this process's own counts.
 * - A host of which nothing is kept here is not looked at.
 */
export interface CloneCheck {
  /**
   * @param hostId whose liferafts are kept here
   * @param who undefined if it does not say, which an older version does not
   * Faults: `host_cloned`
   */
  check(hostId: string, who: WhoSends | undefined, address: string): Promise<void>;
  /** Takes whoever it is for the host from now on. */
  accept(hostId: string, who: WhoSends | undefined, address: string): Promise<void>;
}

/** For how long a host that was heard of is taken to live. */
export const silentMs = 600_000;
const maxBoots = 16;

const digits = z.string();
const schema = z.strictObject({
  machine: digits,
  boot: digits,
  name: z.string(),
  address: z.string(),
  /** Boots that this one followed, the last first. */
  formerBoots: z.array(digits),
});
type Known = z.output<typeof schema>;

/**
 * @param folder of the liferafts
 * @param now milliseconds of a clock that is never set
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
      // Damaged: whoever comes next is the host.
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
      // Then the host is judged by what was known of it before; a full disk is no reason to refuse it.
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
        // It lived all along.
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

/** Of the file that says who sends a host's liferafts. */
export function senderFileName(hostId: string): string {
  return `sender_${hostId}.json`;
}

/** Of another host that has the id of the one which it sends to. */
export function cloneOfThisHost(hostId: string, name: string, address: string): Fault {
  return new Fault(
    'host_cloned',
    `${name} (${address}) has the id ${hostId}, which is this host's own (${hostName()}). Nothing of it was kept. ${ownIdHint}`,
  );
}

const ownIdHint =
  "Give one of the two an id of its own: 'zgenhostid' writes /etc/hostid; without that file it is made of /etc/machine-id ('systemd-machine-id-setup').";

function cloned(
  hostId: string,
  known: Pick<Known, 'name' | 'address'>,
  is: Pick<Known, 'name' | 'address'>,
  what: 'machine-id' | 'boot',
): Fault {
  return new Fault(
    'host_cloned',
    `Two hosts have the id ${hostId}: ${known.name} (${known.address}), whose liferafts are kept here, and ${is.name} (${is.address}), which has another ${what}. Nothing of ${is.name} was kept, and what is here stays. ${ownIdHint} If this is the same host after it was rebuilt, say so on it as root: 'hactl alphorn rebuilt'.`,
  );
}
