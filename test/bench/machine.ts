import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** The share of the machine's time that is in use over a few seconds. */
export async function busyShare(): Promise<number> {
  const times = () =>
    cpus().reduce(
      (sum, { times: { idle, ...used } }) => ({
        idle: sum.idle + idle,
        all: sum.all + idle + used.user + used.nice + used.sys + used.irq,
      }),
      { idle: 0, all: 0 },
    );
  const before = times();
  await sleep(5000);
  const after = times();
  return 1 - (after.idle - before.idle) / (after.all - before.all);
}
