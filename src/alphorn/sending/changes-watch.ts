import { dirname, join } from 'node:path';

import { type FSWatcher, watch } from 'chokidar';

import type { Log } from '../../kit/log.ts';
import { readRemoteMounts } from '../collecting/walk/mounts.ts';
import { unwatchableAmong } from '../collecting/walk/unwatchable.ts';
import type { Rules } from '../collecting/rules.ts';

/**
 * Tells soon that something has changed that a round would find, by the files themselves. What it misses, the next
 * round finds without it: it makes a change known earlier, nothing depends on it.
 *
 * INVARIANTS
 * - After a change it calls when nothing more came for `quietMs`, and at the latest after `longestMs`.
 * - It looks at nothing that the rules leave out.
 */
export interface ChangesWatch {
  /** Follows these rules from now on, or none while nothing is to be sent. A call that throws can be repeated. */
  follow(rules: Rules | undefined): Promise<void>;
  stop(): Promise<void>;
}

const quietMs = 200;
const maxDelayMs = 1000;

/**
 * @param always files that count whatever the rules are; they need not exist
 * @param changed is not called twice for one change
 */
export function makeChangesWatch(
  always: readonly string[],
  changed: () => void,
  log: Log,
): ChangesWatch {
  const settled = afterSilence(changed);
  let followed: Rules | undefined;
  let files: FSWatcher | undefined = open(
    always,
    () => false,
    () => false,
  );
  let inRules: FSWatcher | undefined;
  let isStopped = false;

  /** @param isClosed of what is not to be touched, be it left out or not */
  function open(
    paths: readonly string[],
    isLeftOut: (path: string) => boolean,
    isClosed: (path: string) => boolean,
  ): FSWatcher {
    const isPassed = (path: string) => paths.some((each) => isBelow(each, path));
    const watcher = watch([...paths], {
      ignoreInitial: true,
      followSymlinks: false,
      // On the way to what is not there yet.
      ignored: (path) =>
        isClosed(path) ||
        (!isPassed(path) &&
          (isLeftOut(path) || !paths.some((each) => path === each || isBelow(path, each)))),
    });
    watcher.on('all', settled.begin);
    // Also what chokidar keeps for itself: a change of the mode, and one that follows another at once.
    watcher.on('raw', (_event: string, name: string | null, details: unknown) => {
      const { watchedPath } = details as { watchedPath?: string };
      if (watchedPath === undefined || name === null) return;
      const isOne = [watchedPath, join(watchedPath, name)].some((path) =>
        paths.some((each) => (path === each || isBelow(path, each)) && !isLeftOut(path)),
      );
      if (isOne) settled.begin();
    });
    // Once: where the system has no watches left, each folder has an error of its own.
    let isLogged = false;
    watcher.on('error', (error) => {
      if (isLogged) return;
      isLogged = true;
      log.warn({ error: String(error) }, 'not all files are watched; the interval finds changes');
    });
    return watcher;
  }

  return {
    async follow(rules) {
      if (rules === followed) return;
      const former = inRules;
      inRules = followed = undefined;
      await former?.close();
      const remote = await readRemoteMounts();
      if (isStopped) return;
      if (rules) {
        const isLeftOut = leftOutBy(rules);
        const isClosed = unwatchableAmong(rules.roots, remote, isLeftOut);
        const roots = rules.roots.filter((path) => !isClosed(path));
        inRules = open(roots, isLeftOut, isClosed);
      }
      followed = rules;
    },
    async stop() {
      isStopped = true;
      settled.end();
      const [first, second] = [files, inRules];
      files = inRules = undefined;
      await Promise.all([first?.close(), second?.close()]);
    },
  };
}

/** Whether neither a path nor anything below it can go into a liferaft. */
function leftOutBy(rules: Rules): (path: string) => boolean {
  const includes = rules.sets.flatMap((set) => set.includes);
  return (path) =>
    rules.excludes(path) ||
    !includes.some(
      ({ base, depth }) =>
        path === base || (isBelow(path, base) && levelsBelow(path, base) <= depth),
    );
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder === '/' ? '/' : `${folder}/`);
}

function levelsBelow(path: string, folder: string): number {
  let levels = 0;
  for (let at = path; at !== folder && at !== '/'; at = dirname(at)) levels += 1;
  return levels;
}

function afterSilence(call: () => void): { begin: () => void; end: () => void } {
  let timer: NodeJS.Timeout | undefined;
  let firstAt: number | undefined;
  return {
    begin() {
      const now = performance.now();
      firstAt ??= now;
      clearTimeout(timer);
      timer = setTimeout(
        () => {
          firstAt = undefined;
          call();
        },
        Math.min(quietMs, Math.max(0, firstAt + maxDelayMs - now)),
      );
    },
    end() {
      clearTimeout(timer);
    },
  };
}
