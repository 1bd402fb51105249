import type { Handover } from './handover.ts';
import type { AccountChange } from './merge/changes.ts';
import type { RangeChange } from './merge/ranges.ts';

/** What a restore does to users, groups, and their files on this host. */
export interface AccountsReport {
  /** `merge`: accounts that only this host has stay. `replace`: the liferaft's lists replace those of this host. */
  mode: 'merge' | 'replace';
  changes: readonly AccountChange[];
  ranges: readonly RangeChange[];
  /** Files outside of the liferaft that get the new number of their account. */
  handedOver: FileList;
  /** Files outside of the liferaft whose account vanishes. */
  orphaned: FileList;
  search: {
    /** Where these files were searched for. */
    where: string;
    looked: number;
    /** Whether everything there was searched. */
    complete: boolean;
  };
  /** Units that will fail (217/USER, 216/GROUP), because their account will not exist. */
  units: readonly { path: string; account: string }[];
}

export interface FileList {
  total: number;
  /** The first of them, by path, with the numbers of their owners. */
  first: readonly { path: string; owner: string; after: string }[];
}

const maxListed = 1000;

export function listOf(handovers: readonly Handover[]): FileList {
  const first = handovers.slice(0, maxListed).map(({ path, before, after }) => ({
    path,
    owner: ownerText(before),
    after: ownerText(after),
  }));
  return { total: handovers.length, first };
}

export function ownerText({ uid, gid }: Handover['before']): string {
  return `${uid}:${gid}`;
}

/** Sentences that root should read before a restore is carried out. */
export function warningsOf({ changes, ranges, orphaned, search, units }: AccountsReport): string[] {
  const gone = changes.filter(({ change }) => change === 'vanishes');
  const names = gone.map(({ kind, name }) => `${kind} ${name}`);
  const inherited = gone.flatMap(({ kind, name, heir }) =>
    heir === undefined ? [] : [`${kind} ${heir} (from ${name})`],
  );
  const isMoved = changes.some(({ change }) => change === 'renumbered');
  return [
    ...(names.length > 0
      ? [
          `These accounts vanish from this host: ${listed(names)}. Files outside of the liferaft that will have no owner: ${orphaned.total}.`,
        ]
      : []),
    ...units.map(
      ({ path, account }) => `${path} will fail: it runs as the ${account}, which will not exist.`,
    ),
    ...(inherited.length > 0
      ? [
          `These accounts get the number of one that vanishes, and so own its remaining files: ${listed(inherited)}.`,
        ]
      : []),
    ...(ranges.length > 0
      ? [
          `These accounts get other subordinate ids, but files of their containers keep their numbers: ${listed(ranges.map(({ file, name, here, after }) => `${name} (${file}: ${here} -> ${after})`))}.`,
        ]
      : []),
    ...(isMoved
      ? [
          'Some accounts get another number. Restart this host after the restore, because running processes keep the former numbers.',
        ]
      : []),
    ...(search.complete
      ? []
      : [
          `The search for files of accounts that change was not complete: it covers ${search.where}. 'find / -nouser -o -nogroup' finds the rest afterwards.`,
        ]),
  ];
}

function listed(names: readonly string[]): string {
  const more = names.length > 20 ? `, and ${names.length - 20} more` : '';
  return names.slice(0, 20).join(', ') + more;
}
