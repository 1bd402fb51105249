// Makes one generation after another in the given folder until it is killed (kills.test.ts).
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { makeLiferaftBuilder } from '../../src/alphorn/collecting/builder.ts';
import { alphornPathsIn } from '../support/alphorn-host.ts';
import { keepCompiled } from '../support/keep-compiled.ts';

const folder = process.argv[2] ?? '';
const builder = makeLiferaftBuilder({ paths: alphornPathsIn(folder) });
let { liferaft } = await builder.round();
keepCompiled();
for (;;) {
  process.stdout.write(`${liferaft.manifest.generation}\n`);
  const next = `${liferaft.manifest.generation + 1}`.padEnd(2_000_000, 'x');
  await writeFile(join(folder, 'etc', 'a'), next);
  ({ liferaft } = await builder.round());
}
