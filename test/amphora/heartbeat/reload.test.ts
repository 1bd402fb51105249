import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { expect } from 'chai';

import {
  differencesOf,
  noCounters,
  type OwnerCounters,
  withReading,
} from '../../../src/amphora/heartbeat/counters.ts';
import { makeCounterReader } from '../../../src/amphora/heartbeat/read-counters.ts';
import { openCliSession } from '../../../src/haproxy/cli-session.ts';
import { askSocket } from '../../../src/haproxy/socket.ts';
import { processStart } from '../../../src/kit/process-start.ts';
import { waitUntil } from '../../lab/wait.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const reloads = 60;
const clients = 4;
/** With many listeners, a worker that is replaced takes connections for a moment longer. */
const others = Array.from({ length: 200 }, (_, index) => `listener-${index + 2}`);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('the counters of a real haproxy', () => {
  const folder = temporaryFolder();
  const place = (name: string) => join(folder.path, name);
  let haproxy: ChildProcess | undefined;
  let echo: Server | undefined;
  let port = 0;

  const makeReader = () =>
    makeCounterReader({
      socketOf: () => place('stats'),
      masterOf: () => place('master'),
      openSession: (path) => openCliSession(path, { deadlineMs: 5000, idleSeconds: 60 }),
      ask: (path, command) => askSocket(path, command, { deadlineMs: 5000 }),
      startOf: processStart,
    });

  beforeEach(async () => {
    echo = createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket));
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    port = await freePort();
    const more: string[] = [];
    for (const other of others) {
      const bind = `127.0.0.1:${await freePort()}`;
      more.push(`frontend ${other}\n  bind ${bind}\n  default_backend pool-1:listener-1\n`);
    }
    const config = `global
  stats socket ${place('stats')} mode 0600 level admin expose-fd listeners
  maxconn 200
  nbthread 2
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend listener-1
  bind 127.0.0.1:${port}
  default_backend pool-1:listener-1
${more.join('')}backend pool-1:listener-1
  server member-1 127.0.0.1:${(echo.address() as AddressInfo).port}
`;
    await writeFile(place('haproxy.cfg'), config);
    const args = ['-W', '-S', place('master'), '-p', place('pid'), '-f', place('haproxy.cfg')];
    haproxy = spawn('haproxy', args, { stdio: 'ignore' });
    await waitUntil('haproxy to serve', async () => {
      const answer = await askSocket(place('stats'), 'show info', { deadlineMs: 1000 });
      return answer?.startsWith('Name:') === true;
    });
  });
  afterEach(async () => {
    if (haproxy?.exitCode === null) {
      haproxy.kill('SIGTERM');
      await once(haproxy, 'exit');
    }
    echo?.close();
  });

  /** One connection, whose bytes come back. @returns how many they were */
  async function talk(): Promise<number> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    let sent = 0;
    for (let part = 0; part < 3; part += 1) {
      const bytes = 100 + Math.floor(Math.random() * 5000);
      socket.write('x'.repeat(bytes));
      sent += bytes;
      while (socket.bytesRead < sent) await once(socket, 'data');
      await pause(Math.random() * 100);
    }
    socket.end();
    await once(socket.resume(), 'close');
    return sent;
  }

  it(`are read at each moment of ${reloads} reloads, and nothing is lost in them`, async () => {
    const reader = makeReader();
    const state = { isOver: false, counters: noCounters };
    const unusual: string[] = [];
    let readings = 0;
    const add = (reading: OwnerCounters) => {
      readings += 1;
      state.counters = withReading(state.counters, reading);
      const { listeners } = reading;
      if (listeners.length !== 1 + others.length)
        unusual.push(`${reading.state}, ${listeners.length} listeners`);
    };
    const counted = { connections: 0, bytes: 0 };
    const client = async () => {
      while (!state.isOver) {
        const bytes = await talk();
        counted.bytes += bytes;
        counted.connections += 1;
      }
    };
    const reading = async () => {
      while (!state.isOver) await reader.read(['lb'], add);
    };
    const running = [reading(), ...Array.from({ length: clients }, client)];
    for (let index = 0; index < reloads; index += 1) {
      const before = readings;
      await pause(150 + Math.random() * 100);
      // On a busy machine a worker would come and go between two readings.
      await waitUntil('two readings', () => readings >= before + 2, { everyMs: 5 });
      haproxy?.kill('SIGUSR2');
    }
    await pause(500);
    state.isOver = true;
    await Promise.all(running);
    const open = () => differencesOf(state.counters, 'lb', 'listener-1');
    await waitUntil('all workers that leave to be read', async () => {
      await reader.read(['lb'], add);
      return reader.leaving().length === 0;
    });
    reader.close();
    expect(unusual).to.deep.equal([]);
    expect(readings).to.be.above(reloads);
    const [tx, rx, connections] = open();
    expect({ tx, rx, connections }).to.deep.equal({
      tx: counted.bytes,
      rx: counted.bytes,
      connections: counted.connections,
    });
  });
});
