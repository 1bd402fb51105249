// Kills a node's agent at random points of an apply: npm run storm:node -- --kills 100 --suite bookworm [--fresh]
// The file has to be the former or the new one, whole, and keepalived has to run one of them without a break.
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { Command, Option } from 'commander';

import { renderKeepalived } from '../../src/keepalived/render.ts';
import type { Orders } from '../../src/keepalived/report.ts';
import type { WantedKeepalived } from '../../src/keepalived/wanted.ts';
import { openTries } from '../amphora-bench/tries.ts';
import type { GatewayLab } from '../lab/gateway/lab.ts';
import { processesOf } from '../lab/groups.ts';
import { progressOnStderr } from '../lab/progress.ts';
import { type Suite, suites } from '../lab/root.ts';
import { waitUntil } from '../lab/wait.ts';
import { randomOf } from '../support/random.ts';
import { aloneInstance, allMaster, type DirectNode } from './direct-node.ts';
import { withNode } from './with-node.ts';

const options = new Command('npm run storm:node --')
  .addOption(new Option('--suite <suite>').choices(suites).default('bookworm'))
  .option('--kills <count>', '', '100')
  .option('--seed <number>', 'of the points', '1')
  .option('--fresh', 'do not go on with an interrupted run')
  .parse()
  .opts<{ suite: Suite; kills: string; seed: string; fresh?: boolean }>();

/** The result of one kill. */
interface Kill {
  afterMs: number;
  /** How long the apply took without a kill, at the beginning of the run. */
  applyMs: number;
  /** Which file was found after the kill, and after the next start. */
  file: 'former' | 'new' | 'neither';
  settledFile: 'former' | 'new' | 'neither';
  wasAnswered: boolean;
  problems: string[];
}

const file = '/var/lib/ha-node/keepalived/keepalived.conf';
const moves = '/run/addresses-moved';

/** The id on this machine of the agent in the node. */
async function agentOf(lab: GatewayLab, { node }: DirectNode): Promise<number> {
  for (const pid of await processesOf(lab.name, node.name)) {
    const title = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (title.trim() === 'ha-amphora') return pid;
  }
  throw new Error('The agent does not run.');
}

interface Found {
  text: string;
  /** The processes of keepalived. */
  processes: string;
  addresses: string[];
}

async function look({ node }: DirectNode, lab: GatewayLab): Promise<Found> {
  const script = `cat ${file}; echo @@; p=$(cat /run/ha-keepalived/keepalived.pid); echo $p $(pgrep -P $p); echo @@; ip -4 -o address show dev ${lab.interface}`;
  const [text = '', processes = '', addresses = ''] = (await node.run(['sh', '-c', script])).split(
    /^@@\n/m,
  );
  const shown = [...addresses.matchAll(/inet (\S+)/g)].map((match) => match[1] ?? '');
  return { text, processes: processes.trim(), addresses: shown };
}

async function storm(direct: DirectNode, lab: GatewayLab): Promise<void> {
  const { node } = direct;
  const tries = await openTries<Kill>(`node-kills-${options.suite}`, options.fresh ?? false);
  const random = randomOf(Number(options.seed) * 1000 + tries.done.length);
  const [one, two, three] = [1, 2, 3].map((number) => aloneInstance(lab, number));
  if (!one || !two || !three) throw new Error('There are three instances.');
  const plans: readonly WantedKeepalived[] = [
    { instances: [one, two, three] },
    { instances: [{ ...one, priority: 140 }, two, three, aloneInstance(lab, 4)] },
  ];
  const { version } = await direct.report();
  const renderings = (text: string, wanted: WantedKeepalived): boolean => {
    const refreshSeconds = Number(/garp_master_refresh (\d+)/.exec(text)?.[1] ?? 0);
    const fifo = '/run/ha-keepalived/notify.fifo';
    return text === renderKeepalived(wanted, { version, node: node.name, fifo, refreshSeconds });
  };

  await direct.order(plans[0] as WantedKeepalived);
  await allMaster(direct, 3);
  const applyMs = await timeOfApply(direct, plans);
  progressOnStderr(`An apply takes ${applyMs.toFixed(0)} ms`);
  await node.run(['systemd-run', '--unit=watch', 'sh', '-c', `ip -4 monitor address >> ${moves}`]);
  const stay = [1, 2, 3].map((number) => `${lab.address(number)}/24`);
  const { processes } = await look(direct, lab);
  let current = 0;
  while (tries.done.length < Number(options.kills)) {
    const former = plans[current] as WantedKeepalived;
    const next = plans[1 - current] as WantedKeepalived;
    const which = (text: string) =>
      renderings(text, former) ? 'former' : renderings(text, next) ? 'new' : 'neither';
    const agent = await agentOf(lab, direct);
    const afterMs = random() * applyMs * 1.15;
    const answered = { isSo: false };
    const ordering = direct.order(next).then(
      () => {
        answered.isSo = true;
      },
      () => undefined,
    );
    await sleep(afterMs);
    process.kill(agent, 'SIGKILL');
    const answeredBefore = answered.isSo;
    const killed = await look(direct, lab);
    await ordering;
    await node.run(['systemctl', 'reset-failed', 'ha-amphora']).catch(() => '');
    await node.run(['systemctl', 'restart', 'ha-amphora']);
    const problems: string[] = [];
    const settled = await settle(direct).catch((error: unknown) => {
      problems.push(String(error));
      return undefined;
    });
    const after = await look(direct, lab);
    const settledFile = which(after.text);
    if (which(killed.text) === 'neither') problems.push(`a file that is neither: ${killed.text}`);
    if (settledFile === 'neither') problems.push(`at last a file that is neither: ${after.text}`);
    if (answeredBefore && settledFile === 'former') problems.push('an answered order is lost');
    for (const found of [killed, after]) {
      if (found.processes !== processes) problems.push(`other processes: ${found.processes}`);
      const lost = stay.filter((address) => !found.addresses.includes(address));
      if (lost.length > 0) problems.push(`lost ${lost.join(' ')}`);
    }
    const { instances } = settledFile === 'former' ? former : next;
    if (settled !== undefined && settled !== instances.length)
      problems.push('it runs another number');
    const moved = (await node.run(['cat', moves]))
      .split('\n')
      .filter((line) => stay.some((address) => line.includes(` ${address} `)));
    if (moved.length > 0) problems.push(`addresses moved: ${moved.join('; ')}`);
    await node.run(['truncate', '--size=0', moves]);
    await tries.add({
      ...{ afterMs, applyMs, wasAnswered: answeredBefore, problems },
      file: which(killed.text),
      settledFile,
    });
    progressOnStderr(
      `${tries.done.length}: after ${afterMs.toFixed(0)} ms ${which(killed.text)}, then ${settledFile} ${problems.join('; ')}`,
    );
    if (settledFile === 'new') current = 1 - current;
  }
  report(tries.done);
  await tries.forget();
}

/** Waits until the node has gone on after a start. @returns the number of its instances */
async function settle(direct: DirectNode): Promise<number> {
  let count = 0;
  await waitUntil(
    'the node to run one of the orders',
    async () => {
      const stored = await storedRevision(direct);
      const { running, isAnswering, instances, troubles } = await direct.report();
      count = instances.length;
      const isWhole = instances.every(
        ({ state, addresses }) => state === 'MASTER' && addresses.length > 0,
      );
      // A report from before the end of the apply has the former instances.
      const isOfStored = stored !== undefined && running?.revision === stored;
      return isOfStored && isAnswering && isWhole && troubles.length === 0 && count > 0;
    },
    { everyMs: 100, deadlineMs: 60_000 },
  );
  return count;
}

/** The revision that the node runs by its own files; undefined while an apply is not over. */
async function storedRevision({ node }: DirectNode): Promise<number | undefined> {
  const script = 'test ! -e pending.json && cat orders.json';
  const { exitCode, stdout } = await node.exec(['sh', '-c', `cd /var/lib/ha-node && ${script}`]);
  if (exitCode !== 0) return undefined;
  return (JSON.parse(stdout) as { orders: Orders }).orders.revision;
}

async function timeOfApply(
  direct: DirectNode,
  plans: readonly WantedKeepalived[],
): Promise<number> {
  const times: number[] = [];
  for (let index = 1; index <= 6; index += 1) {
    const begun = performance.now();
    await direct.order(plans[index % 2] as WantedKeepalived);
    times.push(performance.now() - begun);
    await sleep(1000);
  }
  return times.sort((a, b) => a - b)[3] ?? 0;
}

function report(kills: readonly Kill[]): void {
  const count = (isMeant: (kill: Kill) => boolean) => kills.filter(isMeant).length;
  console.log(
    `${options.suite}: ${kills.length} kills in an apply of ${kills[0]?.applyMs.toFixed(0)} ms: the former file after ${count(({ file: found }) => found === 'former')}, the new one after ${count(({ file: found }) => found === 'new')}; then the former in ${count(({ settledFile }) => settledFile === 'former')}; answered before the kill: ${count(({ wasAnswered }) => wasAnswered)}`,
  );
  const bad = kills.filter(({ problems }) => problems.length > 0);
  for (const { afterMs, problems } of bad)
    console.log(`  ${afterMs.toFixed(0)} ms: ${problems.join('; ')}`);
  if (bad.length > 0) process.exitCode = 1;
}

await withNode(`kills-${options.suite}`, options.suite, storm);
