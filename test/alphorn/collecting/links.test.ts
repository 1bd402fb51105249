import { mkdir } from 'node:fs/promises';

import { expect } from 'chai';

import { collectBench } from '../../support/collect-bench.ts';

describe('a link in the path of an include', () => {
  const { at, link, write, collect, pathsOf, whyNot } = collectBench();

  it('that is the include itself leads to its folder, which goes in under its own path', async () => {
    await write('/data/ssh/key');
    await write('/data/ssh/deep/more');
    await link('/etc/ssh', '~/data/ssh');
    const collected = await collect({ include: ['~/etc/ssh'] });
    expect(pathsOf(collected)).to.deep.equal(['/data/ssh/deep/more', '/data/ssh/key', '/etc/ssh']);
    expect(collected.links[0]?.target).to.equal(at('/data/ssh'));
    expect(collected.folders.map(({ path }) => path)).to.include(at('/data/ssh/deep'));
    expect(whyNot(collected)).to.deep.equal({});
  });

  for (const [what, include, expected] of [
    ['a folder of a glob', '~/etc/ssh/*_key', ['/data/ssh/a_key', '/etc/ssh']],
    ['above the file', '~/etc/ssh/a_key', ['/data/ssh/a_key', '/etc/ssh']],
    ['above all of a folder', '~/etc/ssh/**', ['/data/ssh/a_key', '/data/ssh/b', '/etc/ssh']],
    ['the file itself', '~/etc/one', ['/data/ssh/a_key', '/etc/one']],
    ['matched by a glob', '~/etc/o*', ['/data/ssh/a_key', '/etc/one']],
  ] as const) {
    it(`that is ${what} is followed`, async () => {
      await write('/data/ssh/a_key');
      await write('/data/ssh/b');
      await link('/etc/ssh', '../data/ssh');
      await link('/etc/one', '../data/ssh/a_key');
      const collected = await collect({ include: [include] });
      expect(pathsOf(collected)).to.deep.equal(expected);
      expect(whyNot(collected)).to.deep.equal({});
    });
  }

  it('that leads to another link goes in with all further links', async () => {
    await write('/disk/one/samba/private/secrets.tdb');
    await link('/data', 'disk/one');
    await link('/var/lib/samba', '~/data/samba');
    const collected = await collect({ include: ['~/var/lib/samba/private'] });
    expect(pathsOf(collected)).to.deep.equal([
      '/data',
      '/disk/one/samba/private/secrets.tdb',
      '/var/lib/samba',
    ]);
  });

  it('is left out if an exclude names either of the two paths', async () => {
    for (const name of ['a', 'b', 'c']) await write(`/data/ssh/${name}`);
    await link('/etc/ssh', '../data/ssh');
    const exclude = ['~/etc/ssh/a', '~/data/ssh/b'];
    expect(pathsOf(await collect({ include: ['~/etc/ssh'], exclude }))).to.deep.equal([
      '/data/ssh/c',
      '/etc/ssh',
    ]);
  });

  it('leads to a file that goes in once, even if several includes reach it', async () => {
    await write('/data/x');
    await link('/alias', 'data');
    const collected = await collect({ include: ['~/alias', '~/data', '~/alias/x'] });
    expect(pathsOf(collected)).to.deep.equal(['/alias', '/data/x']);
  });

  it('that leads nowhere goes in, and its missing target is reported', async () => {
    await link('/etc/ssh', '~/data/ssh');
    for (const [include, name] of [
      ['~/etc/ssh', '/etc/ssh'],
      ['~/etc/ssh/key', '/etc/ssh/key'],
      ['~/etc/ssh/*', '/etc/ssh'],
    ] as const) {
      expect(whyNot(await collect({ include: [include] }))).to.deep.equal({
        [name]: '/etc/ssh is a link to /data/ssh, which does not exist.',
      });
    }
    expect(pathsOf(await collect({ include: ['~/etc/ssh'] }))).to.deep.equal(['/etc/ssh']);
  });

  it('is not reported as leading nowhere if only the file in its folder is missing', async () => {
    await mkdir(at('/data/ssh'), { recursive: true });
    await link('/ssh', 'data/ssh');
    expect(whyNot(await collect({ include: ['~/ssh/key'] }))).to.deep.equal({});
  });

  it('that leads in a circle goes in, and is reported', async () => {
    await link('/etc/a', 'b');
    await link('/etc/b', 'a');
    const collected = await collect({ include: ['~/etc/a'] });
    expect(pathsOf(collected)).to.deep.equal(['/etc/a']);
    expect(whyNot(collected)['/etc/a']).to.match(/in a circle/);
  });

  for (const [target, reason] of [
    ['/usr/share/doc', /leads to \/usr\/share\/doc, and nothing is restored in \/usr/],
    ['/proc/self', /nothing is restored in \/proc/],
    ['/', /leads to \/, and nothing is restored in \//],
    ['/var', /nothing is restored in \/var\/tmp/],
  ] as const) {
    it(`to ${target} is not followed, because nothing is restored there`, async () => {
      await link('/link', target);
      const collected = await collect({ include: ['~/link'] });
      expect(pathsOf(collected)).to.deep.equal(['/link']);
      expect(whyNot(collected)['/link']).to.match(reason);
    });
  }

  it('in an included folder is reported if no rule includes its target', async () => {
    await write('/etc/samba/smb.conf');
    await write('/data/tls/key');
    await write('/data/extra');
    await link('/etc/samba/tls', '../../data/tls');
    await link('/etc/samba/extra', '~/data/extra');
    await link('/etc/samba/same', 'smb.conf');
    await link('/etc/samba/dangling', 'nowhere');
    await link('/etc/samba/env', '/usr/bin/env');
    const collected = await collect({ include: ['~/etc/samba'] });
    expect(whyNot(collected)).to.deep.equal({
      '/etc/samba/extra':
        'It is a link to /data/extra, which no rule includes; only the link goes in.',
      '/etc/samba/tls': 'It is a link to /data/tls, which no rule includes; only the link goes in.',
    });
    expect(whyNot(await collect({ include: ['~/etc/samba', '~/data'] }))).to.deep.equal({});
  });

  it('in an included folder is reported if its target is reached through a link that no rule includes', async () => {
    await write('/srv/v1/smb.conf');
    await link('/srv/current', 'v1');
    await link('/etc/samba/smb.conf', '~/srv/current/smb.conf');
    expect(whyNot(await collect({ include: ['~/etc/samba', '~/srv/v1'] }))).to.deep.equal({
      '/etc/samba/smb.conf':
        'It is a link to /srv/current, which no rule includes; only the link goes in.',
    });
    for (const include of ['~/srv', '~/srv/current']) {
      expect(whyNot(await collect({ include: ['~/etc/samba', include] }))).to.deep.equal({});
    }
  });

  it('is reported if a glob would have to follow it', async () => {
    await write('/data/x/a.conf');
    await link('/etc/x', '../data/x');
    expect(Object.keys(whyNot(await collect({ include: ['~/etc/**/*.conf'] })))).to.deep.equal([
      '/etc/x',
    ]);
  });
});
