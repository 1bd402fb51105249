import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { attempt, run } from './lab/run.ts';

/** What is asked by the stats socket: the name of the fixture, the command. */
const calls = [
  ['all', 'show stat'],
  ['frontends', 'show stat -1 1 -1'],
  ['backends-and-servers', 'show stat -1 6 -1'],
  ['info', 'show info'],
  ['servers-state', 'show servers state'],
] as const;

/**
 * One server for each state that drivers bring about. Nothing listens on port 9; each server that is up is checked
 * against a frontend of this haproxy.
 */
const config = (folder: string) => `global
    stats socket ${folder}/socket mode 0600 level admin
    server-state-file ${folder}/servers-state
    maxconn 100
    group nogroup
    user nobody
defaults
    timeout connect 1s
    timeout client 10s
    timeout server 10s
    timeout check 1s
frontend target
    bind 127.0.0.1:18181
    mode http
    maxconn 50
    default_backend pool-a:target
frontend a_listener-1
    bind 127.0.0.1:18182
    mode tcp
    default_backend pool-b:a_listener-1
backend pool-a:target
    mode http
    fullconn 50
    option allbackups
    server unchecked 127.0.0.1:9 weight 1
    server unchecked-drained 127.0.0.1:9 weight 0
backend pool-b:a_listener-1
    mode tcp
    server up 127.0.0.1:18181 weight 1 check inter 1s fall 1 rise 1
    server up-drained 127.0.0.1:18181 weight 0 check inter 1s fall 1 rise 1
    server down 127.0.0.1:9 weight 1 check inter 1s fall 1 rise 1
    server disabled 127.0.0.1:18181 weight 1 check inter 1s fall 1 rise 1 disabled
    server backup 127.0.0.1:18181 weight 1 check inter 1s fall 1 rise 1 backup
    server falling 127.0.0.1:9 weight 1 check inter 1s fall 600 rise 1
    server set-to-drain 127.0.0.1:18181 weight 1 check inter 1s fall 1 rise 1
backend pool-c:a_listener-1
    mode tcp
    server down 127.0.0.1:9 weight 1 check inter 1s fall 1 rise 1
backend pool-d:a_listener-1
    mode tcp
`;

/** Starts the haproxy of a root with servers in each state, and records what its stats socket prints. */
export async function recordStats(root: string, fixtures: string): Promise<void> {
  const version = await versionOf(root);
  const inside = '/tmp/record-haproxy';
  await mkdir(join(root, 'tmp'), { recursive: true });
  const folder = await mkdtemp(join(root, `${inside}-`));
  const seen = folder.slice(root.length);
  try {
    await writeFile(join(folder, 'haproxy.cfg'), config(seen));
    const pidFile = `${seen}/pid`;
    await run(['chroot', root, 'haproxy', '-D', '-p', pidFile, '-f', `${seen}/haproxy.cfg`]);
    try {
      await record(join(folder, 'socket'), join(fixtures, version));
    } finally {
      const pid = (await run(['cat', join(folder, 'pid')])).trim();
      await run(['kill', ...pid.split('\n')]);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  process.stdout.write(`${version}: statistics\n`);
}

/** The version of the haproxy of a root. */
export async function versionOf(root: string): Promise<string> {
  const { stdout } = await attempt(['chroot', root, 'haproxy', '-v']);
  const version = /version (\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`${root} has no haproxy`);
  return version;
}

async function record(socket: string, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await ask(socket, 'set server pool-b:a_listener-1/set-to-drain state drain');
  const request = await fetch('http://127.0.0.1:18181/');
  await request.text();
  // The first checks take their time: a server that falls is up until then.
  const deadline = Date.now() + 30_000;
  const isDown = (stat: string) => /^pool-c:a_listener-1,BACKEND,.*,DOWN,/m.test(stat);
  while (!isDown(await ask(socket, 'show stat'))) {
    if (Date.now() > deadline) throw new Error('No server is down after 30 s');
    await pause(200);
  }
  await pause(1500);
  for (const [name, command] of calls) {
    await writeFile(join(folder, `${name}.txt`), await ask(socket, command));
  }
}

/** One command to a stats socket, and its whole answer. */
export function ask(path: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(path, () => socket.write(`${command}\n`));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => {
      resolve(Buffer.concat(chunks).toString());
    });
    socket.on('error', reject);
  });
}
