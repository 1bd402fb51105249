import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import type { BeatListener } from '../../src/amphora/heartbeat/payload.ts';
import { beatBytes, beatListener, openSender } from '../support/balancer/beats.ts';
import type { ControllerPlace } from '../support/controller/process.ts';

/** What a receiver of heartbeats has used. */
export interface BeatCost {
  /** The part of one core. */
  share: number;
  taken: number;
  sent: number;
  /** The load balancers that are ONLINE afterwards. */
  online: number;
}

/** What the program of scale-receiver.ts says. */
export type FromReceiver =
  | { kind: 'counting' }
  | { kind: 'listening'; port: number }
  | { kind: 'used'; cpuMs: number; ms: number; taken: number };

const nodesOfEach = 2;
const intervalMs = 10_000;
const sendEveryMs = 50;

/**
 * Sends the heartbeats of two amphorae for each load balancer to the receiver of the controller, over its store. Each of
 * them has counted something, as under traffic.
 * @param place of a controller that has ended; the placements in its store are replaced
 */
export async function measureBeats(place: ControllerPlace, rounds: number): Promise<BeatCost> {
  const file = join(place.state, 'store.db');
  const listeners = spread(file);
  const program = fileURLToPath(new URL('scale-receiver.ts', import.meta.url));
  const child = fork(program, [place.state, String(listeners.length)]);
  const listening = await next(child, 'listening');
  const sender = await openSender(listening.port);
  let [seq, sent] = [0, 0];
  async function sendAll(): Promise<void> {
    seq += 1;
    const begun = performance.now();
    let at = 0;
    while (at < listeners.length) {
      const due = Math.floor(((performance.now() - begun) / intervalMs) * listeners.length) + 1;
      for (; at < Math.min(due, listeners.length); at += 1) {
        await sender.send(beatBytes(`a${at + 1}`, seq, [listeners[at] as BeatListener]));
        sent += 1;
      }
      await delay(sendEveryMs);
    }
    await delay(Math.max(0, begun + intervalMs - performance.now()));
  }
  try {
    // The first round changes all statuses, which happens once.
    await sendAll();
    child.send('start');
    await next(child, 'counting');
    sent = 0;
    for (let round = 0; round < rounds; round += 1) await sendAll();
    child.send('end');
    const { cpuMs, ms, taken } = await next(child, 'used');
    await once(child, 'exit');
    return { share: cpuMs / ms, taken, sent, online: onlineIn(file) };
  } finally {
    sender.close();
    child.kill();
  }
}

async function next<K extends FromReceiver['kind']>(
  child: ChildProcess,
  kind: K,
): Promise<Extract<FromReceiver, { kind: K }>> {
  for (;;) {
    const [said] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => {
        throw new Error(`the receiver ended before it was ${kind}`);
      }),
    ])) as [FromReceiver];
    if (said.kind === kind) return said as Extract<FromReceiver, { kind: K }>;
  }
}

/** Gives each load balancer two nodes of its own. @returns what each of these nodes says, the first one first */
function spread(file: string): BeatListener[] {
  const database = new DatabaseSync(file);
  const all = database
    .prepare('SELECT l.id, l.load_balancer, l.default_pool FROM balancer_listeners l ORDER BY l.id')
    .all();
  const members = database.prepare('SELECT id FROM balancer_members WHERE pool = ?');
  database.exec('BEGIN; DELETE FROM balancer_placements');
  const place = database.prepare(
    'INSERT INTO balancer_placements (load_balancer, node, rank, peer_port, placed_ms) VALUES (?, ?, ?, 1025, 0)',
  );
  const said: BeatListener[] = [];
  for (const row of all) {
    const pool = String(row['default_pool']);
    const up = members.all(pool).map(({ id }) => [String(id), 'UP']);
    for (let rank = 0; rank < nodesOfEach; rank += 1) {
      place.run(String(row['load_balancer']), said.length + 1, rank);
      const stats = { tx: 1000, rx: 500, conns: 3, totconns: 7 };
      const id = String(row['id']);
      const listener = beatListener(id, stats, Object.fromEntries(up) as Record<string, string>);
      said.push({
        ...listener,
        pools: listener.pools.map((each) => ({ ...each, name: `${pool}:${id}` })),
      });
    }
  }
  database.exec('COMMIT');
  database.close();
  return said;
}

function onlineIn(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true });
  const row = database
    .prepare("SELECT count(*) AS count FROM balancer_load_balancers WHERE operating = 'ONLINE'")
    .get();
  database.close();
  return Number(row?.['count']);
}
