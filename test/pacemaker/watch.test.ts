import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { type ClusterWatch, makeClusterWatch } from '../../src/pacemaker/watch.ts';
import { keepingLog } from '../support/keeping-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('the watch on the cluster', () => {
  const folder = temporaryFolder();
  let watch: ClusterWatch | undefined;
  afterEach(() => watch?.stop());

  /** The watch over real files, with a clock that the test sets and a crm_mon that the test simulates. */
  async function bench(more: { silenceMs?: number } = {}) {
    const cibFile = join(folder.path, 'cib', 'cib.xml');
    const runtimeFolder = join(folder.path, 'run');
    await mkdir(join(folder.path, 'cib'));
    await writeFile(cibFile, '<cib/>');
    const clock = { ms: 100_000 };
    const started: { argv: readonly string[]; end: () => void; stops: number }[] = [];
    const made = makeClusterWatch({
      startResident: (argv) => {
        const crmMon = { argv, end: () => {}, stops: 0 };
        started.push(crmMon);
        return {
          ended: new Promise((resolve) => (crmMon.end = resolve)),
          write: () => undefined,
          stop: () => {
            crmMon.stops += 1;
            crmMon.end();
          },
        };
      },
      runtimeFolder,
      cibFile,
      log: keepingLog().log,
      ...more,
      now: () => clock.ms,
    });
    watch = made;
    await made.start();
    await until(() => started.length === 1);
    const page = join(runtimeFolder, 'crm_mon.html');
    /** Whether a reading of this moment is still valid after this many milliseconds. */
    const holdsFor = (ms: number) => {
      const startedAt = clock.ms;
      clock.ms += ms;
      const holds = made.holds(startedAt);
      clock.ms = startedAt;
      return holds;
    };
    /** Writes the file until the watch notices it, because a watch on files takes a moment to begin. */
    const noticed = async (path: string, write = writeFile) => {
      const startedAt = clock.ms;
      await until(async () => {
        await write(path, `${Math.random()}`);
        await sleep(20);
        return !made.holds(startedAt);
      });
    };
    return { watch: made, clock, started, page, cibFile, holdsFor, noticed };
  }

  it('keeps a reading valid for half a second before crm_mon has written', async () => {
    const { holdsFor } = await bench();
    expect([holdsFor(499), holdsFor(500)]).to.deep.equal([true, false]);
  });

  it('keeps a reading valid for ten seconds if crm_mon has written, and then been silent for four', async () => {
    const { clock, page, holdsFor, noticed } = await bench();
    await noticed(page);
    clock.ms += 3999;
    expect([holdsFor(499), holdsFor(500)]).to.deep.equal([true, false]);
    clock.ms += 1;
    expect([holdsFor(9999), holdsFor(10_000)]).to.deep.equal([true, false]);
  });

  it('invalidates a reading at once when crm_mon writes', async () => {
    const { clock, page, noticed } = await bench();
    await noticed(page);
    clock.ms += 5000;
    await noticed(page);
  });

  it('invalidates a reading at once each time that Pacemaker replaces cib.xml', async () => {
    const { clock, cibFile, noticed } = await bench();
    const replace: typeof writeFile = async (path, text) => {
      await writeFile(`${path as string}.new`, text);
      await rename(`${path as string}.new`, path as string);
    };
    for (let round = 0; round < 3; round += 1) {
      await noticed(cibFile, replace);
      clock.ms += 5000;
    }
  });

  it('does not trust the silence of a crm_mon that ended, nor of the next one before its first write', async () => {
    const { clock, started, page, holdsFor, noticed } = await bench();
    await noticed(page);
    clock.ms += 5000;
    started[0]?.end();
    await until(() => !holdsFor(500));
    await until(() => started.length === 2);
    expect(holdsFor(500)).to.equal(false);
    await noticed(page);
    clock.ms += 5000;
    expect(holdsFor(9999)).to.equal(true);
  });

  it('ends a crm_mon that has never written for too long, and no other', async () => {
    const { started, page, noticed } = await bench({ silenceMs: 300 });
    await until(() => started[0]?.stops === 1);
    await until(() => started.length === 2);
    await noticed(page);
    await sleep(400);
    expect(started[1]?.stops).to.equal(0);
  });

  it('starts crm_mon again when somebody has removed its page', async () => {
    const { clock, started, page, holdsFor, noticed } = await bench();
    await noticed(page);
    clock.ms += 5000;
    await rm(page);
    await until(() => started.length === 2);
    expect([started[0]?.stops, holdsFor(500)]).to.deep.equal([1, false]);
  });

  it('starts crm_mon as a daemon with its files in the folder of the agent', async () => {
    const { started, page } = await bench();
    expect(started[0]?.argv).to.deep.equal([
      'crm_mon',
      '--daemonize',
      '--interval=1',
      '--output-as=html',
      `--output-to=${page}`,
      `--pid-file=${page.replace('.html', '.pid')}`,
    ]);
  });

  it('ends crm_mon when the agent stops, and starts no other one', async () => {
    const { watch: made, started } = await bench();
    await made.stop();
    await sleep(50);
    expect(started.map(({ stops }) => stops)).to.deep.equal([1]);
  });
});

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (await isSo()) return;
    await sleep(20);
  }
  throw new Error('It did not come to that.');
}
