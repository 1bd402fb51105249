import { join } from 'node:path';

import { makeStartResident } from '../../src/kit/exec.ts';
import { startWatchdog } from '../../src/server/watchdog.ts';
import { keepingLog } from './keeping-log.ts';

// A process with a watchdog that waits for 3 s. Its argument is "hang", which hangs the event loop, or "turn". With
// "turn", the loop runs for longer than 3 s, and the process exits with 7.
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
  // It hangs right after a sign of life. The watchdog must not count that sign for longer than 3 s.
  while (behaviour === 'hang' && turns >= 10);
  if (turns === 50) process.exit(7);
}, 100);
