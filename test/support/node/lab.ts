import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';

import { digestOf } from '../../../src/keepalived/digest.ts';
import type { KeepalivedReport, Orders } from '../../../src/keepalived/report.ts';
import type { WantedInstance } from '../../../src/keepalived/wanted.ts';
import { attempt, run } from '../../lab/run.ts';
import { waitUntil } from '../../lab/wait.ts';

export interface Answer {
  status: number;
  body: unknown;
}

/** A node in a namespace of its own. Its address is 10.78.0.N and fd78::N on eth1. */
export interface TestNode {
  number: number;
  folder: string;
  /** Runs a command in its namespace. */
  inside: (...argv: string[]) => Promise<string>;
  start(): Promise<void>;
  /** Ends the agent, and leaves keepalived alone. */
  kill(signal: NodeJS.Signals): Promise<void>;
  ask(method: string, path: string, body?: object): Promise<Answer>;
  report(): Promise<KeepalivedReport>;
  order(instances: readonly WantedInstance[], more?: Partial<Orders>): Promise<Answer>;
  /** The state of an instance. */
  stateOf(name: string): Promise<string | undefined>;
  addresses(): Promise<string[]>;
  config(): Promise<string>;
  keepalivedPid(): Promise<number>;
}

const main = new URL('process.ts', import.meta.url).pathname;
const probe = new URL('../../../packaging/node/vrrp-probe', import.meta.url).pathname;

/** Two namespaces whose eth1 are connected. */
export async function makeNodes(
  folder: string,
): Promise<{ nodes: TestNode[]; remove(): Promise<void> }> {
  const names = [1, 2].map((number) => `ha-node-${process.pid}-${number}`);
  const [one = '', two = ''] = names;
  for (const name of names) await run(['ip', 'netns', 'add', name]);
  await run([
    ...['ip', '-n', one, 'link', 'add', 'eth1', 'type', 'veth'],
    ...['peer', 'name', 'eth1', 'netns', two],
  ] as [string, ...string[]]);
  const nodes = await Promise.all(names.map((name, at) => makeTestNode(folder, name, at + 1)));
  return {
    nodes,
    async remove() {
      for (const node of nodes) await node.kill('SIGKILL');
      for (const name of names) {
        const pids = (await attempt(['ip', 'netns', 'pids', name])).stdout
          .split('\n')
          .filter(Boolean);
        for (const pid of pids) await attempt(['kill', '-9', pid]);
        await attempt(['ip', 'netns', 'delete', name]);
      }
    },
  };
}

async function makeTestNode(parent: string, name: string, number: number): Promise<TestNode> {
  const folder = join(parent, `node-${number}`);
  await mkdir(folder);
  const ownProbe = join(folder, 'vrrp-probe');
  await copyFile(probe, ownProbe);
  const inside = (...argv: string[]) => run(['ip', 'netns', 'exec', name, ...argv]);
  await inside('ip', 'link', 'set', 'lo', 'up');
  await inside('ip', 'link', 'set', 'eth1', 'up');
  await inside('ip', 'address', 'add', `10.78.0.${number}/24`, 'dev', 'eth1');
  await inside('ip', 'address', 'add', `fd78::${number}/64`, 'dev', 'eth1', 'nodad');
  const socketPath = join(folder, 'node.sock');
  let child: ChildProcess | undefined;
  let revision = 0;

  const ask = (method: string, path: string, body?: object) =>
    new Promise<Answer>((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const headers = text === undefined ? {} : { 'Content-Type': 'application/json' };
      const request = http.request(
        { socketPath, method, path, headers, agent: false },
        (response) => {
          const pieces: Buffer[] = [];
          response.on('data', (piece: Buffer) => pieces.push(piece));
          response.on('error', reject);
          response.on('end', () => {
            const answered = Buffer.concat(pieces).toString('utf8');
            resolve({ status: response.statusCode ?? 0, body: JSON.parse(answered) as unknown });
          });
        },
      );
      request.on('error', reject);
      request.end(text);
    });
  const report = async () => (await ask('GET', '/node/1.0/keepalived')).body as KeepalivedReport;

  return {
    number,
    folder,
    inside,
    ask,
    report,
    async start() {
      const argv = [
        'netns',
        'exec',
        name,
        process.execPath,
        '--import',
        'tsx',
        main,
        folder,
        name,
        ownProbe,
      ];
      child = spawn('ip', argv, { stdio: ['ignore', 'inherit', 'inherit'] });
      await waitUntil('the node', async () => (await ask('GET', '/node/1.0/')).status === 200, {
        everyMs: 20,
      });
    },
    async kill(signal) {
      const ending = child;
      child = undefined;
      if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
      const ended = new Promise((resolve) => ending.once('exit', resolve));
      ending.kill(signal);
      await ended;
    },
    order(instances, more = {}) {
      revision = more.revision ?? revision + 1;
      const wanted = { instances };
      const orders = { store: 'store-1', epoch: 1, revision, digest: digestOf(wanted), ...more };
      return ask('PUT', '/node/1.0/keepalived', { orders, wanted, watch: ['eth1'] });
    },
    stateOf: async (instance) =>
      (await report()).instances.find((each) => each.name === instance)?.state,
    async addresses() {
      const text = await inside('ip', '-o', 'address', 'show', 'dev', 'eth1');
      return [...text.matchAll(/inet6? (\S+)/g)].map(([, address = '']) => address);
    },
    config: () => readFile(join(folder, 'state/keepalived/keepalived.conf'), 'utf8'),
    keepalivedPid: async () => Number(await readFile(join(folder, 'run/keepalived.pid'), 'utf8')),
  };
}
