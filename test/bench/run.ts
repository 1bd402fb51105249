// Measures the agent on real clusters beside what it stands in for, and writes docs/performance.md:
//   npm run bench [-- --suites bookworm --subjects routes,idle]
// It fails if a bar is missed. The document is written only of a run of everything on all Debians.
import { writeFile } from 'node:fs/promises';
import https from 'node:https';
import { parseArgs } from 'node:util';

import { down, type Lab, type LabNode } from '../lab/lab.ts';
import { progressOnStderr, step } from '../lab/progress.ts';
import { type Suite, suites } from '../lab/root.ts';
import { upWithPackage } from '../lab/with-package.ts';
import { untilHealthy } from '../system/client.ts';
import { measureAlphorn } from './alphorn.ts';
import { measureChanges } from './changes.ts';
import { measureIdle } from './idle.ts';
import { busyShare } from './machine.ts';
import { measureMemory } from './memory.ts';
import { allHeld, report, type Section } from './report.ts';
import { routeCases } from './route-cases.ts';
import { measureRoutes } from './routes.ts';
import { measureStart } from './start.ts';
import { measureLoad, measureStatus } from './status.ts';
import { ask, type Bench, type Findings } from './subject.ts';
import { measureWrites } from './writes.ts';

type Measure = (bench: Bench) => Promise<Findings>;

/** What needs the machine for itself. */
const oneByOne: Readonly<Record<string, Measure>> = {
  routes: measureRoutes,
  status: measureStatus,
  load: measureLoad,
  start: measureStart,
  writes: measureWrites,
  alphorn: measureAlphorn,
};

/** What waits most of its minutes, and does not mind that the others are measured at the same time. */
const allAtOnce: Readonly<Record<string, Measure>> = {
  changes: measureChanges,
  memory: measureMemory,
  idle: measureIdle,
};

const subjects = [...Object.keys(oneByOne), ...Object.keys(allAtOnce)];

const { values: options } = parseArgs({
  options: {
    suites: { type: 'string', default: suites.join(',') },
    subjects: { type: 'string', default: subjects.join(',') },
  },
});
const askedSuites = chosen(suites, options.suites);
const askedSubjects = chosen(subjects, options.subjects);

function chosen<T extends string>(from: readonly T[], names: string): readonly T[] {
  const unknown = names.split(',').filter((name) => !from.includes(name as T));
  if (unknown.length > 0)
    throw new Error(`No ${unknown.join(', ')}; there are ${from.join(', ')}.`);
  return from.filter((name) => names.split(',').includes(name));
}

async function measureAll(benches: readonly Bench[]): Promise<Section[]> {
  const found = new Map(benches.map((bench) => [bench, [] as Findings[]]));
  const measure = (name: string, how: Measure) => async (bench: Bench) => {
    const findings = await step(progressOnStderr, `${bench.suite}: ${name}`, () => how(bench));
    found.get(bench)?.push(findings);
  };
  const asked = (table: Readonly<Record<string, Measure>>) =>
    Object.entries(table).filter(([name]) => askedSubjects.includes(name));

  for (const bench of benches) {
    for (const [name, how] of asked(oneByOne)) {
      await measure(name, how)(bench);
    }
  }
  for (const [name, how] of asked(allAtOnce)) await Promise.all(benches.map(measure(name, how)));
  return Promise.all(
    [...found].map(async ([bench, findings]) => ({
      suite: bench.suite,
      versions: await versionLine(bench.node),
      findings,
    })),
  );
}

async function benchOf(lab: Lab): Promise<Bench> {
  const node = lab.nodes[0] as LabNode;
  await untilHealthy(node);
  const token = await node.run(['hactl', 'token', 'create', 'bench', '--role', 'admin']);
  const bench = {
    ...{ suite: lab.suite, node, nodes: lab.nodes, token: token.trim() },
    routes: routeCases(node.name),
  };
  await checkRoutes(bench);
  return bench;
}

/** Tells of all routes that fail before the first minute is spent on one. */
async function checkRoutes(bench: Bench): Promise<void> {
  const answers = await Promise.allSettled(
    bench.routes.map((route) => ask(bench, route, https.globalAgent)),
  );
  const failures = answers.flatMap((answer) =>
    answer.status === 'rejected' ? [(answer.reason as Error).message] : [],
  );
  if (failures.length > 0) throw new Error([`${bench.suite}:`, ...failures].join('\n'));
}

async function versionLine(node: LabNode): Promise<string> {
  const packages = ['pacemaker', 'corosync', 'pcs', 'ha-agent'];
  const format = '${Package} ${Version}\\n';
  const versions = await node.run(['dpkg-query', '--show', '--showformat', format, ...packages]);
  return versions.trim().split('\n').join(', ');
}

const labName = (suite: Suite) => `bench-${suite}`;

try {
  const benches: Bench[] = [];
  for (const suite of askedSuites) {
    benches.push(await benchOf(await upWithPackage(labName(suite), suite)));
  }
  const busy = await busyShare();
  const sections = await measureAll(benches);
  const text = report(sections, busy);
  console.log(text);
  if (askedSuites.length === suites.length && askedSubjects.length === subjects.length) {
    await writeFile(new URL('../../docs/performance.md', import.meta.url), text);
  }
  process.exitCode = allHeld(sections) ? 0 : 1;
} finally {
  for (const suite of askedSuites) await down(labName(suite), progressOnStderr);
}
