import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

import { ask, versionOf } from './record-haproxy-stats.ts';
import { run } from './lab/run.ts';

/** An id that looks random and is the same in each recording. */
function idOf(name: string): string {
  const hex = createHash('sha1').update(name).digest('hex');
  return [0, 8, 12, 16, 20].map((at, n) => hex.slice(at, [8, 12, 16, 20, 32][n])).join('-');
}

const port = (index: number): number => 20_000 + index;

/** A load balancer as the driver writes it, with a pool of two members for each listener. Port 18181 is all members. */
function config(folder: string, listeners: number): string {
  const parts = Array.from({ length: listeners }, (_, index) => {
    const id = idOf(`listener ${index}`);
    const pool = `${idOf(`pool ${index}`)}:${id}`;
    const servers = [1, 2].map((member) => {
      const name = idOf(`member ${member} of ${index}`);
      return `    server ${name} 127.0.0.1:18181 weight 1 check inter 30s fall 3 rise 2\n`;
    });
    return `frontend ${id}
    maxconn 10
    bind 127.0.0.1:${port(index)}
    mode http
    default_backend ${pool}
backend ${pool}
    mode http
    balance roundrobin
    fullconn 10
    option allbackups
    timeout connect 5000
    timeout server 50000
${servers.join('')}`;
  });
  return `global
    stats socket ${folder}/socket mode 0600 level admin
    maxconn 5050
    group nogroup
    user nobody
defaults
    timeout connect 1s
    timeout client 10s
    timeout server 10s
frontend target
    bind 127.0.0.1:18181
    mode http
    monitor-uri /
${parts.join('')}`;
}

/** Starts the haproxy of a root with many listeners, and records its statistics after a request to each. */
export async function recordManyListeners(
  root: string,
  fixtures: string,
  listeners = 500,
): Promise<void> {
  const folder = await mkdtemp(join(root, 'tmp/record-haproxy-'));
  const seen = folder.slice(root.length);
  try {
    await writeFile(join(folder, 'haproxy.cfg'), config(seen, listeners));
    const files = ['-p', `${seen}/pid`, '-f', `${seen}/haproxy.cfg`];
    await run(['chroot', root, 'haproxy', '-D', ...files]);
    try {
      for (let index = 0; index < listeners; index += 1) {
        await (await fetch(`http://127.0.0.1:${port(index)}/`)).text();
      }
      await pause(1000);
      const csv = await ask(join(folder, 'socket'), 'show stat');
      const own = csv.split('\n').filter((line) => !line.startsWith('target,'));
      await mkdir(fixtures, { recursive: true });
      const file = join(fixtures, `${listeners}-listeners-${await versionOf(root)}.csv.gz`);
      await writeFile(file, gzipSync(own.join('\n'), { level: 9 }));
      process.stdout.write(`${file}\n`);
    } finally {
      const pid = (await run(['cat', join(folder, 'pid')])).trim();
      await run(['kill', ...pid.split('\n')]);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}
