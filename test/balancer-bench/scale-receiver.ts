// The receiver of heartbeats of a controller over its real store, alone in a process, so that its CPU can be told:
//   node --import tsx scale-receiver.ts FOLDER-OF-THE-STORE NUMBER-OF-AMPHORAE
import { makeHeartbeats } from '../../src/balancer/heartbeats/heartbeats.ts';
import { makeOperatingState } from '../../src/balancer/state/operating.ts';
import { allMigrations } from '../../src/bin/wiring/controller/families.ts';
import { openStore } from '../../src/controller/store/open.ts';
import { makeLog } from '../../src/kit/log.ts';
import { beatKey } from '../support/balancer/beats.ts';
import type { FromReceiver } from './scale-beats.ts';

const [folder = '', count = ''] = process.argv.slice(2);
const amphorae = new Map(
  Array.from({ length: Number(count) }, (_each, index) => [`a${index + 1}`, index + 1]),
);
const store = await openStore({ folder, migrations: allMigrations });
const heartbeats = makeHeartbeats({
  listen: { host: '127.0.0.1', port: 0 },
  key: beatKey,
  nodeOf: (amphora) => amphorae.get(amphora),
  isMaster: (node) => node % 2 === 1,
  isAlive: () => true,
  store: makeOperatingState(store),
  log: makeLog('error'),
  times: { intervalMs: 10_000, timeoutMs: 60_000 },
});
const say = (what: FromReceiver) => process.send?.(what);
await heartbeats.start();
say({ kind: 'listening', port: heartbeats.port() });

const taken = () => heartbeats.counts().taken ?? 0;
let begun = { cpu: process.cpuUsage(), at: performance.now(), taken: 0 };
process.on('message', (what) => {
  if (what === 'start') {
    begun = { cpu: process.cpuUsage(), at: performance.now(), taken: taken() };
    say({ kind: 'counting' });
    return;
  }
  const { user, system } = process.cpuUsage(begun.cpu);
  const used = { cpuMs: (user + system) / 1000, ms: performance.now() - begun.at };
  say({ kind: 'used', ...used, taken: taken() - begun.taken });
  void heartbeats
    .stop()
    .then(() => store.close())
    .then(() => {
      process.disconnect();
    });
});
