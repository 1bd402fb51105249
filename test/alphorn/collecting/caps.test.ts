import { statSync } from 'node:fs';

import { expect } from 'chai';

import { maxEssentialBytes } from '../../../src/alphorn/collecting/essential.ts';
import { withinCaps } from '../../../src/alphorn/collecting/caps.ts';
import { type Found, walk } from '../../../src/alphorn/collecting/walk/walk.ts';
import { byPath } from '../../../src/alphorn/format/paths.ts';
import { limits } from '../../../src/alphorn/format/limits.ts';
import { collectBench } from '../../support/collect-bench.ts';

describe('the caps of a file of rules', () => {
  const { at, write, rules, collect, pathsOf, whyNot } = collectBench();
  const many = async (folder: string, count: number, content = '') => {
    for (let index = 0; index < count; index += 1) await write(`${folder}/${index}`, content);
  };

  it('cut short the include that is too large, whatever the order of paths', async () => {
    await many('/etc/aaa', 30);
    for (const name of ['/etc/group', '/etc/passwd', '/etc/zzz/conf']) await write(name);
    const include = ['~/etc/aaa', '~/etc/group', '~/etc/passwd', '~/etc/zzz'];
    const collected = await collect({ include, max_files: 8 });
    expect(pathsOf(collected)).to.include.members(['/etc/group', '/etc/passwd', '/etc/zzz/conf']);
    expect(pathsOf(collected)).to.have.lengthOf(8);
    const [[path, why] = []] = Object.entries(whyNot(collected));
    expect(path).to.equal('/etc/aaa');
    expect(why).to.match(
      /Only a part of it goes in, because all of it would exceed max_files of .*a.json, which is 8/,
    );
    expect(collected.leftOut).to.have.lengthOf(1);
  });

  it('limit bytes, and name each path if only a few are left out', async () => {
    await many('/etc/a', 4, 'x'.repeat(100));
    await write('/etc/b', 'x'.repeat(250));
    const collected = await collect({ include: ['~/etc/a', '~/etc/b'], max_bytes: 460 });
    expect(pathsOf(collected)).to.deep.equal(['/etc/a/0', '/etc/a/1', '/etc/b']);
    expect(Object.keys(whyNot(collected))).to.deep.equal(['/etc/a/2', '/etc/a/3']);
    expect(whyNot(collected)['/etc/a/2']).to.match(/All of \/etc\/a .* max_bytes/);
  });

  for (const [what, first, second] of [
    ['in another file of rules', { include: ['~/etc'] }, { include: ['~/etc/units'] }],
    ['in the same file', { include: ['~/etc', '~/etc/units'] }, { include: ['~/other'] }],
  ] as const) {
    it(`cut short a wide include before a narrow one inside it, even if the wide one is ${what}`, async () => {
      await many('/etc/aaa', 20);
      await many('/etc/units', 3);
      await rules({ ...first, max_files: 10 });
      const said = await rules(second, 'b.json');
      const collected = await collect(said);
      expect(pathsOf(collected)).to.include.members(['/etc/units/0', '/etc/units/2']);
      expect(Object.keys(whyNot(collected))).to.include('/etc/aaa/9');
    });
  }

  it('do not count essential files', async () => {
    await many('/etc', 5);
    await write('/etc/shadow', 'x'.repeat(1000));
    const said = await rules({
      include: ['~/etc'],
      max_files: 2,
      max_bytes: 10,
      max_file_bytes: 5,
    });
    const collected = await collect(said, {
      essentials: [{ path: '/etc/shadow', everywhere: true }],
    });
    expect(pathsOf(collected)).to.deep.equal(['/etc/0', '/etc/1', '/etc/shadow']);
    expect(collected.lacking).to.deep.equal([]);
  });

  for (const [what, inDeep] of [
    ['that is too large to be scanned', 30],
    ['that alone exceeds the cap of all includes', 90],
  ] as const) {
    it(`limit only the include with a folder ${what}, and take nothing from others`, async () => {
      await many('/etc/aaa', 30);
      await many('/etc/aaa/deep', inDeep);
      await write('/etc/zzz/conf');
      const { found, missed } = walk({
        rules: await rules({ include: ['~/etc/aaa', '~/etc/zzz'] }),
        essentials: [],
        never: new Set(),
        silentAt: () => undefined,
        former: new Map(),
        max: { byInclude: 40, byAll: 80 },
      });
      expect(found.map(({ path }) => path)).to.include(at('/etc/zzz/conf'));
      expect(missed.map(({ name }) => name)).to.deep.equal([at('/etc/aaa')]);
      expect(missed[0]?.why).to.match(/over 40 paths/);
    });
  }

  describe('together with the caps of a liferaft', () => {
    const include = (text: string) => ({
      text,
      base: text,
      depth: Infinity,
      matches: () => true,
      names: () => false,
      takesFolders: true,
    });
    const fileOf = (size: number) => Object.assign(statSync(import.meta.filename), { size });
    const set = { name: 'rules', includes: [], maxFileBytes: 1e9, maxBytes: 1e12, maxFiles: 1e6 };
    const found = (folder: string, count: number, more: Partial<Found> = {}): Found[] => {
      const of = include(folder);
      return Array.from({ length: count }, (_, index) => ({
        path: `${folder}/${index}`,
        name: `${folder}/${index}`,
        include: of,
        set,
        stats: fileOf(1),
        ...more,
      })).sort(byPath);
    };

    it('cut short the largest include so that a liferaft can be made', () => {
      const all = [...found('/a', limits.items), ...found('/b', 1000)];
      const { taken, missed } = withinCaps(all);
      expect(taken.filter(({ path }) => path.startsWith('/b/'))).to.have.lengthOf(1000);
      expect(taken.length).to.be.greaterThan(20_000).and.lessThan(limits.items);
      expect(missed.map(({ name }) => name)).to.deep.equal(['/a']);
    });

    it('count the bytes of long paths', () => {
      const all = [
        ...found(`/${'\u0001'.repeat(200)}/${'\u0001'.repeat(200)}`, 20_000),
        ...found('/z', 3),
      ];
      const { taken } = withinCaps(all);
      expect(taken.filter(({ path }) => path.startsWith('/z/'))).to.have.lengthOf(3);
      const bytes = taken.reduce((sum, { path }) => sum + JSON.stringify(path).length, 0);
      expect(bytes).to.be.lessThan(limits.manifest);
    });

    it('keep out an essential file that is too large', () => {
      const stats = fileOf(maxEssentialBytes + 1);
      const essential = { path: '/e/0', everywhere: true };
      const { taken, missed } = withinCaps(found('/e', 1, { stats, essential }));
      expect(taken).to.deep.equal([]);
      expect(missed[0]).to.include({ name: '/e/0', essential: true });
    });
  });
});
