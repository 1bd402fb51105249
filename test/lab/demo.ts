// `npm run demo`: a cluster with this project's package in each node, ready for requests.
import https from 'node:https';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { execa } from 'execa';
import { builtPackage } from './built-package.ts';
import type { Lab, LabNode } from './lab.ts';
import { down, open } from './lab.ts';
import { progressOnStderr, seconds, step } from './progress.ts';
import { readRecord } from './record.ts';
import { suites } from './root.ts';
import { waitUntil } from './wait.ts';

const name = 'demo';
const project = join(import.meta.dirname, '../..');
const cli = join(import.meta.dirname, 'cli.ts');
const program = new Command('npm run demo --');

program
  .description('A cluster of two nodes with ha-agent in each, until Ctrl-C.')
  .addOption(
    new Option('--suite <suite>', 'the Debian of the nodes').choices(suites).default('bookworm'),
  )
  .option('--detach', 'come back when it is up, and leave it running')
  .action(async (options: { suite: string; detach?: boolean }) => {
    const interrupted = new Promise<'interrupted'>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
        process.on(signal, () => {
          resolve('interrupted');
        });
      }
    });
    const gone = new AbortController();
    const begun = begin(options.suite, gone.signal).then(print);
    // Not yet awaited when the interrupt comes first
    begun.catch(() => undefined);
    const ending = await Promise.race([begun, interrupted]);
    if (ending !== 'interrupted') {
      if (options.detach) {
        console.log('\nIt keeps running. To end it: npm run demo -- down');
        return;
      }
      console.log('\nCtrl-C ends it and leaves nothing of it.');
      // Waiting for a signal alone does not keep Node running
      const alive = setInterval(() => undefined, 60_000);
      await interrupted;
      clearInterval(alive);
    }
    gone.abort();
    await begun.catch(() => undefined);
    await down(name, progressOnStderr);
    process.exit(ending === 'interrupted' ? 130 : 0);
  });

program
  .command('down')
  .description('end a demo that was started with --detach')
  .action(() => down(name, progressOnStderr));

interface Entry {
  readonly node: LabNode;
  readonly token: string;
}

async function begin(suite: string, interrupted: AbortSignal): Promise<Entry[]> {
  const startedAt = performance.now();
  if ((await readRecord(name))?.ready) {
    throw new Error('The demo runs already. To end it: npm run demo -- down');
  }
  const debFile = await step(progressOnStderr, 'Building the package', () => build(interrupted));
  // A separate process can be ended at any time
  const up = ['up', '--name', name, '--suite', suite, '--package', debFile, '--json'];
  const argv = ['--import', import.meta.resolve('tsx'), cli, ...up];
  const { exitCode } = await execa(process.execPath, argv, {
    stdio: ['ignore', 'ignore', 'inherit'],
    cancelSignal: interrupted,
    forceKillAfterDelay: 100,
    reject: false,
  });
  if (exitCode !== 0) {
    throw new Error('The demo did not come up; the reason is above.');
  }
  const entries = await makeTokens(await open(name)).catch(async (error: unknown) => {
    await down(name, progressOnStderr);
    throw error;
  });
  progressOnStderr(`The demo is ready: ${seconds(startedAt)}\n`);
  return entries;
}

async function build(interrupted: AbortSignal): Promise<string> {
  const { exitCode } = await execa('npm', ['run', '--silent', 'package'], {
    cwd: project,
    stdio: ['ignore', 2, 'inherit'],
    cancelSignal: interrupted,
    reject: false,
  });
  if (exitCode !== 0) {
    throw new Error('The package could not be built; the reason is above.');
  }
  return builtPackage();
}

const makeTokens = (lab: Lab): Promise<Entry[]> =>
  Promise.all(
    lab.nodes.map(async (node) => {
      const create = ['token', 'create', 'demo', '--role', 'admin'];
      const token = (await node.run(['hactl', ...create])).trim();
      await waitUntil(`ha-agent in ${node.name} to answer`, () => answers(node, token), {
        deadlineMs: 30_000,
      });
      return { node, token };
    }),
  );

function answers(node: LabNode, token: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const request = https.get(url(node, 'services'), {
      // A node makes its own certificate
      rejectUnauthorized: false,
      headers: { token },
      timeout: 5_000,
    });
    request.on('response', (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy(new Error('no answer within 5 s')));
    request.on('error', reject);
  });
}

const url = (node: LabNode, route: string): string =>
  `https://${node.address}:8443/api/v2/system/ha/${route}`;

function print(entries: readonly Entry[]): void {
  for (const { node, token } of entries) {
    console.log(`Node ${node.name}: ${url(node, '')}`);
    console.log(`  token: ${token}`);
  }
  const [first] = entries;
  if (first !== undefined) {
    console.log('\nTry:');
    for (const route of ['status', 'services', 'node']) {
      console.log(`  curl -k -H "token: ${first.token}" ${url(first.node, route)}`);
    }
    console.log(`  npm run lab -- exec ${first.node.name} --name ${name} -- pcs status`);
  }
}

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
