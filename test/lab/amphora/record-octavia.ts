import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { down } from '../lab.ts';
import { progressOnStderr, step } from '../progress.ts';
import { waitUntil } from '../wait.ts';
import type { Driver, Step } from './driver.ts';
import type { AmphoraLab } from './lab.ts';
import { upAmphorae } from './lab.ts';
import { bringServiceUp, changeAndRemove } from './life-cycle.ts';
import { tenant } from './networks.ts';

// Records what Octavia's own agent of Debian 12 answers to its own driver, and what it costs: record-octavia FILE

const [file = 'build/octavia-agent.json'] = process.argv.slice(2);
const name = 'octavia-record';
await down(name, progressOnStderr);
const lab = await upAmphorae({
  name,
  suite: 'bookworm',
  nodes: 1,
  agent: 'octavia',
  topology: 'ACTIVE_STANDBY',
  progress: progressOnStderr,
});
try {
  const driver = await lab.driver('bookworm', { bodies: true });
  await step(progressOnStderr, 'Playing the life cycle', async () => {
    await bringServiceUp(lab, driver, { mode: 'attempt' });
  });
  const ask = ['-s', '-m', '2', `http://${tenant.vip.address}/`] as const;
  let traffic = '';
  await waitUntil('the VIP to serve', async () => {
    const web = await lab.inClient(['curl', ...ask]);
    traffic = web.stdout;
    return web.exitCode === 0;
  });
  const memory = await memoryOf(lab);
  const times = await step(progressOnStderr, 'Measuring', () => timesOf(driver));
  await step(progressOnStderr, 'Ending the life cycle', () =>
    changeAndRemove(lab, driver, { mode: 'attempt' }),
  );
  await mkdir(dirname(resolve(file)), { recursive: true });
  const record = { traffic, memory, times, steps: driver.history };
  await writeFile(file, `${JSON.stringify(record, null, 2)}\n`);
  await driver.close();
} finally {
  await lab.down();
}

/** The resident and proportional memory of the agent's processes, in kilobytes. */
async function memoryOf(from: AmphoraLab): Promise<Record<string, unknown>[]> {
  const procs = '/sys/fs/cgroup/system.slice/amphora-agent.service/cgroup.procs';
  const script = `for p in $(cat ${procs}); do echo $p $(awk '/^(Rss|Pss):/{print $2}' /proc/$p/smaps_rollup); done`;
  const text = (await from.nodes[0]?.run(['sh', '-c', script])) ?? '';
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, rss, pss] = line.split(' ').map(Number);
      return { pid, rss, pss };
    });
}

/** The milliseconds of each of 30 calls, as the driver sees them. */
async function timesOf(driver: Driver): Promise<Record<string, unknown>> {
  const steps: readonly Step[] = [
    { do: 'discover' },
    { do: 'get_info' },
    { do: 'get_details' },
    { do: 'get_all_listeners' },
    { do: 'update_amphora_listeners' },
    { do: 'reload' },
  ];
  const times: Record<string, unknown> = {};
  for (const each of steps) {
    const repeat = each.do.startsWith('get') || each.do === 'discover' ? 30 : 10;
    const { result } = await driver.attempt({ do: 'measure', repeat, step: each });
    times[each.do] = result;
  }
  return times;
}
