// A service for test/server/service.test.ts, which reports its steps on standard output: one-service.ts HOW
import { setTimeout as sleep } from 'node:timers/promises';

import { Fault } from '../../src/kit/fault.ts';
import { makeLog } from '../../src/kit/log.ts';
import { runService } from '../../src/server/service.ts';

const how = process.argv[2];
const say = (text: string) => process.stdout.write(`${text}\n`);

await runService('one-service', async () => {
  if (how === 'fault') {
    throw new Fault('cannot_listen', 'Cannot listen on *:1. Configure another port.', {
      command: { argv: ['tool'], exitCode: 1, stderr: 'what the tool says' },
    });
  }
  if (how === 'bug') throw new TypeError('a bug');
  // Keeps the process alive, as a listener does.
  setInterval(() => undefined, 1000);
  return Promise.resolve({
    log: makeLog('silent'),
    addresses: [],
    systemd: {
      ready: () => {
        say('ready');
        return Promise.resolve();
      },
      stopping: (maxMs?: number) => {
        say(`stopping within ${maxMs} ms`);
        return Promise.resolve();
      },
    },
    maxStopMs: 130_000,
    async stop() {
      say('a change ends');
      await sleep(200);
      say('a change has ended');
    },
  });
});
