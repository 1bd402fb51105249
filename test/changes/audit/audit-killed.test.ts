import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { openRotatedLog } from '../../../src/changes/audit/audit-files.ts';
import { allOf } from '../../support/all-of.ts';
import { runAndKill } from '../../support/run-and-kill.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const kills = 100;
/** The number of logs whose writers are killed in parallel. Most of the time is spent on their start. */
const lanes = 4;
const keeping = { maxBytes: 600, keepFiles: 100_000 };
const script = new URL('audit-until-killed.ts', import.meta.url);

describe('SIGKILL of the writer of an audit log,', () => {
  const folder = temporaryFolder();

  it(`${kills} times and also during a rotation, loses no recorded line and breaks no hash`, async () => {
    let cut = 0;
    const killEach = async (lane: number) => {
      const each = join(folder.path, `${lane}`);
      await mkdir(each);
      for (let kill = lane; kill < kills; kill += lanes) {
        const last = await runAndKill(script, each, (kill * 7) % 100);
        const log = openRotatedLog(join(each, 'audit.jsonl'), keeping);
        const lines = (await allOf(log.latest())).toReversed();
        const numbers = lines.map((line) =>
          Number((JSON.parse(line) as { caller: string }).caller),
        );
        expect(numbers, `kill ${kill}`).to.deep.equal(numbers.map((_, index) => index + 1));
        // One more line may be there, whose writing was not confirmed before the kill.
        expect(numbers.length - last, `kill ${kill}`).to.be.within(0, 1);
        expect((await log.verify()).problems, `kill ${kill}`).to.deep.equal([]);
        // This file exists only during a rotation.
        if ((await readdir(each)).some((name) => name.startsWith('audit.lock.'))) cut += 1;
      }
    };
    await Promise.all(Array.from({ length: lanes }, (_, lane) => killEach(lane)));
    // Otherwise no kill came during a rotation.
    expect(cut).to.be.above(kills / 10);
  });
});
