import type { Difference } from '../../../alphorn/restoring/diff/difference.ts';
import type { LiferaftDiff } from '../../../alphorn/restoring/plan.ts';
import { print, warn } from '../print.ts';

/** Prints what differs from the liferaft and is not restored. */
export function printWhatStays({ folders, onlyHere, onlyHereMore }: LiferaftDiff): void {
  if (folders.length > 0)
    print('These folders stay as they are; --folders restores their modes and owners:');
  printDifferences(folders);
  if (onlyHere === null) {
    warn(
      "It is not known which paths exist only on this host, because its rules in /etc/alphorn/manifest.d are wrong: 'hactl alphorn status' shows what to correct.",
    );
  } else if (onlyHere.length > 0) print('These exist only on this host, and stay:');
  for (const path of onlyHere ?? []) print(path);
  if (onlyHereMore > 0) print(`and ${onlyHereMore} more`);
}

/** Prints what a restore changes, a line for each path. */
export function printDifferences(differences: readonly Difference[]): void {
  for (const { path, changes, here, liferaft, blocked, lost } of differences) {
    const texts = changes.map((change) => {
      if (change === 'mode') return `mode ${here?.mode ?? ''} -> ${liferaft.mode ?? ''}`;
      if (change === 'owner') return `owner ${here?.owner ?? ''} -> ${liferaft.owner ?? ''}`;
      if (change === 'acl') return `acl ${here?.acl ?? 'none'} -> ${liferaft.acl ?? 'none'}`;
      if (change === 'target') return `target ${here?.target ?? ''} -> ${liferaft.target ?? ''}`;
      return change === 'create' ? `create ${liferaft.kind}` : change;
    });
    print(`${path}: ${texts.join(', ')}`);
    if (lost !== undefined) print(`  without: ${lost}`);
    if (blocked !== undefined) print(`  cannot be restored: ${blocked}`);
  }
}
