import {
  chmod,
  link,
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { digestOf } from '../../../src/alphorn/format/manifest.ts';
import type { ReceiverLimits } from '../../../src/alphorn/receiving/receiver.ts';
import { openStore } from '../../../src/alphorn/receiving/store.ts';
import { faultOf } from '../../support/faults.ts';
import {
  archiveOf,
  type Described,
  inPieces,
  liferaftOf,
  type MadeLiferaft,
  someHost,
  someLineage,
} from '../../support/liferafts.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const latest = `liferaft_${someHost}.tar`;
const otherHost = 'ae82a9a2';
const otherLineage = 'f'.repeat(32);
const thirdLineage = 'e'.repeat(32);

describe('the store of liferafts', () => {
  const temporary = temporaryFolder();
  const folder = () => join(temporary.path, 'liferafts');
  const storeOf = (limits: Partial<ReceiverLimits> = {}) =>
    openStore(folder(), { keep: 5, maxBytes: 1024 * 1024, ...limits });

  const announced = ({ manifest, digest, bytes }: MadeLiferaft, rebuilt = false) => ({
    hostId: manifest.host.id,
    digest,
    size: bytes.length,
    rebuilt,
  });

  /** Makes the store receive a liferaft. */
  async function receive(
    described: Described & { rebuilt?: boolean },
    store = storeOf(),
  ): Promise<MadeLiferaft> {
    const made = liferaftOf(described);
    await store.receive(announced(made, described.rebuilt), inPieces(made.bytes));
    return made;
  }

  const refusedAsOlder = (described: Described & { rebuilt?: boolean }) =>
    faultOf('liferaft_older', receive(described));

  const names = async () => (await readdir(folder())).sort();

  describe('receives a liferaft', () => {
    it('as it was sent, in a file for root only, in a folder that only root may enter', async () => {
      const made = liferaftOf();
      expect(await storeOf().receive(announced(made), inPieces(made.bytes))).to.deep.equal({
        digest: made.digest,
        lineage: someLineage,
        generation: 1,
      });
      expect((await readFile(join(folder(), latest))).equals(made.bytes)).to.equal(true);
      expect((await stat(join(folder(), latest))).mode & 0o777).to.equal(0o600);
      expect((await stat(folder())).mode & 0o777).to.equal(0o700);
      expect(await names()).to.deep.equal([latest]);
    });

    it('in pieces of any size, and with files of many pieces', async () => {
      const files = { '/etc/a': Buffer.alloc(300_001, 'abc'), '/etc/b': '', '/etc/c': 'c' };
      for (const [index, size] of [997, 65_536, 10_000_000].entries()) {
        const made = liferaftOf({ files, generation: index + 1 });
        await storeOf().receive(announced(made), inPieces(made.bytes, size));
        expect((await readFile(join(folder(), latest))).equals(made.bytes)).to.equal(true);
      }
    });

    it('and keeps the last former ones under their numbers', async () => {
      for (let generation = 1; generation <= 7; generation += 1) await receive({ generation });
      const stored = [3, 4, 5, 6].map((each) => `liferaft_${someHost}.${each}.tar`);
      expect(await names()).to.deep.equal([...stored, latest]);
      const listed = await storeOf().list();
      expect(listed.map((each) => 'generation' in each && each.generation)).to.deep.equal([
        7, 6, 5, 4, 3,
      ]);
    });

    it('and keeps the former one from before a burst of changes, if some are kept by age', async () => {
      const byAge = storeOf({ keep: 3, keepHours: 24 });
      for (let generation = 1; generation <= 9; generation += 1) {
        await receive({ generation }, byAge);
      }
      const [first = '', ...others] = [1, 7, 8].map((each) => `liferaft_${someHost}.${each}.tar`);
      expect(await names()).to.include.members([first, ...others, latest]);
      expect(await names()).to.have.length.below(6);
      const twoDaysAgo = new Date(Date.now() - 2 * 24 * 3600 * 1000);
      await utimes(join(folder(), first), twoDaysAgo, twoDaysAgo);
      await byAge.tidy();
      expect(await names()).not.to.include(first);
    });

    it('and keeps no former one, if only one is kept', async () => {
      for (const generation of [1, 2, 3]) await receive({ generation }, storeOf({ keep: 1 }));
      expect(await names()).to.deep.equal([latest]);
      expect((await storeOf().held(someHost))?.generation).to.equal(3);
    });

    it('and removes former ones when fewer are kept than before', async () => {
      for (const generation of [1, 2, 3, 4]) await receive({ generation });
      await receive({ generation: 5 }, storeOf({ keep: 2 }));
      expect(await names()).to.deep.equal([`liferaft_${someHost}.4.tar`, latest]);
    });

    it('and keeps the last whole one, however many lack something', async () => {
      const lacking = [{ path: '/etc/shadow', why: 'It is not there.' }];
      for (const generation of [1, 2]) await receive({ generation }, storeOf({ keep: 2 }));
      for (const generation of [3, 4, 5]) {
        await receive({ generation, lacking }, storeOf({ keep: 2 }));
      }
      const stored = [2, 4].map((each) => `liferaft_${someHost}.${each}.tar`);
      expect(await names()).to.deep.equal([...stored, latest]);
      const listed = await storeOf().list();
      expect(listed.map((each) => 'whole' in each && [each.generation, each.whole])).to.deep.equal([
        [5, false],
        [4, false],
        [2, true],
      ]);
      await receive({ generation: 6 }, storeOf({ keep: 2 }));
      expect(await names()).to.deep.equal([`liferaft_${someHost}.5.tar`, latest]);
    });

    it('and leaves those of other hosts alone', async () => {
      await receive({ host: { id: otherHost }, generation: 9 });
      for (const generation of [1, 2]) await receive({ generation }, storeOf({ keep: 1 }));
      expect(await names()).to.deep.equal([latest, `liferaft_${otherHost}.tar`]);
    });

    it('up to the allowed size, and none that is larger', async () => {
      const made = liferaftOf();
      const exact = storeOf({ maxBytes: made.bytes.length });
      await exact.receive(announced(made), inPieces(made.bytes));
      const next = liferaftOf({ generation: 2 });
      const less = storeOf({ maxBytes: made.bytes.length - 1 });
      await faultOf('liferaft_too_large', less.receive(announced(next), inPieces(next.bytes)));
      expect((await storeOf().held(someHost))?.generation).to.equal(1);
    });
  });

  describe('refuses a liferaft', () => {
    it('that is no newer than the one that is here', async () => {
      await receive({ generation: 5 });
      for (const generation of [5, 4, 1])
        for (const rebuilt of [false, true]) await refusedAsOlder({ generation, rebuilt });
      expect((await storeOf().held(someHost))?.generation).to.equal(5);
    });

    it('that is no newer than a former one, when the latest is gone', async () => {
      for (const generation of [5, 6]) await receive({ generation });
      await storeOf().remove(latest);
      await refusedAsOlder({ generation: 5 });
      await receive({ generation: 6 });
    });

    it('from a host with a new count of generations, unless it says that it was rebuilt', async () => {
      await receive({ generation: 5 });
      await refusedAsOlder({ lineage: otherLineage, generation: 1 });
      await refusedAsOlder({ lineage: otherLineage, generation: 99 });
      await receive({ lineage: otherLineage, generation: 1, rebuilt: true });
      expect(await storeOf().held(someHost)).to.include({ lineage: otherLineage, generation: 1 });
      expect(await names()).to.deep.equal([`liferaft_${someHost}.5.tar`, latest]);
    });

    it('from an abandoned count, whatever the sender says', async () => {
      await receive({ generation: 5 });
      await receive({ lineage: otherLineage, generation: 1, rebuilt: true });
      for (const generation of [4, 5, 6])
        for (const rebuilt of [false, true]) await refusedAsOlder({ generation, rebuilt });
      await receive({ lineage: otherLineage, generation: 2 });
      await refusedAsOlder({ generation: 6, rebuilt: true });
    });

    it('while another of the same host is received, but not one of another host', async () => {
      const store = storeOf();
      const made = liferaftOf();
      let goOn: () => void = () => undefined;
      const paused = new Promise<void>((resolve) => (goOn = resolve));
      const slow = (async function* () {
        yield made.bytes.subarray(0, 1000);
        await paused;
        yield made.bytes.subarray(1000);
      })();
      const first = store.receive(announced(made), slow);
      const busy = await faultOf('liferaft_busy', receive({ generation: 2 }, store));
      expect(busy.retryAfterSeconds).to.equal(1);
      await receive({ host: { id: otherHost } }, store);
      goOn();
      await first;
      await receive({ generation: 2 }, store);
    });

    it('while eight others are received', async () => {
      const store = storeOf();
      let goOn: () => void = () => undefined;
      const paused = new Promise<void>((resolve) => (goOn = resolve));
      const all = Array.from({ length: 8 }, (_, index) => {
        const made = liferaftOf({ host: { id: `0000000${index}` } });
        const slow = (async function* () {
          await paused;
          yield made.bytes;
        })();
        return store.receive(announced(made), slow);
      });
      const fault = await faultOf('too_many_liferafts', receive({}, store));
      expect(fault.retryAfterSeconds).to.equal(5);
      goOn();
      await Promise.all(all);
      await receive({}, store);
      expect(await names()).to.have.lengthOf(9);
    });

    it('and is ready for the next one', async () => {
      const store = storeOf();
      await receive({ generation: 2 }, store);
      await faultOf('liferaft_older', receive({ generation: 1 }, store));
      await receive({ generation: 3 }, store);
    });
  });

  describe('for a rebuilt host', () => {
    it('keeps liferafts of the new count rather than former ones', async () => {
      for (const generation of [7, 8, 9]) await receive({ generation });
      for (const generation of [1, 2, 3])
        await receive({ lineage: otherLineage, generation, rebuilt: generation === 1 });
      expect(await names()).to.deep.equal([
        ...[1, 2, 8, 9].map((generation) => `liferaft_${someHost}.${generation}.tar`),
        latest,
      ]);
      await receive({ lineage: otherLineage, generation: 4 }, storeOf({ keep: 3 }));
      expect(await names()).to.deep.equal([
        ...[2, 3].map((generation) => `liferaft_${someHost}.${generation}.tar`),
        latest,
      ]);
    });

    it('keeps both liferafts of a number that both counts have', async () => {
      for (const generation of [1, 2]) await receive({ generation });
      for (const generation of [1, 2])
        await receive({ lineage: otherLineage, generation, rebuilt: generation === 1 });
      await receive({ lineage: thirdLineage, generation: 1, rebuilt: true });
      const stored = [];
      for (const { name } of await storeOf().list()) {
        const file = await storeOf().open(name);
        await file.close();
        stored.push(`${file.manifest.lineage} ${file.manifest.generation}`);
      }
      expect(stored).to.have.members([
        `${thirdLineage} 1`,
        ...[1, 2].flatMap((generation) => [
          `${otherLineage} ${generation}`,
          `${someLineage} ${generation}`,
        ]),
      ]);
    });

    it('keeps its last state from before, however few generations that had', async () => {
      const byAge = storeOf({ keepHours: 24, keepDays: 7 });
      for (const generation of [1, 2, 3]) await receive({ generation }, byAge);
      const held = new Date(Date.now() - 2 * 3600 * 1000);
      await utimes(join(folder(), latest), held, held);
      for (let generation = 1; generation <= 9; generation += 1)
        await receive({ lineage: otherLineage, generation, rebuilt: generation === 1 }, byAge);
      const before = await storeOf().open(`liferaft_${someHost}.3.tar`);
      await before.close();
      expect(before.manifest).to.include({ lineage: someLineage, generation: 3 });
    });
  });

  describe('with a latest that is damaged', () => {
    beforeEach(async () => {
      for (const generation of [1, 2]) await receive({ generation });
      await writeFile(join(folder(), latest), 'no liferaft');
    });

    it('reports that it has no liferaft of the host', async () => {
      expect(await storeOf().held(someHost)).to.equal(undefined);
    });

    it('accepts the next one, and puts the damaged one aside', async () => {
      await receive({ generation: 3 });
      expect(await names()).to.deep.equal([
        `liferaft_${someHost}.1.tar`,
        latest,
        `${latest}.damaged`,
      ]);
      expect(await readFile(join(folder(), `${latest}.damaged`), 'utf8')).to.equal('no liferaft');
      expect((await storeOf().list()).map(({ name }) => name)).to.deep.equal([
        latest,
        `liferaft_${someHost}.1.tar`,
      ]);
    });

    it('accepts one of a new count, because no liferaft here could be newer', async () => {
      await receive({ lineage: otherLineage, generation: 1 });
    });

    it('lists it as damaged, and removes it with the others', async () => {
      const [damaged] = await storeOf().list();
      expect(damaged).to.include({ name: latest });
      expect(damaged).to.have.property('damaged');
      await receive({ generation: 3 });
      expect(await storeOf().removeAll()).to.have.lengthOf(2);
      expect(await names()).to.deep.equal([]);
    });
  });

  describe('with liferafts of a later version', () => {
    /** The same liferaft in an unknown format. */
    function later(described: Described): Buffer {
      const { manifest } = liferaftOf(described);
      const raw = Buffer.from(JSON.stringify({ ...manifest, format: 99, files: [], more: 'x' }));
      return archiveOf(raw, []);
    }

    beforeEach(async () => {
      for (const generation of [1, 2]) await receive({ generation });
      await writeFile(join(folder(), `liferaft_${someHost}.5.tar`), later({ generation: 5 }));
      await writeFile(join(folder(), latest), later({ generation: 6 }));
    });

    it('reports their format in the list, and when one is opened', async () => {
      const listed = await storeOf().list();
      expect(listed.map((each) => Object.keys(each).join(' ')).slice(0, 2)).to.deep.equal([
        'name laterFormat',
        'name laterFormat',
      ]);
      const { message } = await faultOf('liferaft_of_later_format', storeOf().open(latest));
      expect(message).to.include('made by a later version').and.not.to.include('damaged');
    });

    it('identifies them, and keeps them like others', async () => {
      expect(await storeOf().held(someHost)).to.include({ generation: 6, lineage: someLineage });
      await refusedAsOlder({ generation: 6 });
      await receive({ generation: 7 });
      await storeOf().tidy();
      expect(await names()).to.deep.equal([
        ...[1, 5, 6].map((each) => `liferaft_${someHost}.${each}.tar`),
        latest,
      ]);
    });

    it('refuses a further one, and says why', async () => {
      const bytes = later({ generation: 7 });
      const announcedLater = { ...announced(liferaftOf({ generation: 7 })), size: bytes.length };
      const raw = bytes.subarray(512, bytes.indexOf(0, 512));
      const sent = { ...announcedLater, digest: digestOf(raw) };
      const { message } = await faultOf(
        'liferaft_of_later_format',
        storeOf().receive(sent, inPieces(bytes)),
      );
      expect(message).to.include('format 99');
    });
  });

  it('removes damaged liferafts before those that can be read', async () => {
    for (const generation of [1, 2, 3, 4]) await receive({ generation });
    await writeFile(join(folder(), `liferaft_${someHost}.3.tar`), 'no liferaft');
    await receive({ generation: 5 });
    expect(await names()).to.deep.equal([
      ...[1, 2, 4].map((generation) => `liferaft_${someHost}.${generation}.tar`),
      latest,
    ]);
  });

  describe('confirms', () => {
    it('that the latest liferaft still matches its host', async () => {
      const store = storeOf();
      await receive({}, store);
      const before = new Date('2026-01-01T00:00:00Z');
      await utimes(join(folder(), latest), before, before);
      const startedAt = Date.now();
      await store.confirm(someHost);
      const [listed] = await store.list();
      const seenAt = Date.parse((listed as { seenAt: string }).seenAt);
      // File times have the resolution of the kernel's tick.
      expect(seenAt).to.be.within(startedAt - 1000, Date.now());
      expect(await store.held(someHost)).to.include({ generation: 1 });
    });

    it('nothing for a host without a liferaft here', async () => {
      await storeOf().confirm(someHost);
      expect(await storeOf().held(someHost)).to.equal(undefined);
    });
  });

  it('notices a liferaft that another process replaced', async () => {
    const store = storeOf();
    await receive({ generation: 1 }, store);
    expect((await store.held(someHost))?.generation).to.equal(1);
    await receive({ generation: 2 }, storeOf());
    expect((await store.held(someHost))?.generation).to.equal(2);
    await faultOf('liferaft_older', receive({ generation: 2 }, store));
  });

  it('does not replace a liferaft that another process stored in the meantime', async () => {
    const store = storeOf();
    const made = liferaftOf({ generation: 2 });
    const source = (async function* () {
      yield made.bytes.subarray(0, -1);
      await receive({ generation: 3 }, storeOf());
      yield made.bytes.subarray(-1);
    })();
    await faultOf('liferaft_older', store.receive(announced(made), source));
    expect((await store.held(someHost))?.generation).to.equal(3);
    expect(await names()).to.deep.equal([latest]);
  });

  it('removes what a kill left: parts, and the second name of the latest', async () => {
    for (const generation of [1, 2]) await receive({ generation });
    await link(join(folder(), latest), join(folder(), `liferaft_${someHost}.2.tar`));
    await writeFile(join(folder(), 'incoming-0123456789ab.part'), 'a part');
    await writeFile(join(folder(), 'something-else'), 'of somebody else');
    await storeOf().tidy();
    expect(await names()).to.deep.equal([`liferaft_${someHost}.1.tar`, latest, 'something-else']);
    await storeOf().tidy();
  });

  it('keeps the first part of an interrupted liferaft for a day, even while it runs', async () => {
    await receive({ generation: 1 });
    const old = new Date(Date.now() - 25 * 3600 * 1000);
    const partOf = (hostId: string) => `partial_${hostId}_${'0'.repeat(64)}.part`;
    for (const hostId of [otherHost, '12345678'])
      await writeFile(join(folder(), partOf(hostId)), 'a part');
    await utimes(join(folder(), partOf(otherHost)), old, old);
    await receive({ generation: 2 });
    expect(await names())
      .to.include(partOf('12345678'))
      .and.not.to.include(partOf(otherHost));
  });

  it('may be tidied before it has any liferaft', async () => {
    await storeOf().tidy();
    expect(await storeOf().list()).to.deep.equal([]);
    expect(await storeOf().held(someHost)).to.equal(undefined);
  });

  describe('imports', () => {
    const path = () => join(temporary.path, 'brought.tar');

    it('a liferaft of any host from a file', async () => {
      const made = liferaftOf({ host: { id: otherHost }, generation: 4 });
      await writeFile(path(), made.bytes);
      expect(await storeOf().importFile(path())).to.deep.equal({
        name: `liferaft_${otherHost}.tar`,
        digest: made.digest,
        lineage: someLineage,
        generation: 4,
      });
      const file = await storeOf().open(`liferaft_${otherHost}.tar`);
      expect(await file.check()).to.include({ digest: made.digest });
      await file.close();
    });

    it('no liferaft that is older than the present one', async () => {
      await receive({ generation: 2 });
      await writeFile(path(), liferaftOf({ generation: 1 }).bytes);
      const { message } = await faultOf('liferaft_older', storeOf().importFile(path()));
      expect(message).to.match(
        /first delete the liferafts of that host .* 'hactl alphorn delete NAME\.\.\.'/,
      );
      expect(await names()).to.deep.equal([latest]);
    });

    it('no invalid liferaft', async () => {
      await writeFile(path(), liferaftOf().bytes.subarray(0, -1));
      await faultOf('liferaft_invalid', storeOf().importFile(path()));
      expect(await names()).to.deep.equal([]);
    });

    it('no liferaft that is too large', async () => {
      const made = liferaftOf();
      await writeFile(path(), made.bytes);
      await faultOf('liferaft_too_large', storeOf({ maxBytes: 1024 }).importFile(path()));
    });

    it('no missing file, and no folder', async () => {
      await faultOf('liferaft_not_found', storeOf().importFile(path()));
      await mkdir(path());
      await faultOf('liferaft_not_found', storeOf().importFile(path()));
    });
  });

  it('opens nothing by an invalid name', async () => {
    await receive({});
    for (const name of ['../x.tar', 'liferaft_5E7638BC.tar', 'liferaft_5e7638bc.0.tar', '']) {
      await faultOf('liferaft_not_found', storeOf().open(name));
      await faultOf('liferaft_not_found', storeOf().remove(name));
    }
  });

  it('treats a liferaft under the name of another host as damaged', async () => {
    await receive({});
    await rename(join(folder(), latest), join(folder(), `liferaft_${otherHost}.tar`));
    await faultOf('liferaft_damaged', storeOf().open(`liferaft_${otherHost}.tar`));
    expect(await storeOf().held(otherHost)).to.equal(undefined);
  });

  it('has a folder for root only, even if it existed before', async () => {
    await mkdir(folder(), { mode: 0o755 });
    await chmod(folder(), 0o755);
    await receive({});
    expect((await stat(folder())).mode & 0o777).to.equal(0o700);
  });
});
