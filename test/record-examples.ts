// Records the examples of the OpenAPI documents: answers that the tests of each row receive on a real cluster.
//   npm run record-examples [-- trixie]
// or takes them from a run of any of the tests with HA_TEST_EXAMPLES=FILE:
//   npm run record-examples -- --from FILE
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { execa } from 'execa';
import { format } from 'prettier';

import { clusterFamilies, type families } from '../packaging/reference/families.ts';
import { type Examples, operationName } from '../src/server/table/examples.ts';
import type { Family } from '../src/server/table/family.ts';
import type { Recorded } from './support/received.ts';

/** Next to the rows, so that they are built into the package. */
const files = {
  ha: 'src/routes/ha/answers/examples.json',
  probes: 'src/routes/examples/probes.json',
  metrics: 'src/routes/examples/metrics.json',
  peers: 'src/routes/peers/examples.json',
  alphornd: 'src/routes/alphorn/examples.json',
  amphora: 'src/routes/amphora/documents/examples.json',
  node: 'src/routes/node/examples.json',
  gateway: 'src/routes/gateway/documents/examples.json',
  balancer: 'src/routes/balancer/documents/examples.json',
} as const satisfies Record<keyof typeof families, string>;

/** The tests that ask each row, and those of the rows that take the cluster away. */
const tests = 'each row|a cluster by HTTP alone';

const { values, positionals } = parseArgs({
  options: { from: { type: 'string' } },
  allowPositionals: true,
});
const [suite = 'trixie'] = positionals;
const recorded = values.from === undefined ? await record() : await read(values.from);
for (const family of clusterFamilies) await write(family, recorded[family.name] ?? {});

async function record(): Promise<Recorded> {
  const folder = await mkdtemp(join(tmpdir(), 'ha-agent-examples-'));
  try {
    const file = join(folder, 'recorded.json');
    const mocha = ['mocha', '--config', 'test/system/.mocharc.json', '--grep', tests] as const;
    await execa('npx', mocha, {
      env: { HA_TEST_SUITE: suite, HA_TEST_EXAMPLES: file },
      stdio: 'inherit',
    });
    return await read(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function read(file: string): Promise<Recorded> {
  return JSON.parse(await readFile(file, 'utf8')) as Recorded;
}

/**
 * The examples in the order of the rows, so that a difference shows what has changed. An example that was not recorded
 * this time stays.
 */
async function write({ name, rows, examples }: Family, recorded: Examples): Promise<void> {
  const operations = rows.flatMap((each) =>
    each.methods.map((method) => operationName(method, each.path)),
  );
  const all = { ...examples, ...recorded };
  const chosen = operations.filter((each) => all[each]).map((each) => [each, all[each]]);
  const text = JSON.stringify(Object.fromEntries(chosen));
  await writeFile(
    files[name as keyof typeof files],
    await format(text, { parser: 'json', printWidth: 100 }),
  );
}
