// Measures the agent on real clusters, compares it with the tools that it replaces, and writes docs/performance.md:
//   npm run bench [-- --suites bookworm --subjects routes,idle]
// It fails if a bar is missed. A part of the document is updated for a Debian only if all subjects of that part were
// measured.
import { readFile, writeFile } from 'node:fs/promises';
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
import {
  allHeld,
  machineText,
  type Part,
  parts,
  report,
  type Section,
  withSections,
} from './report.ts';
import { routeCases } from './route-cases.ts';
import { measureRoutes } from './routes.ts';
import { measureStart } from './start.ts';
import { measureLoad, measureStatus } from './status.ts';
import { ask, type Bench, type Findings } from './subject.ts';
import { measureWrites } from './writes.ts';

type Measure = (bench: Bench) => Promise<Findings>;

/** Subjects that need the machine for themselves. */
const oneByOne: Readonly<Record<string, Measure>> = {
  routes: measureRoutes,
  status: measureStatus,
  load: measureLoad,
  start: measureStart,
  writes: measureWrites,
  alphorn: measureAlphorn,
};

/** Subjects that mostly wait, so that they can be measured at the same time. */
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

const isAsked = (subject: string) => askedSubjects.includes(subject);

function chosen<T extends string>(from: readonly T[], names: string): readonly T[] {
  const unknown = names.split(',').filter((name) => !from.includes(name as T));
  if (unknown.length > 0)
    throw new Error(`No ${unknown.join(', ')}; there are ${from.join(', ')}.`);
  return from.filter((name) => names.split(',').includes(name));
}

/** The findings of each subject, on each Debian. */
type Found = ReadonlyMap<Bench, ReadonlyMap<string, Findings>>;

async function measureAll(benches: readonly Bench[]): Promise<Found> {
  const found = new Map(benches.map((bench) => [bench, new Map<string, Findings>()]));
  const measure = (name: string, how: Measure) => async (bench: Bench) => {
    const findings = await step(progressOnStderr, `${bench.suite}: ${name}`, () => how(bench));
    found.get(bench)?.set(name, findings);
  };
  const asked = (table: Readonly<Record<string, Measure>>) =>
    Object.entries(table).filter(([name]) => isAsked(name));

  for (const bench of benches) {
    for (const [name, how] of asked(oneByOne)) {
      await measure(name, how)(bench);
    }
  }
  for (const [name, how] of asked(allAtOnce)) await Promise.all(benches.map(measure(name, how)));
  return found;
}

/** The findings of the requested subjects of a part. */
async function sectionsOf(part: Part, found: Found, machine: string): Promise<Section[]> {
  return Promise.all(
    [...found].map(async ([bench, bySubject]) => ({
      suite: bench.suite,
      machine,
      versions: await versionLine(bench.node),
      findings: part.subjects.flatMap((name) => bySubject.get(name) ?? []),
    })),
  );
}

async function benchOf(lab: Lab): Promise<Bench> {
  const node = lab.nodes[0] as LabNode;
  await untilHealthy(node);
  const token = await node.run(['hactl', 'token', 'create', 'bench', '--role', 'admin']);
  const bench = {
    suite: lab.suite,
    node,
    nodes: lab.nodes,
    token: token.trim(),
    routes: routeCases(node.name),
  };
  await checkRoutes(bench);
  return bench;
}

/** Reports all failing routes before the first one is measured. */
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

const document = new URL('../../docs/performance.md', import.meta.url);

const labName = (suite: Suite) => `bench-${suite}`;

try {
  const benches: Bench[] = [];
  for (const suite of askedSuites) {
    benches.push(await benchOf(await upWithPackage(labName(suite), suite)));
  }
  const machine = machineText(await busyShare(), benches.length);
  const found = await measureAll(benches);
  for (const part of parts.filter(({ subjects: own }) => own.some(isAsked))) {
    const sections = await sectionsOf(part, found, machine);
    console.log(`## ${part.title}\n\n${report(part, sections)}`);
    if (part.subjects.every(isAsked)) {
      await writeFile(document, withSections(await readFile(document, 'utf8'), part, sections));
    }
    if (!allHeld(sections)) process.exitCode = 1;
  }
} finally {
  for (const suite of askedSuites) await down(labName(suite), progressOnStderr);
}
