// Records test/fixtures/haproxy from roots that have python3-octavia or haproxy:
//   npx tsx test/record-haproxy.ts configs ROOT...   what the driver of each root writes
//   npx tsx test/record-haproxy.ts stats ROOT...     what the stats socket of the haproxy of each root prints
//   npx tsx test/record-haproxy.ts many ROOT...      the same with 500 listeners
// Without roots, `configs` takes the driver's roots in the cache of the lab. A root is not changed.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { globSync } from 'node:fs';
import { join } from 'node:path';

import { recordManyListeners } from './record-haproxy-many.ts';
import { recordStats } from './record-haproxy-stats.ts';
import { labCache, suites } from './lab/root.ts';
import { run } from './lab/run.ts';

interface Rendered {
  version: string;
  configs: Record<string, { owner: string; text: string }>;
}

const fixtures = join(import.meta.dirname, 'fixtures/haproxy');

/** Renders with the templates and the sample objects of the driver that is installed in a root. */
async function recordConfigs(root: string): Promise<void> {
  const script = await readFile(join(import.meta.dirname, 'record-haproxy.py'));
  const printed = await run(['chroot', root, 'python3', '-B', '-'], {
    input: script,
    deadlineMs: 300_000,
  });
  const { version, configs } = JSON.parse(printed) as Rendered;
  const folder = join(fixtures, 'driver', version);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [name, { text }] of Object.entries(configs)) {
    await writeFile(join(folder, `${name}.cfg`), text);
  }
  process.stdout.write(`${version}: ${Object.keys(configs).length} configurations\n`);
}

function driverRoots(): string[] {
  const roots = suites.flatMap((suite) => globSync(join(labCache(), `driver-${suite}-*`)));
  return roots.filter((root) => !root.endsWith('.unfinished'));
}

const [what, ...roots] = process.argv.slice(2);
if (what === 'configs') {
  for (const root of roots.length > 0 ? roots : driverRoots()) await recordConfigs(root);
} else if (what === 'stats') {
  for (const root of roots) await recordStats(root, join(fixtures, 'stats'));
} else if (what === 'many') {
  for (const root of roots) await recordManyListeners(root, join(fixtures, 'many'));
} else {
  process.stderr.write('Say what to record: configs, stats or many.\n');
  process.exitCode = 2;
}
