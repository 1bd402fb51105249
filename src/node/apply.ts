import { readFile, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Fault, systemErrorCode } from '../kit/fault.ts';
import {
  ifThere,
  makeFolder,
  readTextIfThere,
  removeTemporaries,
  replaceFile,
  syncFolder,
} from '../kit/files/files.ts';
import type { Log } from '../kit/log.ts';
import { textDifferencesOf } from '../keepalived/rendered.ts';
import { differencesOf } from '../keepalived/running.ts';
import type { KeepalivedProcess } from '../keepalived/state.ts';
import type { NodeService } from './host/service.ts';
import type { Applied } from './state.ts';

export interface LoaderParts {
  /** The configuration of keepalived. */
  file: string;
  /** The text for it. */
  render: (applied: Applied) => Promise<string>;
  /** Whether the administrator's file is a part of it. */
  isIncluding: boolean;
  /** Has keepalived read a file. Faults: `keepalived_config_refused`, those of Run */
  check: (file: string) => Promise<void>;
  keepalived: KeepalivedProcess;
  service: NodeService;
  log: Log;
}

/** Brings configurations to keepalived. Calls must not overlap. */
export interface Loader {
  /**
   * Writes the file next to its place, reads it back, and has keepalived read it.
   * Faults: `keepalived_config_refused`, those of Run
   */
  test(next: Applied): Promise<void>;
  /**
   * Puts the file in its place, and has keepalived run it.
   * @returns a short text for each difference of what runs then; empty if there is none
   * Faults: `service_failed`, `no_space`, those of Run
   */
  load(applied: Applied): Promise<string[]>;
  /** Whether the file is as it should be. */
  isInPlace(applied: Applied): Promise<boolean>;
  /** What keepalived runs differently at the moment; undefined if it does not answer. */
  differences(applied: Applied): Promise<string[] | undefined>;
  /** Has a running keepalived read its file again. @returns whether it runs */
  reload(): Promise<boolean>;
  /** Stops keepalived and removes its file. Faults: `service_failed`, those of Run */
  clear(): Promise<void>;
}

/** keepalived looks up the name of the host when it starts, and that may take 10 s in each process. */
const startMs = 30_000;
/** A reload tests the file first, and starts nothing. */
const reloadMs = 10_000;
const lookEveryMs = 25;

export function makeLoader(parts: LoaderParts): Loader {
  const { file, render, keepalived, service, isIncluding } = parts;
  const candidate = `${file}.new`;
  const folder = dirname(file);
  /** The file that was as it should be. */
  let seen: { applied: Applied; stamp: string } | undefined;

  async function differences(applied: Applied): Promise<string[] | undefined> {
    const { wanted, refreshSeconds } = applied;
    if (isEmpty(applied)) return (await keepalived.pid()) === undefined ? [] : ['it runs'];
    const instances = await keepalived.instances();
    const options = { refreshSeconds, mayHaveOthers: isIncluding };
    return instances && differencesOf(instances, wanted, options);
  }

  /** keepalived has nothing to run without an instance, and answers no signal then. */
  function isEmpty({ wanted }: Applied): boolean {
    return wanted.instances.length === 0 && !isIncluding;
  }

  async function put(text: string): Promise<void> {
    await makeFolder(folder);
    await removeTemporaries(folder);
    if ((await readTextIfThere(file)) === text) return;
    await replaceFile(file, text, 0o600);
  }

  async function reload(): Promise<boolean> {
    const pid = await keepalived.pid();
    if (pid === undefined) return false;
    try {
      // systemctl would be a process, and would do the same.
      return process.kill(pid, 'SIGHUP');
    } catch (error) {
      if (systemErrorCode(error) === 'ESRCH') return false;
      throw error;
    }
  }

  async function settle(applied: Applied, isReloaded: boolean): Promise<string[]> {
    const startedAt = performance.now();
    for (;;) {
      const different = await differences(applied);
      if (different?.length === 0) return [];
      const isOver = performance.now() - startedAt > (isReloaded ? reloadMs : startMs);
      if (isOver) return different ?? ['it does not answer'];
      // A start that fails is over at once, and systemd would try again for ever.
      if (!isReloaded && different === undefined && !(await service.isStarting())) {
        return ['it does not run'];
      }
      await sleep(isReloaded ? lookEveryMs : 4 * lookEveryMs);
    }
  }

  return {
    differences,
    reload,
    async test(next) {
      await makeFolder(folder);
      await replaceFile(candidate, await render(next), 0o600);
      try {
        refuseOther(await readFile(candidate, 'utf8'), next);
        await parts.check(candidate);
      } finally {
        await rm(candidate, { force: true });
      }
    },
    async load(applied) {
      if (isEmpty(applied)) {
        await put(await render(applied));
        await service.stop();
        return [];
      }
      await put(await render(applied));
      const isReloaded = await reload();
      if (!isReloaded) await service.start();
      const different = await settle(applied, isReloaded);
      // After a reboot it has to run without the agent and the controller.
      if (different.length === 0) await service.enable();
      return different;
    },
    async isInPlace(applied) {
      const stamp = await stampOf(file);
      if (seen?.applied === applied && seen.stamp === stamp && stamp !== '') return true;
      const found = await ifThere(readFile(file, 'utf8'), ['ENOENT', 'EISDIR', 'ENOTDIR']);
      const isSame = found === (await render(applied));
      seen = isSame ? { applied, stamp } : undefined;
      return isSame;
    },
    async clear() {
      await service.stop();
      await rm(file, { force: true });
      await ifThere(syncFolder(folder));
    },
  };
}

/** Faults: `keepalived_config_refused` */
function refuseOther(text: string, { wanted, refreshSeconds }: Applied): void {
  const different = textDifferencesOf(text, wanted, refreshSeconds);
  if (different.length === 0) return;
  throw new Fault(
    'keepalived_config_refused',
    `The file for keepalived is not what was ordered: ${different.slice(0, 5).join('; ')}.`,
  );
}

async function stampOf(path: string): Promise<string> {
  const found = await ifThere(stat(path, { bigint: true }));
  return found ? `${found.ino} ${found.mtimeNs} ${found.ctimeNs} ${found.size}` : '';
}
