import { setTimeout as sleep } from 'node:timers/promises';

import { listenForSignals } from '../../../src/bin/hactl/signals.ts';

// Announces that its work is under way, and ends after input on stdin. With `held`, signals wait for the work.
//   held-off.ts held|free

const signals = listenForSignals();
const ended = new Promise<void>((resolve) =>
  process.stdin.once('data', () => {
    resolve();
  }),
);
const work = async () => {
  console.log('under way');
  await Promise.race([ended, sleep(300_000, undefined, { ref: false })]);
};
await (process.argv[2] === 'held' ? signals.holdOff(work) : work());
console.log('done');
process.stdin.destroy();
