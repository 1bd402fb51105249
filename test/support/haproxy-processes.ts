import { type ChildProcess, spawn } from 'node:child_process';
import { createConnection, createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import type { AmphoraPaths } from '../../src/amphora/paths.ts';
import { placesOf, sharedPlacesOf } from '../../src/amphora/haproxies/places.ts';
import type { Processes } from '../../src/amphora/haproxies/processes.ts';
import { Fault } from '../../src/kit/fault.ts';
import { installPackages } from '../lab/host.ts';
import { progressOnStderr } from '../lab/progress.ts';

/** Installs the real haproxy before the tests of a suite. */
export function needsHaproxy(): void {
  before(async function () {
    this.timeout(600_000);
    await installPackages(['haproxy'], progressOnStderr);
  });
}

export interface TestProcesses extends Processes {
  /** The ids that would start with the host. */
  enabled: Set<string>;
  /** The started processes by the id of their owner. */
  running: Map<string, ChildProcess>;
  /** Ends all of them. */
  end(): Promise<void>;
  /** Whether one that ends by itself is started again, as systemd does. */
  restarts: boolean;
}

/** Runs the real haproxy without systemd, by the command line of the unit. */
export function makeTestProcesses(paths: AmphoraPaths, peer: string): TestProcesses {
  const output = new Map<string, string>();
  const running = new Map<string, ChildProcess>();

  function launch(id: string): ChildProcess {
    const places = placesOf(paths, id);
    const { groupFile } = sharedPlacesOf(paths);
    const child = spawn(
      'haproxy',
      [
        ...['-Ws', '-f', places.config, '-f', groupFile, '-p', places.pid, '-L', peer],
        ...['-S', `${places.masterSocket},mode,600`],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    running.set(id, child);
    child.stderr.on('data', (bytes: Buffer) => {
      output.set(id, (output.get(id) ?? '') + bytes.toString());
    });
    child.once('exit', () => {
      if (running.get(id) !== child) return;
      running.delete(id);
      if (all.restarts) launch(id);
    });
    return child;
  }

  const all: TestProcesses = {
    enabled: new Set(),
    running,
    restarts: false,
    async start(id) {
      if (running.has(id)) return;
      const child = launch(id);
      while (!(output.get(id) ?? '').includes('Loading success')) {
        if (child.exitCode !== null) throw new Fault('service_failed', 'It ended.');
        await sleep(10);
      }
    },
    async stop(id) {
      const child = running.get(id);
      running.delete(id);
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
    reload(id) {
      output.delete(id);
      running.get(id)?.kill('SIGUSR2');
      return Promise.resolve();
    },
    state: (id) => Promise.resolve(running.has(id) ? 'up' : 'down'),
    setEnabled(id, isEnabled) {
      if (isEnabled) all.enabled.add(id);
      else all.enabled.delete(id);
      return Promise.resolve();
    },
    messages: (id) => Promise.resolve(output.get(id) ?? ''),
    async end() {
      all.restarts = false;
      await Promise.all([...running.keys()].map((id) => all.stop(id)));
    },
  };
  return all;
}

/** A member that answers each connection with its name and closes it. */
export async function makeMember(port: number, name: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(name);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** What a connection to the port reads until its end; undefined if it fails. */
export function readFrom(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    let text = '';
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString();
    });
    socket.on('error', () => {
      resolve(undefined);
    });
    socket.on('end', () => {
      socket.destroy();
      resolve(text);
    });
  });
}
