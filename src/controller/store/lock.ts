import { closeSync, existsSync, openSync } from 'node:fs';

import { Fault, noSpaceOf } from '../../kit/fault.ts';
import { connect } from './connection.ts';
import { mapped, sqliteFailureOf } from './errors.ts';
import type { StorePaths } from './paths.ts';

const busy = 5;

/**
 * Takes the store for this process until the returned function is called, or the process ends in any way. It is a lock of
 * the file system on a file of its own (fcntl(2)), so a file system that several hosts share at once has it for all of
 * them.
 * Faults: `store_in_use`, `no_space`, `store_unavailable`
 */
export function lockStore({ lock, folder }: StorePaths): () => void {
  let connection;
  try {
    // SQLite would make it readable for everybody. An existing one is not opened, because closing it here would end a
    // lock that this process has (fcntl(2)).
    if (!existsSync(lock)) closeSync(openSync(lock, 'a', 0o600));
    connection = connect(lock, { waitMs: 0 });
    // Nothing is written, so this works on a full disk too.
    connection.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    connection?.close();
    if (((sqliteFailureOf(error)?.errcode ?? 0) & 0xff) !== busy) {
      throw noSpaceOf(error, lock) ?? mapped(error, folder);
    }
    throw new Fault(
      'store_in_use',
      `Another process uses the store in ${folder}: a running ha-controller, or a hactl. Stop it first ('systemctl stop ha-controller'), then try again.`,
    );
  }
  const held = connection;
  return () => {
    held.close();
  };
}
