import { Fault } from '../../kit/fault.ts';
import type { Manifest } from '../format/manifest.ts';
import type { Generation } from './retention.ts';

/**
 * A liferaft has to be newer than all of its lineage that are here. One of another lineage takes the place of the latest
 * only if its host says that it was rebuilt, and if it is none of which there were some here: it would be a former one.
 */
export function checkOrder(
  { host, lineage, generation }: Manifest,
  stored: readonly Generation[],
  rebuilt: boolean,
  next: string,
): void {
  const older = (why: string) =>
    new Fault('liferaft_older', `${why} Nothing of it was kept, and what is here stays. ${next}`);
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
      `Host ${host.id} has begun to count its generations anew, and did not say that it was rebuilt.`,
    );
  }
}

/** What a sender does to have an older one taken in, and what who imports one does. */
export const sayRebuilt =
  "If that host was rolled back and its present state is to count, say so on it as root: 'hactl alphorn rebuilt'.";

export const deleteFirst =
  "If this one is to count, first delete those of that host that are here: 'hactl alphorn list' names them, 'hactl alphorn delete NAME...' deletes them.";
