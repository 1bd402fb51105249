import { Fault } from '../../kit/fault.ts';
import type { Manifest } from '../format/manifest.ts';
import type { Generation } from './retention.ts';

/**
 * Checks that a liferaft may replace the latest. It must be newer than all of its lineage that are here. Another
 * lineage is accepted only if the host says that it was rebuilt, and if nothing of that lineage is here: that would be
 * a former one.
 * @param next the sentence that says what to do
 * Faults: `liferaft_older`
 */
export function checkOrder(
  { host, lineage, generation }: Manifest,
  stored: readonly Generation[],
  rebuilt: boolean,
  next: string,
): void {
  const older = (why: string) =>
    new Fault('liferaft_older', `${why} Nothing of it was stored, and what is here stays. ${next}`);
  const latest = stored.find(({ isLatest }) => isLatest);
  const ofLineage = stored.filter((each) => each.lineage === lineage);
  const newest = Math.max(0, ...ofLineage.map((each) => each.generation));
  if (generation <= newest) {
    throw older(`Generation ${newest} of host ${host.id} is here, and this is its ${generation}.`);
  }
  if (latest === undefined || latest.lineage === lineage) return;
  if (ofLineage.length > 0) {
    throw older(`Host ${host.id} was rebuilt since it made this one.`);
  }
  if (!rebuilt) {
    throw older(
      `Host ${host.id} has begun a new count of generations, but did not say that it was rebuilt.`,
    );
  }
}

/** What to do so that an older liferaft is accepted: on the host that sends it, and where it is imported. */
export const sayRebuilt =
  "If that host was rolled back and its present state counts, run 'hactl alphorn rebuilt' there as root.";

export const deleteFirst =
  "If this one counts, first delete the liferafts of that host that are here: 'hactl alphorn list' names them, 'hactl alphorn delete NAME...' deletes them.";
