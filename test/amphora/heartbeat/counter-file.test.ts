import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { makeCounterFile } from '../../../src/amphora/heartbeat/counter-file.ts';
import { noCounters } from '../../../src/amphora/heartbeat/counters.ts';

const state = {
  seen: { LB: { '7/100': { L: [1, 2, 3, 4] as const } } },
  pending: { LB: { L: [1, 2, 3, 4] as const } },
};

describe('the file of the counters', () => {
  let folder: string;
  let path: string;
  let bootId: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'counters-'));
    path = join(folder, 'stats_counters.json');
    bootId = join(folder, 'boot_id');
    await writeFile(bootId, 'one\n');
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('gives back what was written, and only root can read it', async () => {
    await makeCounterFile(path, bootId).write(state);
    expect(await makeCounterFile(path, bootId).read()).to.deep.equal(state);
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
  });

  it('has nothing of another boot', async () => {
    await makeCounterFile(path, bootId).write(state);
    await writeFile(bootId, 'two\n');
    expect(await makeCounterFile(path, bootId).read()).to.deep.equal(noCounters);
  });

  it('counts as empty if it is missing, foreign or cut short', async () => {
    const file = makeCounterFile(path, bootId);
    expect(await file.read()).to.deep.equal(noCounters);
    for (const text of [
      '{"L": {"bin": 5, "bout": 6, "ereq": 0, "stot": 1}}',
      '{"boot": "one", "se',
    ]) {
      await writeFile(path, text);
      expect(await file.read()).to.deep.equal(noCounters);
    }
  });

  it('is not read through a link, and a write replaces the link', async () => {
    const target = join(folder, 'target');
    await makeCounterFile(target, bootId).write(state);
    await symlink(target, path);
    const file = makeCounterFile(path, bootId);
    expect(await file.read()).to.deep.equal(noCounters);
    await file.write(noCounters);
    expect(await file.read()).to.deep.equal(noCounters);
    expect(await makeCounterFile(target, bootId).read()).to.deep.equal(state);
  });
});
