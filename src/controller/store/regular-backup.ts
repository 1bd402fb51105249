import { makeSerializer } from '../../kit/concurrency/serialize.ts';
import type { Log } from '../../kit/log.ts';
import type { LocalStore } from './open.ts';

const lookMs = 60_000;
const pauseMs = 10 * 60_000;

/** The backup beside the store, which liferafts take. */
export interface RegularBackup {
  /** Replaces it now. @returns when it is on the disk. Faults: those of LocalStore.backup */
  make(): Promise<void>;
  start(): void;
  /** Replaces it once more if something has changed. */
  stop(): Promise<void>;
}

/** Replaces the backup within some ten minutes after a change. @param path of the backup */
export function makeRegularBackup(store: LocalStore, path: string, log: Log): RegularBackup {
  const serialize = makeSerializer();
  let timer: NodeJS.Timeout | undefined;
  let madeAt = -Infinity;
  let copied = -1;

  const make = () =>
    serialize(async () => {
      const commits = store.commits();
      await store.backup(path);
      copied = commits;
      madeAt = performance.now();
    });
  const makeOrLog = async () => {
    if (store.commits() === copied) return;
    await make().catch((error: unknown) => {
      log.error({ path, error: (error as Error).message }, 'the store was not backed up');
    });
  };
  return {
    make,
    start() {
      timer = setInterval(() => {
        if (performance.now() - madeAt >= pauseMs) void makeOrLog();
      }, lookMs);
      void makeOrLog();
    },
    async stop() {
      clearInterval(timer);
      await makeOrLog();
    },
  };
}
