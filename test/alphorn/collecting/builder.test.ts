import { createHash } from 'node:crypto';
import fs from 'node:fs';
import {
  chmod,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { expect } from 'chai';
import sinon from 'sinon';

import { makeLiferaftBuilder, type Round } from '../../../src/alphorn/collecting/builder.ts';
import { openLiferaft } from '../../../src/alphorn/format/liferaft-file.ts';
import { openStore } from '../../../src/alphorn/receiving/store.ts';
import type { AlphornPaths } from '../../../src/alphorn/paths.ts';
import { makeAlphornHost } from '../../support/alphorn-host.ts';
import { appending } from '../../support/appending.ts';
import { faultOf } from '../../support/faults.ts';
import { archiveOf, inPieces, someHost } from '../../support/liferafts.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const name = `liferaft_${someHost}.tar`;

describe('the liferaft of this host', () => {
  const folder = temporaryFolder();
  let paths: AlphornPaths;
  const at = (file: string) => join(folder.path, 'etc', file);
  const builder = () => makeLiferaftBuilder({ paths });
  const ownFile = () => join(paths.own, name);

  beforeEach(async () => {
    paths = await makeAlphornHost(folder.path, { a: 'alpha', b: Buffer.alloc(200_000, 'b') });
    await symlink('a', at('link'));
  });
  afterEach(() => {
    sinon.restore();
    syncBuiltinESMExports();
  });

  it('contains what the rules include, and passes every check of a receiver', async () => {
    const { liferaft, changed, leftOut } = await builder().round();
    expect({ changed, leftOut }).to.deep.equal({ changed: true, leftOut: [] });
    expect(liferaft).to.include({ path: ownFile() });
    expect(liferaft.manifest).to.deep.include({ generation: 1, format: 1 });
    expect(liferaft.manifest.host.id).to.equal(someHost);
    expect(liferaft.manifest.files.map(({ path }) => path)).to.deep.equal([at('a'), at('b')]);
    expect(liferaft.manifest.links.map(({ path }) => path)).to.deep.equal([at('link')]);

    const bytes = await readFile(ownFile());
    expect(bytes.length).to.equal(liferaft.size);
    const store = openStore(join(folder.path, 'peer'), { keep: 5, maxBytes: liferaft.size });
    const { digest, size } = liferaft;
    await store.receive({ hostId: someHost, digest, size, rebuilt: false }, inPieces(bytes));
    const [file] = liferaft.manifest.files;
    const there = await store.open(name);
    const pieces = [];
    if (file) for await (const piece of there.content(file)) pieces.push(piece);
    await there.close();
    expect(Buffer.concat(pieces).toString()).to.equal('alpha');
  });

  it('is readable only for root, and is the only file in its folder', async () => {
    await builder().round();
    expect((await stat(ownFile())).mode & 0o777).to.equal(0o600);
    expect((await stat(paths.own)).mode & 0o777).to.equal(0o700);
    expect(await readdir(paths.own)).to.deep.equal([name]);
  });

  it('stays the same file while nothing changes, even across a restart', async () => {
    const one = builder();
    const first = await one.round();
    const { ino } = await stat(ownFile());
    for (const each of [one, builder()]) {
      const { changed, liferaft } = await each.round();
      expect(changed).to.equal(false);
      expect(liferaft.digest).to.equal(first.liferaft.digest);
    }
    await utimes(at('a'), new Date(0), new Date(0));
    expect((await one.round()).changed).to.equal(false);
    expect((await stat(ownFile())).ino).to.equal(ino);
  });

  for (const [what, change] of [
    ['a file is written to', () => writeFile(at('a'), 'other')],
    ['a file is made', () => writeFile(at('c'), '')],
    ['a file is removed', () => rm(at('b'))],
    ['a mode is changed', () => chmod(at('a'), 0o640)],
    ['a folder’s mode is changed', () => chmod(join(folder.path, 'etc'), 0o700)],
    ['a link is made', () => symlink('x', at('y'))],
    ['an owner gets another name', () => writeFile(join(folder.path, 'passwd'), 'su:x:0:0::/:\n')],
    [
      'a rule is added',
      () => writeFile(join(paths.rules, 'b.json'), JSON.stringify({ include: [paths.hostId] })),
    ],
  ] as const) {
    it(`is of the next generation when ${what}`, async () => {
      const one = builder();
      const first = await one.round();
      await change();
      const { changed, liferaft } = await one.round();
      expect(changed).to.equal(true);
      expect(liferaft.manifest).to.include({
        generation: 2,
        lineage: first.liferaft.manifest.lineage,
      });
      expect((await one.round()).changed).to.equal(false);
      expect((await builder().current())?.digest).to.equal(liferaft.digest);
    });
  }

  it('starts a new count of generations if its file is missing or damaged', async () => {
    const one = builder();
    const first = await one.round();
    await rm(ownFile());
    expect(await one.current()).to.equal(undefined);
    const second = await one.round();
    const bytes = await readFile(ownFile());
    bytes.write('x', bytes.length - 1500);
    await writeFile(ownFile(), bytes);
    const third = await builder().round();
    const all = [first, second, third].map(({ liferaft }) => liferaft.manifest);
    expect(all.map(({ generation }) => generation)).to.deep.equal([1, 1, 1]);
    expect(new Set(all.map(({ lineage }) => lineage))).to.have.lengthOf(3);
  });

  it('continues the count of a liferaft that a later version made', async () => {
    const { liferaft } = await builder().round();
    const later = JSON.stringify({ ...liferaft.manifest, format: 99, generation: 7 });
    await writeFile(ownFile(), archiveOf(Buffer.from(later), []));
    const { manifest } = (await builder().round()).liferaft;
    expect(manifest).to.include({ generation: 8, lineage: liferaft.manifest.lineage });
  });

  it('has another name when the id of the host changes', async () => {
    const one = builder();
    const first = await one.round();
    await writeFile(paths.hostId, Buffer.from([1, 2, 3, 4]));
    const { liferaft } = await one.round();
    expect(liferaft.manifest.host.id).to.equal('04030201');
    expect(liferaft.manifest.lineage).not.to.equal(first.liferaft.manifest.lineage);
  });

  it('stays as it was if the rules are wrong, or if the host has no id', async () => {
    const one = builder();
    const { liferaft } = await one.round();
    await writeFile(join(paths.rules, 'b.json'), '{');
    await writeFile(at('a'), 'other');
    await faultOf('alphorn_rules_invalid', one.round());
    expect((await one.current())?.digest).to.equal(liferaft.digest);
    await rm(join(paths.rules, 'b.json'));
    await rm(paths.hostId);
    await faultOf('host_without_id', one.round());
    await faultOf('host_without_id', builder().current());
    expect(await readdir(paths.own)).to.deep.equal([name]);
  });

  describe('while a file changes without end', () => {
    const sha256 = (content: string) => createHash('sha256').update(content).digest('hex');
    const digestOf = ({ liferaft }: Round, path: string) =>
      liferaft.manifest.files.find((each) => each.path === path)?.sha256;

    it('has the last complete content of that file, reports it, and has each change of other files', async () => {
      const one = builder();
      const first = await one.round();
      const stop = appending(at('b'));
      await writeFile(at('a'), 'changed');
      const second = await one.round();
      await writeFile(at('a'), 'changed again');
      const third = await one.round();
      // A builder that knows no earlier rounds does the same.
      const fourth = await builder().round();
      await stop();
      for (const round of [second, third, fourth]) {
        expect(digestOf(round, at('b'))).to.equal(digestOf(first, at('b')));
        expect(round.leftOut).to.have.lengthOf(1);
        expect(round.leftOut[0]).to.include({ path: at('b'), kept: true, essential: false });
      }
      expect(digestOf(second, at('a'))).to.equal(sha256('changed'));
      expect(digestOf(third, at('a'))).to.equal(sha256('changed again'));
      expect(fourth.changed).to.equal(false);
      const file = await openLiferaft(ownFile(), someHost);
      await file?.check();
      await file?.close();

      const last = await one.round();
      expect(digestOf(last, at('b'))).to.equal(sha256(await readFile(at('b'), 'utf8')));
      expect(last.leftOut).to.deep.equal([]);
    });

    it('leaves the file out if it has no complete content yet', async () => {
      const stop = appending(at('b'));
      const { liferaft, leftOut } = await builder().round();
      await stop();
      expect(liferaft.manifest.files.map(({ path }) => path)).to.deep.equal([at('a')]);
      expect(leftOut[0]).to.include({ path: at('b'), kept: false });
    });

    it('leaves the file out if the former liferaft is damaged', async () => {
      const one = builder();
      await one.round();
      const stop = appending(at('b'));
      const handle = await open(ownFile(), 'r+');
      await handle.write('x', (await handle.stat()).size - 5000);
      await handle.close();
      await writeFile(at('a'), 'changed');
      const round = await builder().round();
      await stop();
      expect(round.liferaft.manifest.files.map(({ path }) => path)).to.deep.equal([at('a')]);
      expect(digestOf(round, at('a'))).to.equal(sha256('changed'));
    });

    it('has all other files even if many change between two scans', async function () {
      this.timeout(60_000);
      const names = Array.from({ length: 10 }, (_, index) => `busy${index}`);
      for (const name of names) await writeFile(at(name), '0');
      for (const name of ['big1', 'big2']) await writeFile(at(name), Buffer.alloc(2 ** 24));
      const one = builder();
      await one.round();
      const over = new AbortController();
      const busy = (async () => {
        for (let count = 1; !over.signal.aborted; count += 1) {
          for (const name of names) await writeFile(at(name), `${count}`);
          await delay(60);
        }
      })();
      await writeFile(at('a'), 'changed');
      const round = await one.round();
      over.abort();
      await busy;
      expect(digestOf(round, at('a'))).to.equal(sha256('changed'));
      const file = await openLiferaft(ownFile(), someHost);
      expect((await file?.check())?.manifest.files).to.have.lengthOf(names.length + 4);
      await file?.close();
    });
  });

  it('has the last content of an unreadable file, and each change of other files', async () => {
    // Such a file counts as known by its time stamps, and is read only to be copied.
    sinon.useFakeTimers({ now: Date.now() + 60_000, toFake: ['Date'] });
    const one = builder();
    const first = await one.round();
    await writeFile(at('a'), 'changed');
    const fails = Object.assign(new Error('EIO: i/o error, open'), { code: 'EIO', errno: -5 });
    sinon.stub(fs.promises, 'open').callThrough().withArgs(at('b')).rejects(fails);
    syncBuiltinESMExports();
    const { changed, leftOut, liferaft } = await one.round();
    expect(changed).to.equal(true);
    expect(liferaft.manifest.files[1]).to.deep.equal(first.liferaft.manifest.files[1]);
    expect(leftOut).to.deep.equal([
      { path: at('b'), why: 'It cannot be read (EIO).', essential: false, kept: true },
    ]);
  });

  it('lists missing essential files in its manifest, until they are there', async () => {
    const essentials = [{ path: at('a'), everywhere: true }];
    const one = makeLiferaftBuilder({ paths, essentials });
    expect((await one.round()).liferaft.manifest.lacking).to.equal(undefined);
    await rm(at('a'));
    const why = 'It is missing, although every Debian has it.';
    for (const changed of [true, false]) {
      const round = await one.round();
      expect(round.changed).to.equal(changed);
      expect(round.liferaft.manifest.lacking).to.deep.equal([{ path: at('a'), why }]);
    }
    const file = await openLiferaft(ownFile(), someHost);
    expect((await file?.check())?.manifest.lacking).to.deep.equal([{ path: at('a'), why }]);
    await file?.close();
    expect((await makeLiferaftBuilder({ paths, essentials }).round()).changed).to.equal(false);
    await writeFile(at('a'), 'back');
    expect((await one.round()).liferaft.manifest.lacking).to.equal(undefined);
  });

  it('has all files as of one moment, including changes that are made while it is written', async () => {
    await writeFile(at('big'), Buffer.alloc(16 * 1024 * 1024));
    const one = builder();
    const round = one.round();
    while ((await readdir(paths.own).catch(() => [])).length === 0) await delay(1);
    // The builder has already copied this first file.
    await writeFile(at('a'), 'omega');
    const { liferaft } = await round;
    const sha256 = createHash('sha256').update('omega').digest('hex');
    expect(liferaft.manifest.files[0]).to.include({ sha256 });
    expect((await one.round()).changed).to.equal(false);
    expect(await readdir(paths.own)).to.deep.equal([name]);
  });

  it('has the content that its manifest lists, even if a file changes between two reads', async () => {
    await writeFile(at('big'), Buffer.alloc(16 * 1024 * 1024));
    await writeFile(at('last'), '0');
    const over = new AbortController();
    const rewriting = (async () => {
      for (let digit = 0; !over.signal.aborted; digit = (digit + 1) % 10) {
        await delay(40);
        await writeFile(at('last'), `${digit}`);
      }
    })();
    const one = builder();
    for (let round = 0; round < 6; round += 1) {
      await one.round();
      const file = await openLiferaft(ownFile(), someHost);
      await file?.check();
      await file?.close();
    }
    over.abort();
    await rewriting;
    const { liferaft } = await one.round();
    expect((await one.round()).liferaft).to.equal(liferaft);
  });

  it('is made only once if two rounds are requested at the same time', async () => {
    const one = builder();
    const rounds = await Promise.all([one.round(), one.round(), one.round()]);
    expect(rounds.map(({ changed }) => changed)).to.deep.equal([true, false, false]);
  });

  it('replaces temporary files that a killed process left next to it', async () => {
    await builder().round();
    await writeFile(join(paths.own, 'incoming-0123456789ab.part'), 'a part');
    await writeFile(join(paths.own, 'accepted.json'), '{}');
    await builder().round();
    expect((await readdir(paths.own)).sort()).to.deep.equal(['accepted.json', name]);
  });

  it('reports what is left out, even if nothing has changed', async () => {
    await symlink(Buffer.from([0xff]), at('odd'));
    const one = builder();
    for (const changed of [true, false]) {
      const round = await one.round();
      expect(round.changed).to.equal(changed);
      expect(round.leftOut.map(({ path }) => path)).to.deep.equal([at('odd')]);
    }
  });
});
