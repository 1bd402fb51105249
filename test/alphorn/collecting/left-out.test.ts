import { chmod, mkdir, open, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';

import { expect } from 'chai';
import { execa } from 'execa';
import sinon from 'sinon';

import { type LeftOut, makeNewlyLeftOut } from '../../../src/alphorn/collecting/left-out.ts';
import { collectBench } from '../../support/collect-bench.ts';

describe('a path that the rules name but a liferaft leaves out', () => {
  const { at, write, collect, pathsOf, whyNot } = collectBench();

  it('may be a folder whose name is not UTF-8, with everything in it', async () => {
    await write('/etc/a');
    const folder = Buffer.concat([Buffer.from(at('/etc/bad-')), Buffer.from([0xff])]);
    await mkdir(folder);
    await (await open(Buffer.concat([folder, Buffer.from('/secret')]), 'w')).close();
    for (const include of ['~/etc', '~/etc/**', '~/etc/*/secret', '~/etc/**/secret']) {
      const collected = await collect({ include: [include] });
      expect(whyNot(collected), include).to.deep.equal({
        '/etc/bad-\ufffd': 'Its name is not UTF-8.',
      });
    }
    expect(whyNot(await collect({ include: ['~/etc/a*'] }))).to.deep.equal({});
  });

  it('may have a name that is not UTF-8 and looks like that of an included file', async () => {
    await write('/etc/x-\ufffd', 'sound');
    await (
      await open(Buffer.concat([Buffer.from(at('/etc/x-')), Buffer.from([0xfe])]), 'w')
    ).close();
    const collected = await collect({ include: ['~/etc'] });
    expect(pathsOf(collected)).to.deep.equal(['/etc/x-\ufffd']);
    expect(Object.keys(whyNot(collected))).to.deep.equal(['/etc/x-\ufffd']);
  });

  it('may be a folder that matches a glob, because globs take only files and links', async () => {
    await write('/etc/ha.d/conf');
    await mkdir(at('/etc/ha.e'));
    await write('/etc/other/conf');
    const collected = await collect({ include: ['~/etc/ha.*'] });
    expect(pathsOf(collected)).to.deep.equal([]);
    expect(whyNot(collected)).to.deep.equal({
      '/etc/ha.d':
        'It is a folder. /etc/ha.* only takes files and links: add /etc/ha.*/** for its content.',
      '/etc/ha.e':
        'It is a folder. /etc/ha.* only takes files and links: add /etc/ha.*/** for its content.',
    });
    for (const include of ['~/etc', '~/etc/**', '~/etc/**/*']) {
      expect(whyNot(await collect({ include: [include] })), include).to.deep.equal({});
    }
    expect(whyNot(await collect({ include: ['~/etc/ha.*', '~/etc/ha.*/**'] }))).to.deep.equal({});
  });

  // Only a broken disk keeps root from reading a folder.
  if (process.getuid?.() !== 0) {
    it('may be a folder that cannot be read', async () => {
      await write('/etc/closed/x');
      await chmod(at('/etc/closed'), 0);
      const collected = await collect({ include: ['~/etc'] });
      await chmod(at('/etc/closed'), 0o755);
      expect(whyNot(collected)['/etc/closed']).to.match(/EACCES/);
    });
  }

  it('may be something other than a file, a folder or a link, even if an include names it', async () => {
    await mkdir(at('/etc'), { recursive: true });
    await execa('mkfifo', [at('/etc/fifo')]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(at('/etc/socket'), resolve));
    for (const include of [['~/etc'], ['~/etc/*'], ['~/etc/fifo', '~/etc/socket']]) {
      expect(whyNot(await collect({ include }))).to.deep.equal({
        '/etc/fifo': 'It is a fifo, which a liferaft cannot contain.',
        '/etc/socket': 'It is a socket, which a liferaft cannot contain.',
      });
    }
    server.close();
  });

  it('is one of at most a thousand that are listed; the others are counted', async () => {
    const sets = Array.from({ length: 300 }, (_, index) => `~/etc/${index}/*`);
    for (let folder = 0; folder < 300; folder += 1) {
      for (let name = 0; name < 4; name += 1) {
        await mkdir(at(`/etc/${folder}/${name}`), { recursive: true });
      }
    }
    const { leftOut, leftOutMore } = await collect({ include: sets });
    expect([leftOut.length, leftOutMore]).to.deep.equal([1000, 200]);
  });

  it('is not a missing folder above an include, and not an excluded path', async () => {
    await write('/etc/a');
    await writeFile(at('/etc/b~'), '');
    const rules = { include: ['~/etc', '~/none/x', '~/etc/a/b'], exclude: ['~/etc/*~'] };
    expect(whyNot(await collect(rules))).to.deep.equal({});
  });
});

describe('a newly left out path', () => {
  const of = (path: string, why: string): LeftOut => ({ path, why, essential: false, kept: false });

  it('is reported once, and again after it was included', () => {
    const newly = makeNewlyLeftOut();
    const [a, b] = [of('/a', 'Why.'), of('/b', 'Why.')];
    expect(newly([a])).to.deep.equal([a]);
    expect(newly([a, b])).to.deep.equal([b]);
    expect(newly([b, a])).to.deep.equal([]);
    expect(newly([b])).to.deep.equal([]);
    expect(newly([a, b])).to.deep.equal([a]);
  });

  it('is reported once in ten minutes if it comes and goes while its former content stays', () => {
    const clock = sinon.useFakeTimers({ toFake: ['performance'] });
    try {
      const newly = makeNewlyLeftOut();
      const busy = { ...of('/a', 'It changes.'), kept: true };
      expect(newly([busy])).to.deep.equal([busy]);
      for (let round = 0; round < 30; round += 1) {
        clock.tick(60_000);
        expect(newly(round % 2 === 0 ? [] : [busy])).to.deep.equal([]);
      }
      clock.tick(600_001);
      newly([]);
      expect(newly([busy])).to.deep.equal([busy]);
    } finally {
      clock.restore();
    }
  });

  it('is reported again for another reason, but not for another number in the reason', () => {
    const newly = makeNewlyLeftOut();
    newly([of('/a', 'It has 17 bytes.')]);
    expect(newly([of('/a', 'It has 4711 bytes.')])).to.deep.equal([]);
    expect(newly([of('/a', 'It is a fifo.')])).to.have.lengthOf(1);
  });
});
