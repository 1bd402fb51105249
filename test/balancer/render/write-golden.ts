// Writes test/fixtures/balancer-render again, after a change of what is rendered: npx tsx test/balancer/render/write-golden.ts
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { renderHaproxy } from '../../../src/balancer/render/haproxy.ts';
import { samples } from './samples.ts';

const folder = join(import.meta.dirname, '../../fixtures/balancer-render');
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
for (const [name, wanted] of Object.entries(samples)) {
  await writeFile(join(folder, `${name}.cfg`), renderHaproxy(wanted, 1));
}
