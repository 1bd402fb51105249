// Runs the tests on real amphorae:
//   npm run test:amphora -- --suite bookworm --driver bookworm,trixie [--grep 'persistence']
// The nodes have the Debian of --suite. Each Debian of --driver lends its python3-octavia.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { execa } from 'execa';

const { values: options } = parseArgs({
  options: {
    suite: { type: 'string', default: 'bookworm' },
    driver: { type: 'string', default: 'bookworm' },
    grep: { type: 'string' },
    bail: { type: 'boolean', default: false },
  },
});

const { exitCode, stdout } = await execa(
  'mocha',
  [
    '--config',
    'test/amphora-system/.mocharc.json',
    ...(options.grep === undefined ? [] : ['--grep', options.grep]),
    ...(options.bail ? ['--bail'] : []),
  ],
  {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { HA_AMPHORA_SUITE: options.suite, HA_AMPHORA_DRIVERS: options.driver },
    preferLocal: true,
    stdin: 'ignore',
    stdout: ['pipe', 'inherit'],
    stderr: 'inherit',
    reject: false,
  },
);
// Mocha prints its count last. A run without one has passed nothing, whatever its exit code.
const isComplete = /^ +[1-9]\d* passing/m.test(stdout);
if (!isComplete) console.error('No test ran, or the run ended before its last one.');
process.exitCode = isComplete ? (exitCode ?? 1) : 1;
