import { dirname, join } from 'node:path';

import { type FSWatcher, watch } from 'chokidar';

import type { Log } from '../../kit/log.ts';
import { readRemoteMounts } from '../collecting/walk/mounts.ts';
import { unwatchableAmong } from '../collecting/walk/unwatchable.ts';
import type { Rules } from '../collecting/rules.ts';

/**
 * Watches files, and soon reports a change that a round would find. The next round finds what it misses: the watch only
 * makes changes known earlier, and nothing depends on it.
 *
 * INVARIANTS
 * - It reports a change when nothing more has changed for `quietMs`, and after `maxDelayMs` at the latest.
 * - It does not look at what the rules leave out.
 */
export interface ChangesWatch {
  /** Uses these rules from now on; undefined while nothing is sent. A call that throws can be repeated. */
  follow(rules: Rules | undefined): Promise<void>;
  stop(): Promise<void>;
}

const quietMs = 200;
const maxDelayMs = 1000;

/**
 * @param always files that are watched regardless of the rules; they may be missing
 * @param changed is called once for each change
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

  /** @param isClosed tells what must not be touched, whether or not the rules include it */
  function open(
    paths: readonly string[],
    isLeftOut: (path: string) => boolean,
    isClosed: (path: string) => boolean,
  ): FSWatcher {
    const isPassed = (path: string) => paths.some((each) => isBelow(each, path));
    const watcher = watch([...paths], {
      ignoreInitial: true,
      followSymlinks: false,
      // Folders on the way are watched, because the path may be missing yet.
      ignored: (path) =>
        isClosed(path) ||
        (!isPassed(path) &&
          (isLeftOut(path) || !paths.some((each) => path === each || isBelow(path, each)))),
    });
    watcher.on('all', settled.begin);
    // chokidar does not report a change of the mode, nor one that follows another at once.
    watcher.on('raw', (_event: string, name: string | null, details: unknown) => {
      const { watchedPath } = details as { watchedPath?: string };
      if (watchedPath === undefined || name === null) return;
      const isOne = [watchedPath, join(watchedPath, name)].some((path) =>
        paths.some((each) => (path === each || isBelow(path, each)) && !isLeftOut(path)),
      );
      if (isOne) settled.begin();
    });
    // Logged only once: if the system has no watches left, each folder causes an error.
    let isLogged = false;
    watcher.on('error', (error) => {
      if (isLogged) return;
      isLogged = true;
      log.warn({ error: String(error) }, 'not all files are watched; the next round finds changes');
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
