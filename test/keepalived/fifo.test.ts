import { execFileSync } from 'node:child_process';
import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { type FifoReader, makeFifoReader } from '../../src/keepalived/fifo.ts';
import { waitUntil } from '../lab/wait.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('the FIFO of keepalived', () => {
  const folder = temporaryFolder();
  let path: string;
  let lines: number;
  let reader: FifoReader;
  beforeEach(async () => {
    path = join(folder.path, 'notify.fifo');
    execFileSync('mkfifo', [path]);
    lines = 0;
    reader = makeFifoReader(path, () => {
      lines += 1;
    });
    await reader.refresh();
  });
  afterEach(() => {
    reader.close();
  });

  const stopped = () => [...reader.stopped()].join(' ');

  // What 2.1.5, 2.2.7 and 2.3.3 write on SIGTERM, a second before they end.
  it('tells which instances have stopped', async () => {
    await appendFile(path, 'INSTANCE "vg_1" STOP 150\nINSTANCE "vg_2" STOP 150\n');
    await waitUntil('the lines', () => stopped() === 'vg_1 vg_2', { everyMs: 5 });
    await appendFile(path, 'INSTANCE "vg_1" BACKUP 150\n');
    await waitUntil('the lines', () => stopped() === 'vg_2', { everyMs: 5 });
    expect(lines).to.be.at.least(2);
  });

  it('says nothing of the keepalived before, whose FIFO is gone', async () => {
    await appendFile(path, 'INSTANCE "vg_1" STOP 150\n');
    await waitUntil('the lines', () => stopped() === 'vg_1', { everyMs: 5 });
    await rm(path);
    execFileSync('mkfifo', [path]);
    await reader.refresh();
    expect(stopped()).to.equal('');
    await appendFile(path, 'INSTANCE "vg_1" MASTER 150\n');
    await waitUntil('the lines', () => lines === 2, { everyMs: 5 });
    expect(stopped()).to.equal('');
  });
});
