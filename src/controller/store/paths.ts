import { join } from 'node:path';

/** The files of a store in its folder. */
export interface StorePaths {
  folder: string;
  /** SQLite's file. Its `-wal` and `-shm` lie beside it while it is open. */
  file: string;
  /** Which numbers were given out. It is never restored, so that no number is given out twice. */
  numbers: string;
  /** Whoever has this file locked has the store. */
  lock: string;
  /** Copies from before each migration and each restore. */
  copies: string;
  /** The backup that a liferaft takes. It is replaced while the controller runs. */
  backup: string;
}

export function storePaths(folder: string): StorePaths {
  return {
    folder,
    file: join(folder, 'store.db'),
    numbers: join(folder, 'numbers.json'),
    lock: join(folder, 'store.lock'),
    copies: join(folder, 'copies'),
    backup: join(folder, 'backup', 'store.db'),
  };
}
