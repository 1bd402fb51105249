import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';
import { execa } from 'execa';

import { restoreAccounts } from '../../../../src/alphorn/restoring/accounts/restored-accounts.ts';
import { openLiferaft } from '../../../../src/alphorn/format/liferaft-file.ts';
import { Fault } from '../../../../src/kit/fault.ts';
import { type Described, storeLiferaft } from '../../../support/liferafts.ts';
import {
  growTree,
  type RestoreBench,
  restoreBenchWith,
  type Tree,
  treeOf,
} from '../../../support/restore-bench.ts';
import { dieDuring } from '../../../support/dying-calls.ts';
import { faultOf } from '../../../support/faults.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const passwd = (...accounts: string[]) =>
  accounts.map((account) => `${account}::/:/bin/false\n`).join('');
const group = (...accounts: string[]) => accounts.map((account) => `${account}:\n`).join('');
const unit = (user: string) => `[Service]\nExecStart=/bin/true\nUser=${user}\n`;

/** A new installation with other numbers, and with a service that the lost host did not have. */
const before: Tree = {
  '/etc': 'folder 755 0:0',
  '/etc/passwd': `file 644 0:0 ${passwd('root:x:0:0:', 'ha:x:450:451:', 'svc:x:107:107:')}`,
  '/etc/group': `file 644 0:0 ${group('root:x:0', 'haclient:x:451', 'svc:x:107')}`,
  '/etc/systemd': 'folder 755 0:0',
  '/etc/systemd/system': 'folder 755 0:0',
  '/etc/systemd/system/svc.service': `file 644 0:0 ${unit('svc')}`,
  '/var': 'folder 755 0:0',
  '/var/lib': 'folder 755 0:0',
  '/var/lib/ha': 'folder 750 450:451',
  '/var/lib/ha/state': 'file 640 450:451 here',
  '/var/lib/ha/suid': 'file 6755 450:0 here',
  '/var/lib/ha/link': 'link 450:451 state',
  '/var/lib/svc': 'folder 750 107:107',
  '/var/lib/svc/data': 'file 640 107:107 svc',
  '/var/lib/svc/shared': 'file 660 107:451 svc',
};

const haFile = { uid: 107, gid: 112, user: 'ha', group: 'haclient' };
const liferaft: Described = {
  folders: { '/etc': {} },
  files: {
    '/etc/passwd': passwd('root:x:0:0:', 'ha:x:107:112:'),
    '/etc/group': group('root:x:0', 'haclient:x:112'),
    '/etc/ha.conf': { content: 'ha', mode: 0o640, ...haFile },
  },
};

describe('a restore of users and groups onto a host with others', () => {
  const folder = temporaryFolder();
  let bench: RestoreBench;
  let name: string;

  beforeEach(async () => {
    ({ bench, name } = await restoreBenchWith(folder.path, before, liferaft));
  });

  const tree = () => treeOf(bench.alphorn.root);
  const diff = async (replaceUsers = false, paths?: readonly string[]) =>
    (await bench.restorer.diff(name, paths, { replaceUsers })).accounts;
  const restore = (replaceUsers = false, paths?: readonly string[]) =>
    bench.restorer.restore(bench.host, name, paths, bench.warn, { replaceUsers });

  it('keeps the accounts of this host, and leaves each file with its account', async () => {
    await restore();
    // Group 107 stays, because no group in the liferaft has that number.
    expect(await tree()).to.deep.equal({
      ...before,
      '/etc/passwd': `file 644 0:0 ${passwd('root:x:0:0:', 'ha:x:107:112:', 'svc:x:999:107:')}`,
      '/etc/group': `file 644 0:0 ${group('root:x:0', 'haclient:x:112', 'svc:x:107')}`,
      '/etc/ha.conf': 'file 640 107:112 ha',
      '/var/lib/ha': 'folder 750 107:112',
      '/var/lib/ha/state': 'file 640 107:112 here',
      '/var/lib/ha/suid': 'file 6755 107:0 here',
      '/var/lib/ha/link': 'link 107:112 state',
      '/var/lib/svc': 'folder 750 999:107',
      '/var/lib/svc/data': 'file 640 999:107 svc',
      '/var/lib/svc/shared': 'file 660 999:112 svc',
    });
    expect((await bench.restorer.diff(name)).differences).to.deep.equal([]);
    expect(await diff()).to.equal(undefined);
  });

  it('first reports which accounts get another number, and which files go with them', async () => {
    const report = await diff();
    expect(report?.mode).to.equal('merge');
    expect(
      report?.changes.map(({ name: who, change, here, after }) => [who, change, here, after]),
    ).to.deep.equal([
      ['ha', 'renumbered', 450, 107],
      ['svc', 'renumbered', 107, 999],
      ['haclient', 'renumbered', 451, 112],
    ]);
    expect(report?.handedOver).to.deep.include({ total: 7 });
    expect(report?.handedOver.first).to.deep.include({
      path: '/var/lib/svc/shared',
      owner: '107:451',
      after: '999:112',
    });
    expect(report?.orphaned).to.deep.equal({ total: 0, first: [] });
    expect(report?.search.where).to.match(/at most \d+ paths/);
    expect(report?.search.complete).to.equal(true);
    expect(await tree()).to.deep.equal(before);
  });

  it('is undone together with the owners of all files', async () => {
    await restore();
    await bench.restorer.undo(bench.host, false, bench.warn);
    expect(await tree()).to.deep.equal(before);
  });

  it('is undone, except for a file whose owner somebody else has changed', async () => {
    await restore();
    await growTree(bench.alphorn.root, { '/var/lib/ha/state': 'file 600 5:5 other' });
    await bench.restorer.undo(bench.host, false, bench.warn);
    expect(await tree()).to.deep.equal({ ...before, '/var/lib/ha/state': 'file 600 5:5 other' });
  });

  it('is undone after it was killed while it handed over files', async () => {
    const { kept } = await restore();
    await rename(join(kept ?? '', 'journal.json'), join(kept ?? '', 'journal.begun.json'));
    await growTree(bench.alphorn.root, { '/var/lib/svc/data': 'file 640 107:107 svc' });
    await bench.restorer.undo(bench.host, false, bench.warn);
    expect(await tree()).to.deep.equal(before);
    expect(await bench.restorer.listSaved()).to.deep.equal([]);
  });

  it('is undone together with the modes of all files, wherever it or its undo was killed', async () => {
    const undo = () => bench.restorer.undo(bench.host, false, bench.warn);
    const { restores } = bench.alphorn;
    await mkdir(restores);
    for (const [ready, killed] of [
      [() => Promise.resolve(), restore],
      [restore, undo],
    ] as const) {
      for (let number = 1; ; number += 1) {
        await ready();
        if (!(await dieDuring(number, restores, killed))) break;
        // It may have been killed before there was anything to undo, or after its undo.
        await undo().catch((error: unknown) => {
          if (!(error instanceof Fault) || error.code !== 'nothing_to_undo') throw error;
        });
        expect(await tree(), `call ${number}`).to.deep.equal(before);
      }
      if (killed === restore) await undo();
    }
  });

  it('reverts everything if a file cannot be handed over', async () => {
    const file = join(bench.alphorn.root, 'var/lib/svc/data');
    const { exitCode } = await execa('chattr', ['+i', file], { reject: false });
    if (exitCode !== 0) return;
    try {
      const { message } = await faultOf('restore_failed', restore());
      expect(message).to.include('/var/lib/svc/data');
      expect(await tree()).to.deep.equal(before);
    } finally {
      await execa('chattr', ['-i', file]);
    }
  });

  it('reports accounts that vanish, orphaned files and failing units if the lists are replaced', async () => {
    const report = await diff(true);
    expect(report?.mode).to.equal('replace');
    const gone = report?.changes.filter(({ change }) => change === 'vanishes');
    expect(gone?.map(({ kind, name: who }) => `${kind} ${who}`)).to.deep.equal([
      'user svc',
      'group svc',
    ]);
    expect(report?.orphaned.first.map(({ path }) => path)).to.deep.equal([
      '/var/lib/svc',
      '/var/lib/svc/data',
      '/var/lib/svc/shared',
    ]);
    expect(report?.units).to.deep.equal([
      { path: '/etc/systemd/system/svc.service', account: 'user svc' },
    ]);
  });

  it('warns before it replaces the lists', async () => {
    await restore(true);
    expect(bench.warnings[0])
      .to.include('user svc, group svc')
      .and.to.include('that will have no owner: 3');
    expect(bench.warnings[1]).to.include('svc.service will fail');
    expect((await tree())['/etc/passwd']).to.equal(
      `file 644 0:0 ${passwd('root:x:0:0:', 'ha:x:107:112:')}`,
    );
    expect((await tree())['/var/lib/ha/state']).to.equal('file 640 107:112 here');
    await bench.restorer.undo(bench.host, false, bench.warn);
    expect(await tree()).to.deep.equal(before);
  });

  it('warns about an account that gets the number and files of one that vanishes', async () => {
    name = await storeLiferaft(bench.alphorn.liferafts, {
      files: { '/etc/passwd': passwd('root:x:0:0:', 'other:x:107:0:') },
    });
    const changes = (await diff(true))?.changes ?? [];
    expect(changes.map((each) => [each.name, each.change, each.heir])).to.deep.include([
      'svc',
      'vanishes',
      'other',
    ]);
    await restore(true);
    expect(bench.warnings.join('\n')).to.include(': user other (from svc).');
  });

  it('warns about subordinate ids that change, even if nothing else does', async () => {
    await growTree(bench.alphorn.root, { '/etc/subuid': 'file 644 0:0 svc:100000:65536\n' });
    name = await storeLiferaft(bench.alphorn.liferafts, {
      files: { '/etc/subuid': 'other:100000:65536\n' },
    });
    expect((await diff())?.ranges).to.have.length(1);
    await restore();
    expect(bench.warnings.join()).to.include('svc (/etc/subuid: 100000:65536 -> 165536:65536).');
  });

  it('names the units of the liferaft that run as an account which this host lacks', async () => {
    name = await storeLiferaft(bench.alphorn.liferafts, {
      files: {
        '/etc/systemd/system/app.service': unit('app'),
        '/etc/systemd/system/dynamic.service': `${unit('any')}DynamicUser=yes\n`,
        '/etc/systemd/system/number.service': unit('4711'),
        '/etc/systemd/system/ha.service': unit('ha'),
      },
    });
    expect((await diff())?.units).to.deep.equal([
      { path: '/etc/systemd/system/app.service', account: 'user app' },
    ]);
  });

  it('handles names that are not ASCII like any other', async () => {
    const { root, liferafts } = bench.alphorn;
    await growTree(root, {
      '/etc/passwd': `file 644 0:0 ${passwd('root:x:0:0:', 'drück:x:450:0:')}`,
    });
    const described: Described = {
      folders: { '/etc': {} },
      files: {
        '/etc/passwd': passwd('root:x:0:0:', 'drück:x:107:0:', 'café:x:108:0:'),
        '/etc/a': { content: 'a', uid: 107, gid: 0, user: 'drück', group: 'root' },
        '/etc/systemd/system/a.service': unit('drück'),
      },
    };
    name = await storeLiferaft(liferafts, described);
    const report = await diff();
    expect(report?.changes.map((each) => `${each.name} ${each.change}`)).to.deep.equal([
      'drück renumbered',
      'café added',
    ]);
    expect(report?.units).to.deep.equal([]);
    await restore();
    const after = await tree();
    expect(after['/etc/a']).to.equal('file 644 107:0 a');
    expect(after['/etc/passwd']).to.include('drück:x:107:0:');
  });

  it('is blocked by a folder in the place of a list, or a file in the place of its folder', async () => {
    const etc = join(bench.alphorn.root, 'etc');
    await rm(join(etc, 'passwd'));
    await mkdir(join(etc, 'passwd'));
    const { message } = await faultOf('restore_blocked', restore());
    expect(message).to.include('/etc/passwd: It is a folder');
    await rm(etc, { recursive: true });
    await writeFile(etc, '');
    await faultOf('restore_blocked', restore());
    expect((await bench.restorer.diff(name)).differences).to.have.length(3);
  });

  it('leaves accounts alone if only other paths are restored', async () => {
    expect(await diff(false, ['/etc/ha.conf'])).to.equal(undefined);
    await restore(false, ['/etc/ha.conf']);
    expect(await tree()).to.deep.equal({ ...before, '/etc/ha.conf': 'file 640 450:451 ha' });
  });

  it('reports that the search for files was incomplete', async () => {
    const file = await openLiferaft(join(bench.alphorn.liferafts, name));
    if (file === undefined) throw new Error('There is no liferaft.');
    const limits = { looked: 5, found: 5 };
    const { report } = await restoreAccounts(file, undefined, bench.alphorn, false, limits);
    await file.close();
    expect(report?.search).to.deep.include({ complete: false });
    expect(report?.search.where).to.include('at most 5 paths');
  });
});
