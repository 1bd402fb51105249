// Measures the CPU time that a heartbeat of 500 listeners takes, on what a real haproxy printed:
//   npm run amphora:heartbeat -- --beats 300
// The whole making counts: reading the socket, parsing, counting, compressing, signing, and the file of the counters.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Command } from 'commander';

import { makeCounterFile } from '../../../src/amphora/heartbeat/counter-file.ts';
import { makeHeartbeats } from '../../../src/amphora/heartbeat/make.ts';
import { makeCounterReader } from '../../../src/amphora/heartbeat/read-counters.ts';
import { openCliSession } from '../../../src/haproxy/cli-session.ts';
import { makeLog } from '../../../src/kit/log.ts';
import { processStart } from '../../../src/kit/process-start.ts';
import { makeKnownSecrets } from '../../../src/kit/secrets/known-secrets.ts';
import { median, ms } from '../../bench/timing.ts';

const { beats, recording } = new Command('npm run amphora:heartbeat --')
  .option('--beats <count>', 'heartbeats to measure', '300')
  .option(
    '--recording <file>',
    'what `show stat` printed',
    join(import.meta.dirname, '../../fixtures/haproxy/many/500-listeners-2.6.12.csv.gz'),
  )
  .parse()
  .opts<{ beats: string; recording: string }>();

const barMs = 30;
/** A batch counts if the witness took at most so much longer than its best. */
const maxWitness = 1.3;
const batch = 20;

/** The same work each time. Under load, or at a lower clock, it takes longer. */
function witness(): number {
  const bytes = Buffer.alloc(1 << 20, 'witness');
  const begun = process.cpuUsage();
  for (let index = 0; index < 20; index += 1) createHash('sha256').update(bytes).digest();
  return cpuMs(begun);
}

const cpuMs = (begun: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000;
};

const folder = await mkdtemp(join(tmpdir(), 'heartbeat-'));
const socket = join(folder, 'socket');
const server = spawn(
  process.execPath,
  [
    '--import',
    import.meta.resolve('tsx'),
    join(import.meta.dirname, 'stats-server.ts'),
    socket,
    recording,
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
await once(server.stdout, 'data');

let sent = 0;
let bytes = 0;
const owner = { kind: 'loadbalancer', id: 'lb' } as const;
const heartbeats = makeHeartbeats({
  amphora: '5f0e0001-aaaa-4000-8000-000000000001',
  settings: { controllers: [{ host: '127.0.0.1', port: 5555 }], key: 'key', intervalMs: 1 },
  owners: () => Promise.resolve([owner]),
  reader: makeCounterReader({
    socketOf: () => socket,
    masterOf: () => socket,
    openSession: (path) => openCliSession(path, { deadlineMs: 5000, idleSeconds: 60 }),
    ask: () => Promise.resolve(undefined),
    startOf: processStart,
  }),
  file: makeCounterFile(join(folder, 'counters.json')),
  mayBeat: () => Promise.resolve(undefined),
  log: makeLog('warn', makeKnownSecrets()),
  count: () => undefined,
  datagrams: {
    send: (datagram) => {
      sent += 1;
      bytes = datagram.length;
      return Promise.resolve();
    },
    close: () => undefined,
  },
});

async function beatsPass(count: number): Promise<void> {
  const until = sent + count;
  while (sent < until) await sleep(1);
}

await heartbeats.start();
await beatsPass(2 * batch);
const found: { each: number; witness: number }[] = [];
for (let done = 0; done < Number(beats); done += batch) {
  const before = witness();
  const begun = process.cpuUsage();
  const first = sent;
  await beatsPass(batch);
  found.push({ each: cpuMs(begun) / (sent - first), witness: before });
}
await heartbeats.stop();
server.kill();
await rm(folder, { recursive: true });

const best = Math.min(...found.map((each) => each.witness));
const good = found.filter((each) => each.witness <= maxWitness * best);
const times = good.map(({ each }) => each);
const [middle, worst] = [median(times), Math.max(...times)];
console.log(
  `A heartbeat of 500 listeners with two members each, ${bytes} bytes: ${ms(middle)} of CPU (median of ${good.length} of ${found.length} batches of ${batch}), worst batch ${ms(worst)}. Bar ${barMs} ms: ${middle <= barMs ? 'held' : 'MISSED'}. The witness took ${ms(best)} at best and ${ms(median(found.map((each) => each.witness)))} in the median.`,
);
if (middle > barMs) process.exitCode = 1;
