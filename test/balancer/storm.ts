// Kills a controller of load balancers at random points, as often as requested:
//   npm run storm:balancer -- [--kills 200] [--seed NUMBER] [--minutes 90] [--fresh]
// Its nodes are simulated, and at a quarter of the kills one of them dies too. It goes on where an interrupted run with the
// same seed stopped; --fresh begins again.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { openTries } from '../amphora-bench/tries.ts';
import { balancerStorm, type BalancerStormCounts } from '../support/balancer/storm/storm.ts';
import { randomOf } from '../support/random.ts';

/** Each round has a store of its own, so that an interrupted run loses only one. */
const killsOfRound = 10;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string' },
    minutes: { type: 'string', default: '90' },
    fresh: { type: 'boolean', default: false },
  },
});

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

const seed = Number(values.seed ?? Date.now() % 1_000_000);
const kills = Number(values.kills);
const end = performance.now() + Number(values.minutes) * 60_000;
console.log(`seed ${seed}: '-- --kills ${kills} --seed ${seed}' does the same again`);
const tries = await openTries<BalancerStormCounts>(`storm-balancer-${seed}`, values.fresh);
const sum = (key: keyof BalancerStormCounts) =>
  tries.done.reduce((total, each) => total + each[key], 0);
while (sum('kills') < kills && performance.now() < end) {
  const folder = await mkdtemp(join(tmpdir(), 'storm-'));
  try {
    const random = randomOf(seed + tries.done.length);
    const count = Math.min(killsOfRound, kills - sum('kills'));
    const heartbeatPort = await freeUdpPort();
    await tries.add(await balancerStorm(folder, { random, kills: count, heartbeatPort }));
    console.log(`${sum('kills')} of ${kills}: ${JSON.stringify(tries.done.at(-1))}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
console.log(
  `${sum('kills')} kills, ${sum('withNode')} with a node, ${sum('answered')} answers, ${sum('asked')} requests to agents: all there, none twice`,
);
if (sum('kills') < kills) console.log(`Run it again with --seed ${seed} for the rest.`);
else await tries.forget();
