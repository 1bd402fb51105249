import { mkdir, readFile, rename, rm, truncate } from 'node:fs/promises';

import { expect } from 'chai';
import { execa } from 'execa';

import { essentialFiles, maxEssentialBytes } from '../../../src/alphorn/collecting/essential.ts';
import { isIn } from '../../../src/alphorn/format/paths.ts';
import { collectBench } from '../../support/collect-bench.ts';

describe('an essential file', () => {
  const { at, link, write, rules, collect, pathsOf } = collectBench();
  const essentials = [
    { path: '/etc/shadow', everywhere: true },
    { path: '/etc/ssh/key', everywhere: false },
  ];
  const lackingOf = async (rules: object) => {
    const { lacking, leftOut } = await collect(rules, { essentials });
    for (const { path, why } of lacking) {
      expect(leftOut).to.deep.include({ path, why, essential: true, kept: false });
    }
    return lacking.map(({ path, why }) => [path.replace(at(''), ''), why.replaceAll(at(''), '')]);
  };

  beforeEach(async () => {
    await write('/etc/shadow', 'root:*\n');
    await write('/etc/ssh/key', 'secret\n');
  });

  it('is included if a rule includes it, and is otherwise not lacking', async () => {
    for (const include of ['~/etc', '~/etc/*', '~/**/*', '~/etc/shadow']) {
      const collected = await collect({ include: [include] }, { essentials });
      expect(pathsOf(collected), include).to.include('/etc/shadow');
      expect(collected.lacking).to.deep.equal([]);
    }
    await write('/other');
    expect(await lackingOf({ include: ['~/other'] })).to.deep.equal([]);
  });

  it('is lacking if it should be on every host and is not on this one', async () => {
    await rm(at('/etc/shadow'));
    await rm(at('/etc/ssh/key'));
    expect(await lackingOf({ include: ['~/etc'] })).to.deep.equal([
      ['/etc/shadow', 'It is missing, although every Debian has it.'],
    ]);
  });

  it('is lacking if something else is in its place', async () => {
    const rules = { include: ['~/etc/shadow'] };
    await rm(at('/etc/shadow'));
    await mkdir(at('/etc/shadow'));
    expect(await lackingOf(rules)).to.deep.equal([['/etc/shadow', 'It is a folder, not a file.']]);
    await rm(at('/etc/shadow'), { recursive: true });
    await execa('mkfifo', [at('/etc/shadow')]);
    expect((await lackingOf(rules))[0]?.[1]).to.match(/a fifo/);
  });

  it('is lacking if a link to it, or in its path, leads nowhere', async () => {
    await rm(at('/etc/ssh'), { recursive: true });
    await link('/etc/ssh', '~/data/ssh');
    const rules = { include: ['~/etc/ssh/k*'] };
    expect(await lackingOf(rules)).to.deep.equal([
      ['/etc/ssh/key', '/etc/ssh is a link to /data/ssh, which does not exist.'],
    ]);
    await write('/data/ssh/key');
    expect(await lackingOf(rules)).to.deep.equal([]);
  });

  it('is included through a link even if a rule includes that link only with its folder', async () => {
    await rm(at('/etc/ssh/key'));
    await write('/data/key');
    await link('/etc/ssh/key', '~/data/key');
    const collected = await collect({ include: ['~/etc'] }, { essentials });
    expect(pathsOf(collected)).to.include.members(['/etc/ssh/key', '/data/key']);
    expect(collected.leftOut).to.deep.equal([]);
  });

  it('is lacking if it exceeds the size limit of essential files', async () => {
    await truncate(at('/etc/shadow'), maxEssentialBytes + 1);
    expect((await lackingOf({ include: ['~/etc'] }))[0]?.[1]).to.match(/larger than/);
  });

  it('is lacking if a wildcard excludes it, but not if an exclude names it', async () => {
    const with_ = (exclude: string) => lackingOf({ include: ['~/etc'], exclude: [exclude] });
    expect((await with_('~/**/*adow'))[0]?.[1]).to.match(/wildcard/);
    expect(await with_('~/etc/shadow')).to.deep.equal([]);
    expect(await with_('~/etc')).to.deep.equal([]);
  });

  it('is lacking if a link to it, or in its path, leads to what a wildcard excludes', async () => {
    await rename(at('/etc/shadow'), at('/etc/shadow.new'));
    await link('/etc/shadow', 'shadow.new');
    const with_ = (exclude: string) => lackingOf({ include: ['~/etc'], exclude: [exclude] });
    expect((await with_('~/**/*.new'))[0]?.[1]).to.match(/leads to \/etc\/shadow.new.*wildcard/);
    expect(await with_('~/etc/shadow.new')).to.deep.equal([]);
    await write('/data/shadow');
    await rm(at('/etc/shadow.new'));
    await link('/etc/shadow.new', '~/data/shadow');
    expect((await with_('~/**/*.new'))[0]?.[1]).to.match(/leads to \/etc\/shadow.new.*wildcard/);
  });

  it('is covered by the rules in the package', async () => {
    const shipped = JSON.parse(
      await readFile('packaging/alphorn/storage-host.json', 'utf8'),
    ) as object;
    const { sets, excludes } = await rules(shipped);
    const isIncluded = (path: string) =>
      !excludes(path) &&
      sets.some(({ includes }) =>
        includes.some(({ base, matches }) => isIn(path, base) && matches(path)),
      );
    expect(essentialFiles.filter(({ path }) => !isIncluded(path))).to.deep.equal([]);
  });
});
