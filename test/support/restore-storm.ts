import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import sinon from 'sinon';

import { type StormCounts, StormHost, type StormOptions } from './storm-host.ts';

// Hosts on which restores and undos are killed at random points. Meanwhile others change files by hand, the disk
// becomes full, and the clock moves forward and back. After each step:
//
// - each file and link is in its former state, in the state of a liferaft or in that of a change by hand, and never in
//   between;
// - everything that was reported as done is done;
// - no content is lost, neither from its path nor from the saved copies, except what a change by hand overwrote.

const run = promisify(execFile);
const stepsPerHost = 12;

/**
 * @param folder the folder for the hosts; the caller must be allowed to mount
 * @throws {Error} with the host and its steps
 */
export async function restoreStorm(folder: string, options: StormOptions): Promise<StormCounts> {
  const counts: StormCounts = {
    killed: 0,
    bySignal: 0,
    restored: 0,
    undone: 0,
    refused: 0,
    byHand: 0,
    fullDisk: 0,
    clock: 0,
  };
  for (let number = 1; counts.killed < options.kills; number += 1) {
    const place = join(folder, `host${number}`);
    await mkdir(place);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=700', 'tmpfs', place]);
    const clock = sinon.useFakeTimers({ now: Date.now(), toFake: ['Date'] });
    const host = await StormHost.make(place, options, counts);
    try {
      for (let step = 0; step < stepsPerHost; step += 1) await host.next(clock);
      await host.end();
    } catch (error) {
      const steps = host.log.join('\n  ');
      throw new Error(`host ${number}:\n  ${steps}\n${(error as Error).message}`, { cause: error });
    } finally {
      clock.restore();
      await run('umount', [place]);
    }
  }
  return counts;
}
