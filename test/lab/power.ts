import { watch } from 'node:fs';
import { appendFile, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDetached } from './detached.ts';
import { isCut } from './network.ts';
import { boot, crash, isOn } from './node.ts';
import type { LabRecord, NodeRecord } from './record.ts';
import { nodePaths, readRecord } from './record.ts';
import type { Argv } from './run.ts';
import { waitUntil } from './wait.ts';

// The power switch of a lab: a process on this machine that does what the fence agent in a node asks for. Each node has
// its own request folder, so the switch knows who asks. A node whose network is cut gets no answer, because its wire to
// a management controller goes through the same switch.

/**
 * The time between power and operating system, as on any server. Without it, a node could be back before the others
 * have missed it (corosync's token runs out after 3 s and more). It would join them, be told that it was fenced, and
 * stop its Pacemaker for good.
 */
const selfTestMs = 10_000;

/** The state of a running power switch. */
interface Switch {
  readonly lab: LabRecord;
  /** The nodes that are in their self-test, by name. */
  readonly testing: Map<string, NodeJS.Timeout>;
}

interface Answer {
  /** Exit code of the fence agent. */
  readonly code: 0 | 1 | 2;
  readonly text: string;
}

const cli = join(import.meta.dirname, 'cli.ts');
const logOf = (lab: LabRecord): string => join(lab.folder, 'power.log');
const readyFile = (lab: LabRecord): string => join(lab.folder, 'power.ready');

/** Starts the power switch of a lab as a separate process, and waits until it listens. */
export async function startPowerSwitch(lab: LabRecord): Promise<void> {
  const node: Argv = [process.execPath, '--import', import.meta.resolve('tsx')];
  const argv: Argv = [...node, cli, 'power-switch', '--name', lab.name];
  await startDetached(lab, 'power', argv, { logFile: logOf(lab) });
  await waitUntil(`the power switch to listen (see ${logOf(lab)})`, async () =>
    (await readdir(lab.folder)).includes('power.ready'),
  );
}

/** What the power switch has done so far, one line for each action. */
export async function powerLog(lab: LabRecord): Promise<string[]> {
  const text = await readFile(logOf(lab), 'utf8');
  return text.split('\n').filter(Boolean);
}

/** Runs as the power switch of a lab until it is killed. */
export async function bePowerSwitch(name: string): Promise<never> {
  const lab = await readRecord(name);
  if (lab === undefined) {
    throw new Error(`There is no lab ${name}.`);
  }
  const power: Switch = { lab, testing: new Map() };
  const lookEverywhere = () => {
    for (const asker of lab.nodes) {
      answerRequests(power, asker).catch((error: unknown) => log(lab, String(error)));
    }
  };
  for (const node of lab.nodes) {
    watch(nodePaths(node).power, lookEverywhere);
  }
  await writeFile(readyFile(lab), '');
  // Events of a folder may be dropped if there are many at once
  setInterval(lookEverywhere, 1_000);
  return new Promise(() => undefined);
}

async function answerRequests(power: Switch, asker: NodeRecord): Promise<void> {
  const folder = nodePaths(asker).power;
  const requests = (await readdir(folder)).filter((file) => file.endsWith('.request'));
  await Promise.all(requests.map((file) => answerRequest(power, asker, join(folder, file))));
}

async function answerRequest(power: Switch, asker: NodeRecord, path: string): Promise<void> {
  const taken = path.replace(/\.request$/, '.taken');
  try {
    await rename(path, taken);
  } catch {
    // Another check was faster
    return;
  }
  const [action = '', plug = ''] = (await readFile(taken, 'utf8')).trim().split(' ');
  const startedAt = performance.now();
  const answer = await act(power, asker, action, plug).catch((error: unknown): Answer => {
    return { code: 1, text: error instanceof Error ? error.message : String(error) };
  });
  await writeFile(taken, `${answer.code} ${answer.text}\n`);
  await rename(taken, path.replace(/\.request$/, '.answer'));
  if (['on', 'off', 'reboot'].includes(action)) {
    const took = `${Math.round(performance.now() - startedAt)} ms`;
    await log(
      power.lab,
      `${asker.name} asked: ${action} ${plug}: ${answer.text || 'done'} (${took})`,
    );
  }
}

async function act(
  power: Switch,
  asker: NodeRecord,
  action: string,
  plug: string,
): Promise<Answer> {
  const { lab, testing } = power;
  if (isCut(asker)) {
    return { code: 1, text: `no way from ${asker.name} to the power switch: its network is cut` };
  }
  if (action === 'monitor') {
    return { code: 0, text: '' };
  }
  if (action === 'list') {
    return { code: 0, text: lab.nodes.map((node) => `${node.name},${node.host}`).join('\n') };
  }
  const target = lab.nodes.find((node) => node.name === plug);
  if (target === undefined) {
    return { code: 1, text: `no node ${plug} at this power switch` };
  }
  switch (action) {
    case 'status':
      return testing.has(plug) || (await isOn(lab, target))
        ? { code: 0, text: 'on' }
        : { code: 2, text: 'off' };
    case 'off':
      await switchOff(power, target);
      return { code: 0, text: '' };
    case 'on':
      await switchOn(power, target);
      return { code: 0, text: '' };
    case 'reboot':
      await switchOff(power, target);
      await switchOn(power, target);
      return { code: 0, text: '' };
    default:
      return { code: 1, text: `unknown action ${action}` };
  }
}

async function switchOff({ lab, testing }: Switch, node: NodeRecord): Promise<void> {
  clearTimeout(testing.get(node.name));
  testing.delete(node.name);
  await crash(lab, node);
}

/** Like a real one, it reports success when the power is on, not when the operating system is up. */
async function switchOn({ lab, testing }: Switch, node: NodeRecord): Promise<void> {
  if (testing.has(node.name) || (await isOn(lab, node))) {
    return;
  }
  const start = () => {
    testing.delete(node.name);
    boot(lab, node).catch((error: unknown) =>
      log(lab, `${node.name} does not boot: ${String(error)}`),
    );
  };
  testing.set(node.name, setTimeout(start, selfTestMs));
}

async function log(lab: LabRecord, line: string): Promise<void> {
  await appendFile(logOf(lab), `${new Date().toISOString()} ${line}\n`);
}
