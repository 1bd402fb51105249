import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { makeLiferaftBuilder } from '../../src/alphorn/collecting/builder.ts';
import { openLiferaft } from '../../src/alphorn/format/liferaft-file.ts';
import { openStore } from '../../src/alphorn/receiving/store.ts';
import { alphornPathsIn, makeAlphornHost } from '../support/alphorn-host.ts';
import { someHost } from '../support/liferafts.ts';
import { roundOf, runAndKill } from '../support/run-and-kill.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const kills = 100;
/** The number of hosts that are killed in parallel. Most of the time is spent on their start. */
const lanes = 4;
const latest = `liferaft_${someHost}.tar`;
/** Reads the generation of a liferaft after a check of every byte. */
async function soundGeneration(path: string): Promise<number> {
  const file = await openLiferaft(path, someHost);
  if (file === undefined) throw new Error(`${path} is not there`);
  try {
    return (await file.check()).manifest.generation;
  } finally {
    await file.close();
  }
}

/** Kills the script at a hundred moments, each lane in its own folder, and checks the folder after each kill. */
async function killEach(
  name: string,
  folders: readonly string[],
  look: (folder: string, said: number) => Promise<void>,
): Promise<void> {
  const script = new URL(name, import.meta.url);
  await Promise.all(
    folders.map(async (folder, lane) => {
      // On a slow machine, a fixed time would end before the round writes anything.
      const roundMs = await roundOf(script, folder);
      for (let kill = lane; kill < kills; kill += folders.length) {
        const afterMs = (((kill * 7) % 100) / 100) * roundMs;
        await look(folder, await runAndKill(script, folder, afterMs));
      }
    }),
  );
}

describe('SIGKILL at any moment', () => {
  const folder = temporaryFolder();
  const folders = () => Array.from({ length: lanes }, (_, lane) => join(folder.path, `${lane}`));

  it(`while a liferaft is made leaves the old or the new one complete, in ${kills} tries`, async () => {
    for (const each of folders()) await makeAlphornHost(each, { a: 'alpha', b: 'beta' });
    let leftovers = 0;
    await killEach('build-until-killed.ts', folders(), async (each, said) => {
      const { own } = alphornPathsIn(each);
      const found = await soundGeneration(join(own, latest));
      expect(found - said, 'further than it had said').to.be.within(0, 1);
      const others = (await readdir(own)).filter((name) => name !== latest);
      expect(others.length, 'what was in the making').to.be.at.most(1);
      leftovers += others.length;
    });
    // Otherwise no kill came while a liferaft was written.
    expect(leftovers).to.be.above(0);
    for (const paths of folders().map(alphornPathsIn)) {
      await makeLiferaftBuilder({ paths }).round();
      expect(await readdir(paths.own)).to.deep.equal([latest]);
    }
  });

  it(`while a liferaft is received leaves the old or the new one complete, in ${kills} tries`, async () => {
    for (const each of folders()) await mkdir(each);
    let leftovers = 0;
    await killEach('receive-until-killed.ts', folders(), async (each, said) => {
      const names = await readdir(each);
      expect((await soundGeneration(join(each, latest))) - said).to.be.within(0, 1);
      for (const name of names.filter((former) => /\.\d+\.tar$/.test(former))) {
        const generation = await soundGeneration(join(each, name));
        expect(name).to.equal(`liferaft_${someHost}.${generation}.tar`);
      }
      leftovers += names.filter((name) => name.endsWith('.part')).length;
    });
    expect(leftovers).to.be.above(0);
    for (const each of folders()) {
      const store = openStore(each, { keep: 3, maxBytes: 16 * 1024 * 1024 });
      await store.tidy();
      const listed = await store.list();
      expect(listed.map(({ name }) => name)).to.have.members(await readdir(each));
      const generations = listed.map((one) => ('generation' in one ? one.generation : Number.NaN));
      const [last = 0] = generations;
      expect(generations).to.deep.equal([last, last - 1, last - 2]);
    }
  });
});
