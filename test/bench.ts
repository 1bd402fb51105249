// Measures the agent on a real cluster beside what it stands in for, and writes docs/performance.md:
//   npm run bench [-- --suites bookworm]
// It fails if a bar is missed. All figures of a Debian are taken in one run, on one node; ratios count,
// for machines differ. The document is written only of a run over all Debians.
import { writeFile } from 'node:fs/promises';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { type Lab, type LabNode, down } from './lab/lab.ts';
import { progressOnStderr } from './lab/progress.ts';
import { type Suite, suites } from './lab/root.ts';
import { upWithPackage } from './lab/with-package.ts';
import { call, callHa, forgotten, untilHealthy } from './system/client.ts';

interface Figure {
  what: string;
  measured: string;
  bar: string;
  held: boolean;
}

interface Section {
  suite: Suite;
  versions: string;
  figures: Figure[];
}

const pairs = 15;
const callers = 100;
const loadSeconds = 10;
const requests = 10_000;
/** The requests are spread over this time, for one reading of the cluster serves all of a second. */
const memorySeconds = 100;

/** `status`, not cached and with `raw`, beside `pcs status`: in turn, so that both meet the same weather. */
async function statusBesidePcs(node: LabNode, token: string): Promise<Figure[]> {
  const ours: number[] = [];
  const theirs: number[] = [];
  const agent = new https.Agent({ keepAlive: true });
  for (let pair = 0; pair < pairs; pair += 1) {
    await forgotten();
    ours.push(await timed(() => callHa(node, 'status', { token, agent })));
    theirs.push(await timed(() => node.run(['pcs', 'status'])));
  }
  agent.destroy();
  const ratio = median(ours.map((each, index) => each / (theirs[index] ?? NaN)));
  return [
    {
      what: `\`GET status\`, not cached, with \`raw\`, beside \`pcs status\` (medians of ${pairs} pairs)`,
      measured: `${ms(median(ours))} beside ${ms(median(theirs))}: ${ratio.toFixed(2)} of its time`,
      bar: 'under 0.2',
      held: ratio < 0.2,
    },
  ];
}

/** How often crm_mon is started while many callers ask without a pause. */
async function runsUnderLoad(node: LabNode, token: string): Promise<Figure[]> {
  const log = '/run/crm_mon.starts';
  await node.run(['mv', '/usr/sbin/crm_mon', '/usr/sbin/crm_mon.real']);
  const counting = `#!/bin/sh\ndate +%s%N >> ${log}\nexec /usr/sbin/crm_mon.real "$@"\n`;
  await node.writeFile('/usr/sbin/crm_mon', counting, 0o755);
  try {
    const agent = new https.Agent({ keepAlive: true, maxSockets: callers });
    const endsAt = Date.now() + loadSeconds * 1000;
    let answers = 0;
    await Promise.all(
      Array.from({ length: callers }, async () => {
        while (Date.now() < endsAt) {
          const { status, text } = await callHa(node, 'status', { token, agent });
          if (status !== 200) throw new Error(text);
          answers += 1;
        }
      }),
    );
    agent.destroy();
    const starts = (await node.run(['cat', log]))
      .trim()
      .split('\n')
      .map((line) => Number(line) / 1e9);
    const most = Math.max(
      ...starts.map((from) => starts.filter((at) => at >= from && at < from + 1).length),
    );
    return [
      {
        what: `\`crm_mon\` runs while ${callers} callers ask for \`status\` for ${loadSeconds} s (${answers} answers)`,
        measured: `${starts.length} runs, at most ${most} in any second`,
        bar: 'at most 3 a second',
        held: most <= 3,
      },
    ];
  } finally {
    await node.run(['mv', '/usr/sbin/crm_mon.real', '/usr/sbin/crm_mon']);
    await node.run(['rm', '-f', log]);
  }
}

/** The agent's resident memory after many requests, from a fresh start. */
async function memory(node: LabNode, token: string): Promise<Figure[]> {
  await node.run(['systemctl', 'restart', 'ha-agent']);
  await untilHealthy(node);
  const idle = await residentMb(node);
  const agent = new https.Agent({ keepAlive: true, maxSockets: 20 });
  const perTick = requests / (memorySeconds * 10);
  for (let sent = 0; sent < requests; sent += perTick) {
    const tick = sleep(100);
    const answers = await Promise.all(
      Array.from({ length: perTick }, () => callHa(node, 'status', { token, agent })),
    );
    const failed = answers.find(({ status }) => status !== 200);
    if (failed) throw new Error(failed.text);
    await tick;
  }
  agent.destroy();
  const used = await residentMb(node);
  return [
    {
      what: `resident memory after ${requests} requests of \`status\` in ${memorySeconds} s, with a reading each second (${idle.toFixed(0)} MB at the start)`,
      measured: `${used.toFixed(0)} MB`,
      bar: 'under 90 MB',
      held: used < 90,
    },
  ];
}

/** From `systemctl start` to the first answer, of the process and of the cluster's state. */
async function start(node: LabNode, token: string): Promise<Figure[]> {
  const first: number[] = [];
  const status: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    await node.run(['systemctl', 'stop', 'ha-agent']);
    const startedAt = performance.now();
    const started = node.run(['systemctl', 'start', 'ha-agent']);
    await untilHealthy(node);
    first.push(performance.now() - startedAt);
    await callHa(node, 'status', { token });
    status.push(performance.now() - startedAt);
    await started;
  }
  return [
    {
      what: 'from `systemctl start` to the first answer (median of 5)',
      measured: `${ms(median(first))}; with \`status\` ${ms(median(status))}`,
      bar: 'under 1 s',
      held: median(first) < 1000,
    },
  ];
}

async function residentMb(node: LabNode): Promise<number> {
  const pid = (
    await node.run(['systemctl', 'show', '--value', '--property=MainPID', 'ha-agent'])
  ).trim();
  const status = await node.run(['cat', `/proc/${pid}/status`]);
  // In the unit of the bar, 10^6 bytes.
  return (Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024) / 1e6;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

const ms = (value: number) => `${value.toFixed(0)} ms`;

async function versionLine(node: LabNode): Promise<string> {
  const { json } = await call(node, '/healthz');
  if ((json as { status?: string }).status !== 'ok') throw new Error('The agent is not well.');
  const packages = ['pacemaker', 'corosync', 'pcs', 'ha-agent'];
  const format = '${Package} ${Version}\\n';
  const versions = await node.run(['dpkg-query', '--show', '--showformat', format, ...packages]);
  return versions.trim().split('\n').join(', ');
}

async function measure(lab: Lab): Promise<{ figures: Figure[]; versions: string }> {
  const node = lab.nodes[0] as LabNode;
  await untilHealthy(node);
  const token = (await node.run(['hactl', 'token', 'create', 'bench', '--role', 'viewer'])).trim();
  const figures = [
    ...(await statusBesidePcs(node, token)),
    ...(await runsUnderLoad(node, token)),
    ...(await memory(node, token)),
    ...(await start(node, token)),
  ];
  return { figures, versions: await versionLine(node) };
}

async function benchSuite(suite: Suite): Promise<Section> {
  const name = `bench-${suite}`;
  const lab = await upWithPackage(name, suite);
  try {
    return { suite, ...(await measure(lab)) };
  } finally {
    await down(name, progressOnStderr);
  }
}

function report({ suite, versions, figures }: Section): string {
  const rows = figures.map(
    ({ what, measured, bar, held }) =>
      `| ${what} | ${measured} | ${bar}: ${held ? 'held' : 'MISSED'} |`,
  );
  return [
    `## ${suite}`,
    '',
    versions,
    '',
    '| What | Measured | Bar |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

const { values } = parseArgs({
  options: { suites: { type: 'string', default: suites.join(',') } },
});
const sections: Section[] = [];
for (const suite of values.suites.split(',')) sections.push(await benchSuite(suite as Suite));
const text = ['# Performance', '', 'Written by `npm run bench`.', '', ...sections.map(report)].join(
  '\n',
);
console.log(text);
if (sections.length === suites.length) {
  await writeFile(new URL('../docs/performance.md', import.meta.url), text);
}
process.exitCode = sections.every(({ figures }) => figures.every(({ held }) => held)) ? 0 : 1;
