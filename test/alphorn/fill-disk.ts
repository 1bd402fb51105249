// Makes and receives liferafts on a disk of its own with more and more free bytes, and prints each outcome
// (full-disk.test.ts). It must be run where it may mount.
import { readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { execa } from 'execa';

import { makeLiferaftBuilder } from '../../src/alphorn/collecting/builder.ts';
import { openLiferaft } from '../../src/alphorn/format/liferaft-file.ts';
import { openStore } from '../../src/alphorn/receiving/store.ts';
import { Fault } from '../../src/kit/fault.ts';
import { alphornPathsIn } from '../support/alphorn-host.ts';
import { inPieces, liferaftOf, someHost } from '../support/liferafts.ts';

const [, , folder = '', who = ''] = process.argv;
const paths = alphornPathsIn(folder);
const disk = who === 'sender' ? paths.own : paths.liferafts;
const latest = `liferaft_${someHost}.tar`;
const ballast = join(disk, 'ballast');
const step = 16_384;

/** Leaves this number of bytes free on the disk. */
async function leave(bytes: number): Promise<void> {
  await rm(ballast, { force: true });
  const { bavail, bsize } = await statfs(disk);
  await writeFile(ballast, Buffer.alloc(Math.max(0, bavail * bsize - bytes), 1));
}

async function soundGeneration(): Promise<number> {
  const file = await openLiferaft(join(disk, latest), someHost);
  const checked = await file?.check();
  await file?.close();
  return checked?.manifest.generation ?? 0;
}

async function makeNext(generation: number): Promise<void> {
  await writeFile(join(folder, 'etc', 'a'), `${generation}`.padEnd(600_000, 'x'));
  await makeLiferaftBuilder({ paths }).round();
}

async function receiveNext(generation: number): Promise<void> {
  const files = { '/etc/a': `${generation}`.padEnd(600_000, 'x') };
  const { digest, bytes } = liferaftOf({ generation, files });
  const announced = { hostId: someHost, digest, size: bytes.length, rebuilt: false };
  await openStore(disk, { keep: 1, maxBytes: 2 ** 20 }).receive(announced, inPieces(bytes));
}

const next = who === 'sender' ? makeNext : receiveNext;
await execa('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]);
await next(1);
for (let room = 0; ; room += step) {
  await leave(room);
  const outcome = await next(2).then(
    () => 'done',
    (error: unknown) => (error instanceof Fault ? error.code : String(error)),
  );
  const names = (await readdir(disk)).filter((name) => name !== 'ballast');
  const generation = await soundGeneration();
  console.log(JSON.stringify({ room, outcome, names, generation }));
  if (outcome === 'done' || room > 2 ** 20) break;
}
