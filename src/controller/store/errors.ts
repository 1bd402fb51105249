import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';

import { Fault } from '../../kit/fault.ts';

/** What SQLite says of a failed call. The codes are those of sqlite.org/rescode.html. */
export interface SqliteFailure {
  /** The extended code. Its lowest byte is the primary one. */
  errcode: number;
  message: string;
}

const primary = {
  permission: 3,
  busy: 5,
  locked: 6,
  readOnly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  noDatabase: 26,
} as const;

/** SQLITE_FULL comes from a write. A file that cannot be opened or grown has another code. */
const mayBeNoRoom: readonly number[] = [primary.io, primary.cannotOpen, primary.full];
const away: readonly number[] = [
  primary.permission,
  primary.busy,
  primary.locked,
  primary.readOnly,
  primary.io,
  primary.cannotOpen,
];

/** The failure in an error of node:sqlite; undefined for any other error. */
export function sqliteFailureOf(error: unknown): SqliteFailure | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined;
  const { errcode, message } = error;
  return typeof errcode === 'number' ? { errcode, message } : undefined;
}

/**
 * What to throw for a failure of SQLite. A code that speaks of no disk, such as that of a constraint, is an error of the
 * caller and no fault.
 * @param folder the folder of the store
 * @returns a fault `no_space`, `store_damaged` or `store_unavailable`; an Error for other codes
 */
export function errorOf({ errcode, message }: SqliteFailure, folder: string): Error {
  const code = errcode & 0xff;
  if (code === primary.full || (mayBeNoRoom.includes(code) && isFull(folder))) {
    return new Fault(
      'no_space',
      `The store in ${folder} could not be written: its disk is full. Nothing was changed. See 'df' and 'df -i', make room there, then try again.`,
    );
  }
  if (code === primary.corrupt || code === primary.noDatabase) {
    return new Fault(
      'store_damaged',
      `The store in ${folder} is damaged (${message}). Stop ha-controller, then restore a backup with 'hactl controller restore'.`,
    );
  }
  if (away.includes(code)) {
    return new Fault(
      'store_unavailable',
      `The store in ${folder} cannot be used now (${message}). Nothing was changed. See whether its disk is there and writable ('findmnt -T ${folder}', 'journalctl -k'), then try again.`,
    );
  }
  return new Error(`SQLite refused a statement with code ${errcode}: ${message}`);
}

/**
 * What to throw for a failure of a copy of the store, which may lie on another disk.
 * @param folder the folder of the store
 * @param to the path of the copy
 */
export function errorOfCopy(failure: SqliteFailure, folder: string, to: string): Error {
  const code = failure.errcode & 0xff;
  if (code === primary.full || (mayBeNoRoom.includes(code) && isFull(dirname(to)))) {
    return new Fault(
      'no_space',
      `The copy ${to} of the store could not be written: its disk is full. The store is as it was. See 'df' and 'df -i', make room there, then try again.`,
    );
  }
  if (!away.includes(code)) return errorOf(failure, folder);
  return new Fault(
    'store_unavailable',
    `The store in ${folder} cannot be copied to ${to} now (${failure.message}). Nothing was changed. See whether both disks are there and the second is writable ('findmnt -T ${dirname(to)}', 'journalctl -k'), then try again.`,
  );
}

/** As errorOf, for anything that was thrown. Other errors stay as they are. */
export function mapped(error: unknown, folder: string): unknown {
  const failure = sqliteFailureOf(error);
  return failure ? errorOf(failure, folder) : error;
}

/** Runs work on SQLite. Faults: those of errorOf, those of the work */
export function orStoreFault<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw mapped(error, folder);
  }
}

function isFull(folder: string): boolean {
  try {
    const { bavail, ffree, files } = statfsSync(folder);
    return bavail === 0 || (files > 0 && ffree === 0);
  } catch {
    return false;
  }
}
