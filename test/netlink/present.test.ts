import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { readInterfaces } from '../../src/netlink/present.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('the interfaces of a host', () => {
  const folder = temporaryFolder();

  it('are up without an address too, if the kernel says so', async () => {
    const states = { test0: 'up', test1: 'down', test2: 'unknown', test3: 'lowerlayerdown' };
    for (const [name, state] of Object.entries(states)) {
      await mkdir(join(folder.path, name));
      await writeFile(join(folder.path, name, 'operstate'), `${state}\n`);
    }
    const address = { device: 'test1', address: 'FD00::1', prefix: 64 };
    const ip = { addresses: () => Promise.resolve([address]) };
    const found = await readInterfaces(ip, [...Object.keys(states), 'missing'], folder.path);
    expect([...found.values()]).to.deep.equal([
      { name: 'test0', addresses: [], isUp: true },
      { name: 'test1', addresses: ['fd00::1/64'], isUp: false },
      { name: 'test2', addresses: [], isUp: true },
      { name: 'test3', addresses: [], isUp: false },
    ]);
  });
});
