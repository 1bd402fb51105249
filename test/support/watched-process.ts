import { join } from 'node:path';

import { makeStartResident } from '../../src/kit/exec.ts';
import { startWatchdog } from '../../src/server/watchdog.ts';
import { keepingLog } from './keeping-log.ts';

// A process with a watchdog that waits for 3 s. It is told what to do on its command line: "hang" its event loop,
// or "turn" it for longer than that and end with the exit code 7.
const [, , behaviour] = process.argv;

startWatchdog(makeStartResident(), keepingLog().log, {
  program: join(import.meta.dirname, '../../packaging/watchdog'),
  signMs: 100,
  ticks: 10,
  tickSeconds: 0.3,
});
let turns = 0;
setInterval(() => {
  turns += 1;
  if (turns === 1) process.stdout.write('up\n');
  // After a sign of life, which the watchdog must not take for the last word.
  while (behaviour === 'hang' && turns >= 10);
  if (turns === 50) process.exit(7);
}, 100);
