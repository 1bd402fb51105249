import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { makeHaproxies, type OwnerHaproxies } from '../../src/amphora/haproxies/haproxies.ts';
import type { AmphoraPaths } from '../../src/amphora/paths.ts';
import { peerName } from '../../src/haproxy/peer-name.ts';
import { makeRun } from '../../src/kit/exec.ts';
import { makeTestProcesses, type TestProcesses } from './haproxy-processes.ts';
import { keepingLog, type LoggedLine } from './keeping-log.ts';

export interface OwnerHost {
  paths: AmphoraPaths;
  haproxies: OwnerHaproxies;
  processes: TestProcesses;
  lines: readonly LoggedLine[];
  /** The ids whose certificates were removed. */
  removed: readonly string[];
}

/**
 * An amphora without a namespace, in a folder, with real haproxy processes.
 * @param beforeRun is called before each command
 */
export async function makeOwnerHost(
  folder: string,
  beforeRun: () => Promise<void> = () => Promise.resolve(),
): Promise<OwnerHost> {
  const paths: AmphoraPaths = {
    base: join(folder, 'octavia'),
    certificates: join(folder, 'octavia', 'certs'),
    agentConfig: join(folder, 'amphora-agent.conf'),
    interfaces: join(folder, 'interfaces'),
    logSocket: join(folder, 'log'),
  };
  await mkdir(paths.certificates, { recursive: true });
  const { log, lines } = keepingLog();
  const removed: string[] = [];
  const peer = peerName('9aeb8ecd-9a6c-4b46-9b1f-0d3c0e5a1f3e');
  const processes = makeTestProcesses(paths, peer);
  const run = makeRun(log);
  const haproxies = makeHaproxies({
    run: async (command) => {
      await beforeRun();
      return run(command);
    },
    log,
    paths,
    inNamespace: [],
    peer,
    processes,
    certificates: {
      upload: () => Promise.resolve({ md5: '' }),
      md5: () => Promise.resolve(''),
      remove: () => Promise.resolve(),
      sumsOf: () => Promise.resolve([]),
      owners: () => Promise.resolve([]),
      removeAll: (id) => {
        removed.push(id);
        return Promise.resolve();
      },
    },
    // A machine that stands still must not fail a test.
    applyDeadlineMs: 240_000,
  });
  await haproxies.recover();
  return { paths, haproxies, processes, lines, removed };
}

/** A listener of a configuration, with the ports of its members. */
export interface TestListener {
  id: string;
  port: number;
  members: readonly number[];
}

/** A configuration as drivers write it. */
export function driverConfigOf(
  { base }: Pick<AmphoraPaths, 'base'>,
  id: string,
  listeners: readonly TestListener[],
): string {
  return `# Configuration for loadbalancer ${id}
global
    daemon
    user nobody
    log /run/rsyslog/octavia/log local0
    log /run/rsyslog/octavia/log local1 notice
    stats socket ${base}/${id}.sock mode 0666 level user
    server-state-file ${base}/${id}/servers-state
    maxconn 400

defaults
    log global
    retries 3
    option redispatch

${listeners.map(listenerText).join('\n')}`;
}

function listenerText({ id, port, members }: TestListener): string {
  const servers = members.map(
    (member, index) =>
      `    server member-${index + 1} 127.0.0.1:${member} weight 1 check inter 1s fall 2 rise 2\n`,
  );
  return `frontend ${id}
    maxconn 100
    bind 127.0.0.1:${port}
    mode tcp
    default_backend pool-${id}:${id}
    timeout client 50000

backend pool-${id}:${id}
    mode tcp
    balance roundrobin
    load-server-state-from-file global
    timeout check 2s
    fullconn 100
    option allbackups
    timeout connect 5000
    timeout server 50000
${servers.join('')}`;
}

/** The text of a file of the host, or undefined. */
export async function textOf(...path: readonly string[]): Promise<string | undefined> {
  return readFile(join(...path), 'utf8').catch(() => undefined);
}

/** The names in a folder, sorted. */
export async function namesOf(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort();
}
