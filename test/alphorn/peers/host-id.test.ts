import { endianness } from 'node:os';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { hostIdOf } from '../../../src/alphorn/peers/host-id.ts';
import { faultOf } from '../../support/faults.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('the host id', () => {
  const folder = temporaryFolder();
  const paths = () => ({
    hostId: join(folder.path, 'hostid'),
    machineId: join(folder.path, 'machine-id'),
  });
  const machine = '0123456789abcdef0123456789abcdef\n';

  it('is what hostid(1) prints, if /etc/hostid is set', async () => {
    await writeFile(paths().machineId, machine);
    await writeFile(paths().hostId, Buffer.from([0xbc, 0x38, 0x76, 0x0e]));
    expect(await hostIdOf(paths())).to.equal(endianness() === 'LE' ? '0e7638bc' : 'bc38760e');
  });

  for (const [what, bytes] of [
    ['is not there', undefined],
    ['is zero, which is not set', Buffer.alloc(4)],
    ['is not of four bytes', Buffer.from('0e7638bc\n')],
  ] as const) {
    it(`comes from the machine id if /etc/hostid ${what}`, async () => {
      await writeFile(paths().machineId, machine);
      if (bytes) await writeFile(paths().hostId, bytes);
      // printf 0123456789abcdef0123456789abcdef | sha256sum
      expect(await hostIdOf(paths())).to.equal('3eb1bd43');
    });
  }

  it('is unknown if both files are missing', async () => {
    await faultOf('host_without_id', hostIdOf(paths()));
    await writeFile(paths().machineId, 'uninitialized\n');
    await faultOf('host_without_id', hostIdOf(paths()));
  });
});
