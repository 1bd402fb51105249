import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { expect } from 'chai';

import {
  askApi,
  type ControllerPlace,
  type ControllerProcess,
  makeControllerPlace,
  startControllerProcess,
} from '../support/controller/process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** The names of all gateways. */
async function namesOf(place: ControllerPlace): Promise<string[]> {
  const answer = await askApi(place, { method: 'GET', path: '' });
  return (answer?.body.data as { data: { name: string }[] }).data.map(({ name }) => name);
}

describe('a controller on a small disk', function () {
  this.timeout(300_000);
  const folder = temporaryFolder();

  it('refuses changes with 507 while it is full, has nothing half, and goes on when there is room', async () => {
    const state = join(folder.path, 'disk');
    mkdirSync(state);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'tmpfs', state]);
    let controller: ControllerProcess | undefined;
    try {
      const place = await makeControllerPlace(folder.path, state);
      const add = (name: string) => askApi(place, { method: 'POST', path: '', body: { name } });
      controller = startControllerProcess(place);
      await controller.listening;
      expect((await add('before'))?.status).to.equal(200);
      const filler = join(state, 'filler');
      try {
        writeFileSync(filler, Buffer.alloc(8 * 1024 * 1024));
      } catch {
        // It is as long as there is room.
      }
      const made: string[] = [];
      let full;
      // The log of the store has some room in itself.
      for (let at = 0; at < 200 && full?.status !== 507; at += 1) {
        full = await add(`g${at}`);
        if (full?.status === 200) made.push(`g${at}`);
      }
      expect(full?.status, JSON.stringify(full?.body)).to.equal(507);
      expect(full?.body.code).to.equal('no_space');
      expect(await namesOf(place)).to.deep.equal(['before', ...made]);
      const token = controller.ask({ method: 'POST', path: '/join-tokens', body: {} });
      expect(await token.catch((error: unknown) => error)).to.include({ code: 'no_space' });
      rmSync(filler);
      expect((await add('after'))?.status).to.equal(200);
      await controller.kill();
      controller = startControllerProcess(place);
      await controller.listening;
      expect(await namesOf(place)).to.deep.equal(['before', ...made, 'after']);
    } finally {
      await controller?.kill();
      execFileSync('umount', [state]);
    }
  });
});

describe('a controller whose disk has become read-only', function () {
  this.timeout(300_000);
  const folder = temporaryFolder();

  it('answers changes with 503 and a word on what to do, and still answers reads', async () => {
    const [image, state] = [join(folder.path, 'image'), join(folder.path, 'disk')];
    mkdirSync(state);
    execFileSync('truncate', ['--size=32M', image]);
    execFileSync('mkfs.ext4', ['-q', image]);
    const mount = () => execFileSync('mount', ['-o', 'loop,errors=remount-ro', image, state]);
    mount();
    let controller: ControllerProcess | undefined;
    try {
      const place = await makeControllerPlace(folder.path, state);
      const add = (name: string) => askApi(place, { method: 'POST', path: '', body: { name } });
      controller = startControllerProcess(place);
      await controller.listening;
      const first = await add('before');
      expect(first?.status, JSON.stringify(first?.body)).to.equal(200);
      // As the kernel does after an error of the disk.
      const device = execFileSync('findmnt', ['-no', 'SOURCE', state]).toString().trim();
      writeFileSync(`/sys/fs/ext4/${basename(device)}/trigger_fs_error`, 'test');
      const refused = await add('meanwhile');
      expect(refused?.status, JSON.stringify(refused?.body)).to.equal(503);
      expect(refused?.body.code).to.equal('store_unavailable');
      expect(refused?.body.msg).to.include('findmnt -T');
      expect(await namesOf(place)).to.deep.equal(['before']);
    } finally {
      await controller?.kill();
      execFileSync('umount', [state]);
    }
  });
});
