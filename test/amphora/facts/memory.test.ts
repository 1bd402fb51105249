import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { readMemory } from '../../../src/amphora/facts/memory.ts';

const meminfo = `MemTotal:       24653760 kB
MemFree:        20000000 kB
MemAvailable:   22000000 kB
Buffers:          100000 kB
Cached:          2000000 kB
SwapTotal:          1000 kB
SwapFree:            300 kB
Shmem:              4000 kB
Slab:             150000 kB
Committed_AS:     900000 kB
`;
const mebi = 1024 * 1024;

describe('the memory that haproxy may have', () => {
  let folder: string;
  const read = () =>
    readMemory({
      meminfo: join(folder, 'meminfo'),
      controlGroups: folder,
      haproxyGroup: '/amphora.slice/haproxy.slice/not-there.service',
    });
  const group = async (name: string, files: Readonly<Record<string, string | number>>) => {
    await mkdir(join(folder, name), { recursive: true });
    for (const [file, text] of Object.entries(files)) {
      await writeFile(join(folder, name, file), `${text}\n`);
    }
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'memory-'));
    await writeFile(join(folder, 'meminfo'), meminfo);
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('is the memory of the host without a limit', async () => {
    await group('amphora.slice', { 'memory.max': 'max', 'memory.high': 'max' });
    expect(read()).to.deep.equal({
      total: 24653760,
      free: 20000000,
      available: 22000000,
      buffers: 100000,
      cached: 2000000,
      swapUsed: 700,
      shared: 4000,
      slab: 150000,
      committed: 900000,
    });
  });

  it('is what the limit of a group above leaves, with its cache of files', async () => {
    await group('amphora.slice', {
      'memory.max': 1024 * mebi,
      'memory.high': 'max',
      'memory.current': 300 * mebi,
      'memory.stat': `anon ${200 * mebi}\nfile ${100 * mebi}`,
    });
    await group('amphora.slice/haproxy.slice', { 'memory.max': 2048 * mebi, 'memory.current': 0 });
    const { total, free, buffers, cached, available } = read();
    expect(total).to.equal(1024 * 1024);
    expect(free + buffers + cached).to.equal(824 * 1024);
    expect(available).to.equal(824 * 1024);
  });
});
