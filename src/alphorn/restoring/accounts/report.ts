import type { Handover } from './handover.ts';
import type { AccountChange } from './merge/changes.ts';
import type { RangeChange } from './merge/ranges.ts';

/** What a restore does to users and groups, and to what is theirs on this host. */
export interface AccountsReport {
  /** Whether accounts that only this host has stay, or the liferaft's lists replace those of this host. */
  mode: 'merge' | 'replace';
  changes: readonly AccountChange[];
  ranges: readonly RangeChange[];
  /** Files outside of the liferaft that go with their account to its new number. */
  handedOver: FileList;
  /** Files outside of the liferaft whose account vanishes. */
  orphaned: FileList;
  search: {
    /** What was searched for these files. */
    where: string;
    looked: number;
    /** Whether that was all of it. */
    complete: boolean;
  };
  /** Units that will fail (217/USER, 216/GROUP), for they run as an account that is not there then. */
  units: readonly { path: string; account: string }[];
}

export interface FileList {
  total: number;
  /** The first of them, by path; owners in numbers. */
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

/** What root should know before a restore is carried out, in a sentence each. */
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
          `These vanish from this host: ${listed(names)}. Files outside of the liferaft that nobody owns then: ${orphaned.total}.`,
        ]
      : []),
    ...units.map(
      ({ path, account }) =>
        `${path} will fail, for it runs as the ${account}, which is not there.`,
    ),
    ...(inherited.length > 0
      ? [
          `These get the number of an account that vanishes, and with it the files that are not handed over: ${listed(inherited)}.`,
        ]
      : []),
    ...(ranges.length > 0
      ? [
          `These get other subordinate ids, and what their containers own keeps its numbers: ${listed(ranges.map(({ file, name, here, after }) => `${name} (${file}: ${here} -> ${after})`))}.`,
        ]
      : []),
    ...(isMoved
      ? [
          'Some accounts get another number. Restart this host when the restore has ended: what runs has the former ones.',
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
