import { createHash } from 'node:crypto';
import { readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { placesOf } from '../../../src/amphora/haproxies/places.ts';
import { askWorker } from '../../../src/haproxy/socket.ts';
import { run } from '../../lab/run.ts';
import { freePort } from '../peer-host.ts';
import type { Random } from '../random.ts';
import { ask, type ClientAnswer, credentialsIn, type Target } from './asking.ts';
import { amphoraOfFolder, type FolderPlaces, placesIn, prepareFolder } from './in-folder.ts';
import { type StormAgent, startStormAgent } from './storm-agent.ts';
import { bystander, changed, configOf, type StormStep, stormSteps } from './storm-steps.ts';

// An agent that is killed at random points of its changes, and whose disk becomes full at random points. After each:
//
// - each file has its former content or the new one, and never a part of one;
// - the agent starts, and the repeated request succeeds;
// - the files and the process of another owner are as they were, and nothing temporary stays.

export interface AmphoraStormOptions {
  random: Random;
  kills: number;
  /** The number of kills after which the disk becomes full once. */
  fullEach?: number;
}

export interface AmphoraStormCounts {
  kills: number;
  /** Kills before the answer came. */
  before: number;
  full: number;
  /** Requests that a full disk failed. */
  refused: number;
  /** What was found after the kills: the former content, or the new one. */
  former: number;
  next: number;
}

/**
 * @param folder see placesIn; the caller must be allowed to mount
 * @throws {Error} with the step and the round
 */
export async function amphoraStorm(
  folder: string,
  options: AmphoraStormOptions,
): Promise<AmphoraStormCounts> {
  const places = placesIn(folder);
  await run(['mkdir', '-p', places.disk]);
  await run(['mount', '-t', 'tmpfs', '-o', 'size=16m,mode=755', 'tmpfs', places.disk]);
  try {
    await prepareFolder(places);
    return await storm(folder, places, options);
  } finally {
    for (const id of [changed, bystander]) await stopHaproxy(places, id);
    await run(['umount', '--lazy', places.disk]);
  }
}

async function storm(
  folder: string,
  places: FolderPlaces,
  { random, kills, fullEach = 2 }: AmphoraStormOptions,
): Promise<AmphoraStormCounts> {
  const counts = { kills: 0, before: 0, full: 0, refused: 0, former: 0, next: 0 };
  const [port, ofChanged, ofBystander] = [await freePort(), await freePort(), await freePort()];
  const target: Target = {
    host: '127.0.0.1',
    port,
    servername: amphoraOfFolder,
    credentials: await credentialsIn(places.trust),
  };
  const steps = stormSteps(places, { changed: ofChanged, bystander: ofBystander });
  const usualMs = new Map<string, number>();
  let agent = await startStormAgent(folder, port);

  async function wellAsked(...request: Parameters<StormStep['request']> | readonly unknown[]) {
    const [method, path, body] = request as readonly [string, string, string];
    const answer = await ask(target, method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  }

  async function setUp(id: string, servedPort: number, round: number): Promise<void> {
    const upload = `/1.0/loadbalancer/${amphoraOfFolder}/${id}/haproxy`;
    await wellAsked('PUT', upload, configOf(places, id, servedPort, round));
    await wellAsked('PUT', `/1.0/loadbalancer/${id}/start`, '');
  }

  async function expectSound(step: StormStep, round: number, when: string): Promise<void> {
    const found = await step.state();
    const index = step.expected(round).indexOf(found);
    if (index < 0) throw new Error(`${when}: neither the former nor the new content: ${found}`);
    if (when === 'killed') counts[found === step.expected(round).at(-2) ? 'next' : 'former'] += 1;
  }

  async function repeat(step: StormStep, round: number): Promise<void> {
    const answer = await ask(target, ...step.request(round));
    if (!step.repeated.includes(answer.status)) {
      throw new Error(`the repeated request: ${answer.status} ${answer.text} ${agent.errors()}`);
    }
    const left = await leftOver(places.disk);
    if (left.length > 0) throw new Error(`left over: ${left.join(', ')}`);
    if (step.name === 'delete') {
      const names = await readdir(places.paths.base);
      if (names.includes(changed)) throw new Error('the deleted owner is still there');
    }
  }

  async function killDuring(step: StormStep, round: number): Promise<StormAgent> {
    const started = performance.now();
    let answered: ClientAnswer | undefined;
    const asking = ask(target, ...step.request(round)).then(
      (answer) => (answered = answer),
      () => undefined,
    );
    // The first request of each kind is not killed, so that its usual time is known.
    const usual = usualMs.get(step.name);
    if (usual === undefined) {
      await asking;
      usualMs.set(step.name, performance.now() - started);
    } else {
      await Promise.race([asking, sleep(random() * usual * 1.1)]);
    }
    await agent.kill();
    await asking;
    counts.kills += 1;
    if (answered === undefined) counts.before += 1;
    await expectSound(step, round, 'killed');
    return startStormAgent(folder, port);
  }

  async function withFullDisk(step: StormStep, round: number): Promise<void> {
    const ballast = join(places.disk, 'ballast');
    const { bavail, bsize } = await statfs(places.disk);
    const room = Math.floor(random() * 4) * bsize;
    await writeFile(ballast, Buffer.alloc(Math.max(0, bavail * bsize - room), 1));
    const { status, text } = await ask(target, ...step.request(round));
    await rm(ballast);
    counts.full += 1;
    if (status >= 500) counts.refused += 1;
    if (status >= 500 && !/no_space|audit_failed|is full|write/.test(text)) {
      throw new Error(`with ${room} bytes: ${status} ${text}`);
    }
    if (status >= 400 && status < 500 && !step.repeated.includes(status)) {
      throw new Error(`with ${room} bytes: ${status} ${text}`);
    }
    await expectSound(step, round, `with ${room} bytes`);
  }

  try {
    await setUp(bystander, ofBystander, 0);
    const before = await stateOf(places, bystander);
    for (let round = 0; counts.kills < kills; round += 1) {
      for (const step of steps) {
        if (counts.kills >= kills) break;
        try {
          if (step.name === 'upload') await setUp(changed, ofChanged, round + 1);
          agent = await killDuring(step, round);
          await expectSound(step, round, 'started again');
          if (counts.kills % fullEach === 0) await withFullDisk(step, round);
          await repeat(step, round);
          if ((await stateOf(places, bystander)) !== before)
            throw new Error('another owner changed');
        } catch (error) {
          const why = error instanceof Error ? error.message : String(error);
          throw new Error(`${step.name} of round ${round}: ${why}`, { cause: error });
        }
      }
    }
    return counts;
  } finally {
    await agent.kill();
  }
}

/** The files of an owner, and the process that serves it. */
async function stateOf(places: FolderPlaces, id: string): Promise<string> {
  const { folder, statsSocket } = placesOf(places.paths, id);
  const worker = await askWorker(statsSocket, { deadlineMs: 10_000 });
  const files: string[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const bytes = await readFile(join(folder, name)).catch(() => 'a socket');
    files.push(name, createHash('sha256').update(bytes).digest('hex'));
  }
  return JSON.stringify([worker?.pid, files]);
}

/** Temporary files below a folder. */
async function leftOver(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => /\.new$/.test(name));
}

async function stopHaproxy(places: FolderPlaces, id: string): Promise<void> {
  const { pid, config } = placesOf(places.paths, id);
  const number = Number(await readFile(pid, 'utf8').catch(() => ''));
  const argv = await readFile(`/proc/${number}/cmdline`, 'utf8').catch(() => '');
  if (number > 0 && argv.split('\0').includes(config)) process.kill(number, 'SIGTERM');
}
