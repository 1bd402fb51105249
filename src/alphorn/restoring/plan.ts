import { Fault } from '../../kit/fault.ts';
import type { AlphornPaths } from '../paths.ts';
import type { Mounts } from '../collecting/walk/mounts.ts';
import type { AttributeStore } from '../format/attributes.ts';
import type { LiferaftFile } from '../format/liferaft-file.ts';
import { hostIdOf } from '../peers/host-id.ts';
import type { AccountsReport } from './accounts/report.ts';
import { restoreAccounts, type RestoredAccounts } from './accounts/restored-accounts.ts';
import { compare } from './diff/compare.ts';
import type { Difference, PlannedPath } from './diff/difference.ts';
import { findOnlyHere, type OnlyHere } from './diff/only-here.ts';
import { listed } from './faults.ts';

/** A liferaft compared with this host. */
export interface LiferaftDiff extends OnlyHere {
  liferaft: string;
  host: { id: string; name: string };
  generation: number;
  /** Paths that differ; the others are only counted. */
  differences: readonly Difference[];
  same: number;
  /** Folders that exist with another mode, owner or list. They stay as they are, unless they are asked for, too. */
  folders: readonly Difference[];
  /** The changes of users and groups, if there are any. */
  accounts?: AccountsReport;
  /** Sentences to read before a restore, if there are any. */
  warnings?: readonly string[];
}

export interface RestoreOptions {
  /** Whether to replace the lists of accounts by the liferaft's; otherwise they are merged with this host's. */
  replaceUsers?: boolean;
  /** Whether to restore also the modes, owners and lists of folders that exist. */
  folders?: boolean;
}

/** What a restore would do, and what it takes to do it. */
export interface RestorePlan {
  accounts: RestoredAccounts;
  planned: PlannedPath[];
  diff: LiferaftDiff;
}

export interface PlanParts {
  paths: AlphornPaths;
  attributes: Pick<AttributeStore, 'read'>;
  mounts: Mounts;
}

/**
 * Finds out what a restore would change.
 * @param chosen paths of the liferaft; all if left out
 * Faults: `path_not_in_liferaft`, `liferaft_damaged`, those of AttributeStore
 */
export async function planRestore(
  name: string,
  opened: LiferaftFile,
  chosen: readonly string[] | undefined,
  { replaceUsers, folders }: RestoreOptions,
  { paths, attributes, mounts }: PlanParts,
): Promise<RestorePlan> {
  const accounts = await restoreAccounts(opened, chosen, paths, replaceUsers);
  const { manifest } = accounts.file;
  const planned = await compare(manifest, chosen, paths, attributes);
  const onlyHere = await findOnlyHere(manifest, chosen, paths, mounts);
  return { accounts, planned, diff: diffOf(name, accounts, planned, onlyHere, folders) };
}

function diffOf(
  name: string,
  { file: { manifest }, report }: RestoredAccounts,
  planned: readonly PlannedPath[],
  onlyHere: OnlyHere,
  withFolders = false,
): LiferaftDiff {
  const existing = planned.flatMap((each) => each.existing?.difference ?? []);
  const all = planned.map((each) =>
    withFolders ? (each.existing?.difference ?? each.difference) : each.difference,
  );
  const differences = all.filter(({ changes, blocked }) => changes.length > 0 || blocked);
  return {
    liferaft: name,
    host: manifest.host,
    generation: manifest.generation,
    differences,
    same: all.length - differences.length,
    folders: withFolders ? [] : existing,
    ...onlyHere,
    ...(report && { accounts: report }),
  };
}

/** Sentences to read before a restore. */
export async function warningsFor(
  { manifest }: LiferaftFile,
  paths: AlphornPaths,
): Promise<string[]> {
  const own = await hostIdOf(paths).catch((error: unknown) => {
    if (error instanceof Fault) return undefined;
    throw error;
  });
  const { id, name } = manifest.host;
  if (own === undefined || own === id) return [];
  return [
    `The liferaft is of another host, ${id} (${name}); this one has the id ${own}. The name, addresses and keys of that host are restored as well.`,
  ];
}

/** Faults: `restore_blocked` */
export function checkBlocks(differences: readonly Difference[]): void {
  const blocked = differences.filter((each) => each.blocked !== undefined);
  if (blocked.length === 0) return;
  throw new Fault(
    'restore_blocked',
    `${blocked.length} of the paths cannot be restored. Nothing was done. Clear the way, or name only the other paths.\n${listed(blocked.map(({ path, blocked: why }) => `${path}: ${why ?? ''}`))}`,
  );
}
