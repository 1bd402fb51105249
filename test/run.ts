// Runs every check of the project, as `npm test` and CI do:
//   npm test [-- --suites bookworm,trixie] [--every-group]
//   npm run test:full [-- --suites bookworm --grep 'full disk']
// `npm test` runs some groups of system tests on one Debian, and on another Debian each day. With --every-group, they
// run on each Debian. `npm run test:full` runs only the tests of which `npm test` runs a share, and runs each of them
// completely.
// Before the last line, it repeats the failures and prints how long each part took. Its last line is `N passed, N
// failed`. A part that was left out counts as a failure, or is named above that line.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { execa } from 'execa';

import { installPackages } from './lab/host.ts';
import { progressOnStderr } from './lab/progress.ts';
import { type Suite, suites } from './lab/root.ts';
import { builtPackage } from './lab/built-package.ts';
import { seed } from './system/share.ts';

interface Count {
  passed: number;
  failed: number;
}

interface Outcome extends Count {
  /** The end of the output, which has the failures; empty if there are none. */
  failures: readonly string[];
}

/** A part of the checks, with the time that it took. */
interface Part extends Outcome {
  name: string;
  seconds: number;
}

/** Enough for some failures with their stacks. A part with failures everywhere is read from its start. */
const maxFailureLines = 150;

/** CI ends a run after 90 minutes. On a machine that is slow today, the hosts must not cost the result of the others. */
const maxMsBeforeHosts = 70 * 60 * 1000;

const { values: options } = parseArgs({
  options: {
    suites: { type: 'string', default: suites.join(',') },
    full: { type: 'boolean', default: false },
    'every-group': { type: 'boolean', default: false },
    grep: { type: 'string' },
  },
});

async function timed(name: string, part: () => Promise<Outcome>): Promise<Part> {
  const start = performance.now();
  const outcome = await part();
  return { name, ...outcome, seconds: (performance.now() - start) / 1000 };
}

/** A part that could not be run is a failure. */
const notRun: Part = {
  name: 'what could not be run',
  passed: 0,
  failed: 1,
  failures: [],
  seconds: 0,
};

/** A command that passes or fails as a whole. */
function check(...argv: readonly [string, ...string[]]): Promise<Part> {
  const name = argv.slice(0, 3).join(' ');
  return timed(name, async () => {
    const { exitCode, lines } = await run(name, argv);
    if (exitCode === 0) return { passed: 1, failed: 0, failures: [] };
    return { passed: 0, failed: 1, failures: lines.slice(-maxFailureLines) };
  });
}

/** A run of mocha, counted test by test. An incomplete run is a failure. */
function mocha(
  name: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Part> {
  return timed(name, async () => {
    const { exitCode, lines } = await run(name, ['npx', 'mocha', ...args], env);
    const count = (word: string) =>
      Number(new RegExp(`^ +(\\d+) ${word}`, 'm').exec(lines.join('\n'))?.[1] ?? 0);
    const [passed, failed] = [count('passing'), count('failing')];
    if (exitCode === 0 && passed > 0) return { passed, failed, failures: [] };
    // The output of mocha ends with the failures. Without failures it was cut short, and the end shows where.
    const start = lines.findIndex((line) => /^ +\d+ failing/.test(line));
    const failures = start === -1 ? lines.slice(-20) : lines.slice(start, start + maxFailureLines);
    return { passed, failed: Math.max(failed, 1), failures };
  });
}

/** Runs a command, and prints its output line by line behind the time since the start and the name of its part. */
async function run(
  name: string,
  [file, ...args]: readonly [string, ...string[]],
  env: Record<string, string> = {},
): Promise<{ exitCode: number | undefined; lines: string[] }> {
  const running = execa(file, args, {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env,
    preferLocal: true,
    stdin: 'ignore',
    stderr: 'inherit',
    timeout: (options.full ? 24 * 60 : 80) * 60 * 1000,
    lines: true,
    reject: false,
  });
  for await (const line of running) console.log(`${sinceStart()} ${name}: ${line}`);
  const { exitCode, stdout } = await running;
  return { exitCode, lines: stdout };
}

/** The time since the start of this run, in minutes and seconds. */
function sinceStart(): string {
  const seconds = Math.floor(performance.now() / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** The checks that need no cluster. */
async function withoutCluster(): Promise<Part[]> {
  return [
    await check('eslint', '.'),
    await check('prettier', '--check', '--log-level', 'warn', '.'),
    await check('tsc', '--noEmit'),
    await check('depcruise', 'src', '--config', 'dependency-cruiser.config.ts'),
    ...(await unitTests()),
  ];
}

/** In three processes, because one would get so large that it starts each command slowly. */
async function unitTests(): Promise<Part[]> {
  const large = ['alphorn', 'amphora'];
  const parts: Part[] = [];
  for (const folder of large) {
    const others = ['--ignore', `test/!(${folder})/**`, '--ignore', 'test/*.test.ts'];
    parts.push(await mocha(`unit tests of ${folder}`, others));
  }
  const rest = ['--ignore', `test/@(${large.join('|')})/**`];
  return [...parts, await mocha('other unit tests', rest)];
}

/**
 * The package, and the agent in it on real hosts.
 * @param others checks that have to end before hosts without a cluster are started beside the clusters
 */
async function onRealHosts(others: Promise<unknown>): Promise<Part[]> {
  if (process.getuid?.() !== 0) {
    console.log('The tests on real hosts were NOT RUN: they need root. Run `sudo npm test`.');
    // In CI, a part that was not run is a failure.
    return process.env['CI'] === undefined ? [] : [notRun];
  }
  await installPackages(['lintian'], progressOnStderr);
  const packaged = await check('npm', 'run', 'package');
  if (packaged.failed > 0) return [packaged];
  const checked = await check('lintian', '--fail-on', 'error', await builtPackage());
  const isWhole = !options.full && options.grep === undefined;
  const parts = await Promise.all([
    orFailure(onClusters),
    isWhole ? others.then(() => orFailure(onHostsWithoutCluster)) : [],
  ]);
  return [packaged, checked, ...parts.flat()];
}

async function onClusters(): Promise<Part[]> {
  const parts: Part[] = [];
  for (const suite of options.suites.split(',')) {
    const chosen = [
      ...(options.full ? ['--ignore', 'test/system/lab.test.ts'] : []),
      ...(options.grep === undefined ? [] : ['--grep', options.grep]),
    ];
    parts.push(
      await mocha(
        `system tests on ${suite}`,
        ['--config', 'test/system/.mocharc.json', ...chosen],
        {
          HA_TEST_SUITE: suite,
          ...(options.full && { HA_TEST_FULL: '1' }),
          ...(options['every-group'] && { HA_TEST_EVERY_GROUP: '1' }),
        },
      ),
    );
  }
  return parts;
}

/** The package on real hosts without a cluster. */
async function onHostsWithoutCluster(): Promise<Part[]> {
  const parts: Part[] = [];
  for (const { what, test, command } of [
    { what: 'amphorae', test: onAmphorae, command: 'test:amphora' },
    // They take turns, because both have the same controller below them.
    seed % 2 === 0
      ? { what: 'groups', test: onGateways, command: 'test:gateway' }
      : { what: 'load balancers', test: onBalancers, command: 'test:balancer' },
  ]) {
    if (performance.now() < maxMsBeforeHosts) parts.push(await test());
    else {
      console.log(
        `The tests of ${what} were NOT RUN: the others took too long. Run \`npm run ${command}\`.`,
      );
    }
  }
  return parts;
}

/** Groups of virtual addresses on real hosts, of each Debian one. On another turn another one has the controller. */
function onGateways(): Promise<Part> {
  const first = Math.floor(seed / 2) % suites.length;
  const hosts = [...suites.slice(first), ...suites.slice(0, first)].join(',');
  return mocha(
    `groups of virtual addresses on ${hosts}`,
    ['--config', 'test/gateway-system/.mocharc.json'],
    { HA_GATEWAY_SUITES: hosts },
  );
}

/** Load balancers on real hosts of the Debian whose turn it is: a third of the tests, another one on another turn. */
function onBalancers(): Promise<Part> {
  const turn = Math.floor(seed / 2);
  const suite = suites[Math.floor(turn / 3) % suites.length] as Suite;
  const shares = [
    'a load balancer |a TERMINATED_HTTPS listener|the statistics of listeners',
    'a listener with|a monitor of type|the operating status|a session',
    'a load balancer that loses|an upgrade with load',
  ];
  return mocha(
    `load balancers on ${suite}`,
    [
      '--config',
      'test/balancer-system/.mocharc.json',
      '--grep',
      `load balancers on .*(${shares[turn % shares.length]})`,
    ],
    {
      HA_BALANCER_SUITES: [suite, suite, suite].join(','),
      // The whole time is for `npm run test:balancer`.
      HA_BALANCER_CUT_SECONDS: '30',
    },
  );
}

/**
 * The agent on real amphorae: on the Debian whose turn it is, with the driver of another one after three turns. Attacks
 * and upgrades take turns. What counts each heartbeat of a second is left to `npm run test:amphora`, because the other
 * parts of this run hold up the machine meanwhile.
 */
function onAmphorae(): Promise<Part> {
  const onTurn = (turn: number) => suites[turn % suites.length] as Suite;
  const [nodes, driver] = [onTurn(seed), onTurn(Math.floor(seed / suites.length))];
  const other = seed % 2 === 0 ? 'an upgrade with load on the VIP' : 'under attack';
  return mocha(
    `amphorae of ${nodes} with the driver of ${driver}`,
    [
      '--config',
      'test/amphora-system/.mocharc.json',
      '--grep',
      `^(?!.*(heartbeat each second|sum of the differences)).*(python3-octavia of|${other})`,
    ],
    { HA_AMPHORA_SUITE: nodes, HA_AMPHORA_DRIVERS: driver },
  );
}

async function orFailure(tier: () => Promise<Part[]>): Promise<Part[]> {
  try {
    return await tier();
  } catch (error) {
    console.error(error);
    return [notRun];
  }
}

// Nodes of a lab wait for each other during half of their tests, so the other checks run meanwhile.
const others = options.full ? Promise.resolve([]) : orFailure(withoutCluster);
const parts = (await Promise.all([others, orFailure(() => onRealHosts(others))])).flat();
for (const { name, failures } of parts) {
  if (failures.length > 0) console.log(`${name}:\n${failures.join('\n')}`);
}
for (const { name, passed, failed, seconds } of parts) {
  console.log(`${seconds.toFixed(0).padStart(6)} s  ${name}: ${passed} passed, ${failed} failed`);
}
const total = (key: keyof Count) => parts.reduce((sum, part) => sum + part[key], 0);
console.log(`${total('passed')} passed, ${total('failed')} failed`);
process.exitCode = total('failed') === 0 ? 0 : 1;
