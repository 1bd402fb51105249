// Measures a controller with many load balancers, whose nodes are simulated, and SQLite alone next to it:
//   npm run balancer:scale -- [--balancers 1000]
// It fails if a bar is missed.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';

import { Command } from 'commander';

import { bundle } from '../../packaging/bundle.ts';
import { startWitness } from '../amphora-bench/figures/witness.ts';
import { percentile } from '../bench/timing.ts';
import { progressOnStderr, step } from '../lab/progress.ts';
import { simulateAgent } from '../support/balancer/agents.ts';
import { stormConfig, stormNetwork } from '../support/balancer/storm/storm.ts';
import {
  askPlace,
  type ControllerPlace,
  type ControllerProcess,
  makeControllerPlace,
  startControllerProcess,
} from '../support/controller/process.ts';
import { argvOf } from '../support/run-and-kill.ts';
import { joinNode, type StormNode } from '../support/controller/storm.ts';
import { reportOf, type Row } from './report.ts';
import { measureBeats } from './scale-beats.ts';

const options = new Command('npm run balancer:scale --')
  .option('--balancers <count>', 'each with a listener, a pool and three members', '1000')
  .option('--reads <count>', 'of each kind', '100')
  .option('--changes <count>', '', '100')
  .option('--rounds <count>', 'of heartbeats, each of 10 s', '3')
  .parse()
  .opts<{ balancers: string; reads: string; changes: string; rounds: string }>();

const nodeCount = 4;
const rows: Row[] = [];
const agent = new https.Agent({ keepAlive: true, maxSockets: 8 });

async function ask(
  place: ControllerPlace,
  method: string,
  path: string,
  body?: object,
): Promise<unknown> {
  const request = { method, path: `/v1${path}`, ...(body && { body }) };
  const answer = await askPlace(place, request, agent);
  const isRight = answer?.status === (method === 'GET' ? 200 : 202);
  if (!isRight) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
  return answer.body;
}

const bodyOf = (number: number): object => {
  const member = (last: number) => ({
    ...{ ip_address: `10.7.${number >> 8}.${number & 255}`, protocol_port: 8000 + last },
  });
  const pool = {
    ...{ protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', members: [1, 2, 3].map(member) },
  };
  const listener = { protocol: 'HTTP', protocol_port: 80, default_pool: pool };
  return {
    ...{ name: `scale-${number}`, tenant_id: 'scale', listeners: [listener] },
    vip: { subnet_id: stormNetwork.subnet },
  };
};

async function makeAll(place: ControllerPlace, count: number): Promise<string[]> {
  const ids: string[] = [];
  const numbers = Array.from({ length: count }, (_, index) => index).values();
  const one = async (): Promise<void> => {
    for (const number of numbers) {
      const made = await ask(place, 'POST', '/loadbalancers?wait=30s', bodyOf(number));
      ids.push((made as { id: string }).id);
    }
  };
  await Promise.all(Array.from({ length: 8 }, one));
  return ids;
}

async function times(count: number, work: (index: number) => Promise<unknown>): Promise<number[]> {
  const found: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const begun = performance.now();
    await work(index);
    found.push(performance.now() - begun);
  }
  return found;
}

const text = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;

function judge(what: string, found: readonly number[], share: number, maxMs: number): void {
  const value = percentile(found, share);
  rows.push({
    what: `${what} (p50, p95 of ${found.length})`,
    measured: `${text(percentile(found, 0.5))}, ${text(percentile(found, 0.95))}`,
    ...{ bar: `p${100 * share} ${maxMs} ms`, isHeld: value <= maxMs },
  });
}

async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
}

/** The same reads from SQLite alone, in a process of this program's own. */
async function readAlone(place: ControllerPlace, count: number): Promise<void> {
  const database = new DatabaseSync(join(place.state, 'store.db'), { readOnly: true });
  const all = 'SELECT * FROM balancer_load_balancers ORDER BY created_ms, id';
  for (const limit of [100, Number(options.balancers)]) {
    const found = await times(count, () =>
      Promise.resolve(database.prepare(`${all} LIMIT ${limit}`).all()),
    );
    rows.push({
      what: `SQLite alone, ${limit} rows of load balancers (p50)`,
      measured: text(percentile(found, 0.5)),
    });
  }
  database.close();
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

async function measure(place: ControllerPlace, ids: readonly string[]): Promise<void> {
  const reads = Number(options.reads);
  const list = (limit: number) => () => ask(place, 'GET', `/loadbalancers?limit=${limit}`);
  judge('GET of a page of 100', await times(reads, list(100)), 0.5, 15);
  judge(`GET of ${ids.length}`, await times(reads, list(ids.length)), 0.5, 60);
  const one = await times(reads, (at) =>
    ask(place, 'GET', `/loadbalancers/${ids[(7 * at) % ids.length]}`),
  );
  judge('GET of one', one, 0.5, 3);
  const changes = await times(Number(options.changes), async (at) => {
    const path = `/loadbalancers/${ids[(13 * at) % ids.length]}`;
    const [listener] = (await ask(place, 'GET', `${path}/listeners`)) as { id: string }[];
    await ask(place, 'PUT', `${path}/listeners/${listener?.id}?wait=30s`, {
      connection_limit: 1000 + at,
    });
  });
  judge('a change to ACTIVE, with a read before it', changes, 0.95, 1000);
}

/** The program as the package has it, with the options and variables of its service: both have a share in its memory. */
async function packagedProgram(into: string): Promise<readonly string[]> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  await bundle(root, join(into, 'dist'));
  const unit = await readFile(join(root, 'systemd/ha-controller.service'), 'utf8');
  const [, commandLine = ''] = /^ExecStart=(.*)$/m.exec(unit) ?? [];
  const flags = commandLine.split(' ').filter((word) => word.startsWith('--'));
  const variables = [...unit.matchAll(/^Environment=(.*)$/gm)].flatMap(
    ([, line]) => line?.split(' ') ?? [],
  );
  const [node] = argvOf('');
  return ['env', ...variables, node, ...flags, join(into, 'dist/bin/ha-controller.js')];
}

async function start(
  place: ControllerPlace,
): Promise<{ controller: ControllerProcess; ms: number }> {
  const begun = performance.now();
  const controller = startControllerProcess(place, program);
  await controller.listening;
  return { controller, ms: performance.now() - begun };
}

const folder = await mkdtemp(join(tmpdir(), 'balancer-scale-'));
const program = await packagedProgram(folder);
const config = stormConfig(folder, await freeUdpPort());
const place = await makeControllerPlace(folder, join(folder, 'state'), config);
let { controller } = await start(place);
const nodes: StormNode[] = [];
const witness = startWitness();
const begun = performance.now();
try {
  for (let at = 1; at <= nodeCount; at += 1) {
    const joined = await joinNode({ place, controller, folder }, at);
    simulateAgent(joined.node);
    nodes.push(joined);
  }
  const ids = await step(progressOnStderr, `${options.balancers} load balancers`, () =>
    makeAll(place, Number(options.balancers)),
  );
  await step(progressOnStderr, 'Reads and changes', () => measure(place, ids));
  await readAlone(place, Number(options.reads));
  const mebibytes = await memoryOf(controller.pid);
  rows.push({
    ...{ what: 'RSS', measured: `${mebibytes.toFixed(0)} MB` },
    ...{ bar: '170 MB', isHeld: mebibytes <= 170 },
  });
  await controller.kill('SIGTERM');
  const restarted = await start(place);
  controller = restarted.controller;
  judge('from the start to ready', [restarted.ms], 0.5, 2000);
  await controller.kill('SIGTERM');
  const beats = await step(progressOnStderr, 'Heartbeats', () =>
    measureBeats(place, Number(options.rounds)),
  );
  rows.push({
    what: `the receiver with the heartbeats of ${2 * ids.length} amphorae each 10 s (${beats.taken} of ${beats.sent} taken, ${beats.online} ONLINE)`,
    measured: `${(100 * beats.share).toFixed(1)} % of a core`,
    bar: '10 %, and all are taken and ONLINE',
    isHeld: beats.share <= 0.1 && beats.taken === beats.sent && beats.online === ids.length,
  });
  rows.push({
    what: 'the witness was late by at worst',
    measured: text(witness.worstSince(begun)),
  });
} finally {
  await controller.kill();
  for (const { node } of nodes) await node.stop();
  await witness.stop();
  agent.destroy();
  await rm(folder, { recursive: true, force: true });
}
const report = reportOf(
  `${options.balancers} load balancers on ${nodeCount} simulated nodes`,
  rows,
);
console.log(report.text);
if (!report.areHeld) process.exitCode = 1;
