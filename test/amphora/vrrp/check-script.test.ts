import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { checkScriptOf } from '../../../src/amphora/vrrp/check-script.ts';
import { vrrpFiles } from '../../../src/amphora/vrrp/files.ts';
import { attempt } from '../../lab/run.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('the check script of keepalived', () => {
  const folder = temporaryFolder();
  beforeEach(() => mkdir(vrrpFiles(folder.path).checkScripts, { recursive: true }));

  const write = (name: string, text: string) =>
    writeFile(join(vrrpFiles(folder.path).checkScripts, name), text);
  const exitCode = async () => {
    const { checkScript } = vrrpFiles(folder.path);
    await writeFile(checkScript, checkScriptOf(folder.path, vrrpFiles(folder.path)), {
      mode: 0o755,
    });
    return (await attempt([checkScript])).exitCode;
  };

  it('ends with the sum of the exit codes of all scripts', async () => {
    await write('a', 'exit 0\n');
    expect(await exitCode()).to.equal(0);
    await write('b', 'exit 2\n');
    await write('c', 'exit 3\n');
    expect(await exitCode()).to.equal(5);
  });

  it('fails if the sum is 256', async () => {
    await write('a', 'exit 128\n');
    await write('b', 'exit 128\n');
    expect(await exitCode()).to.equal(255);
  });

  it('fails without any script, unless there are LVS listeners', async () => {
    expect(await exitCode()).to.equal(1);
    await mkdir(join(folder.path, 'lvs'));
    await writeFile(join(folder.path, 'lvs/octavia-keepalivedlvs-a.conf'), '');
    expect(await exitCode()).to.equal(0);
  });

  it('runs no link and no file that is being written', async () => {
    await write('a', 'exit 0\n');
    await write('b.1-0123456789ab.new', 'exit 1\n');
    await writeFile(join(folder.path, 'planted'), 'exit 1\n');
    await symlink(join(folder.path, 'planted'), join(vrrpFiles(folder.path).checkScripts, 'c'));
    expect(await exitCode()).to.equal(0);
  });
});
