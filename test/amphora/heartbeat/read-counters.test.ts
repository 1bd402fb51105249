import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import { makeCounterReader } from '../../../src/amphora/heartbeat/read-counters.ts';
import type { CliSession } from '../../../src/haproxy/cli-session.ts';

const csv = readFileSync(
  new URL('../../fixtures/haproxy/stats/2.6.12/all.txt', import.meta.url),
  'utf8',
);

interface Worker {
  pid: number;
  isStopping: boolean;
  sessions: number;
}

/** A worker, or how it fails. */
type Accepted = Worker | 'ECONNREFUSED' | 'ECONNRESET';

describe('the reader of counters', () => {
  /** Who takes each connection to the stats socket, in their order. The last one takes all further ones. */
  let accepting: Accepted[] = [];

  const reader = () =>
    makeCounterReader({
      socketOf: (owner) => owner,
      masterOf: (owner) => `${owner}-master`,
      openSession: () => {
        const next = accepting.length > 1 ? accepting.shift() : accepting[0];
        if (next === undefined || typeof next === 'string') {
          return Promise.reject(Object.assign(new Error(next), { code: next }));
        }
        return Promise.resolve(sessionOf(next));
      },
      ask: () => Promise.resolve(undefined),
      startOf: (pid) => Promise.resolve(`${pid}`),
    });

  function sessionOf(worker: Worker): CliSession {
    let isOpen = true;
    worker.sessions += 1;
    return {
      ask: () =>
        Promise.resolve(
          `Pid: ${worker.pid}\nStopping: ${worker.isStopping ? 1 : 0}\nCurrConns: 1\n`,
        ),
      read: (_command, take) => {
        take(worker.isStopping ? csv.replaceAll(',OPEN,', ',STOP,') : csv);
        return Promise.resolve();
      },
      isOpen: () => isOpen,
      close: () => {
        if (isOpen) worker.sessions -= 1;
        isOpen = false;
      },
    };
  }

  const workerOf = (pid: number): Worker => ({ pid, isStopping: false, sessions: 0 });
  const readOnce = async (from: ReturnType<typeof reader>) => {
    const [reading] = await from.read(['lb'], () => undefined);
    return { ...reading, listeners: reading?.listeners.length };
  };

  it('holds the worker that serves', async () => {
    const worker = workerOf(1);
    accepting = [worker];
    const own = reader();
    for (let time = 0; time < 2; time += 1) {
      expect(await readOnce(own)).to.include({ state: 'serves', current: '1/1', listeners: 2 });
    }
    expect(worker.sessions).to.equal(1);
  });

  it('finds the next worker in a reload, though the one before or nobody takes the connection', async () => {
    const [before, next] = [workerOf(1), workerOf(2)];
    accepting = [before];
    const own = reader();
    await readOnce(own);
    before.isStopping = true;
    accepting = [before, 'ECONNRESET', before, next];
    const found = await readOnce(own);
    expect(found).to.include({ state: 'serves', current: '2/2', listeners: 2 });
    expect(found.workers?.map(({ worker }) => worker)).to.deep.equal(['1/1', '2/2']);
    expect(before.sessions).to.equal(1);
  });

  it('holds a worker again whose session was closed', async () => {
    const worker = workerOf(1);
    accepting = [worker];
    const own = reader();
    await readOnce(own);
    const closed = { ...worker, sessions: 0 };
    accepting = [closed];
    own.close();
    expect(await readOnce(own)).to.include({ state: 'serves', current: '1/1' });
    expect(closed.sessions).to.equal(1);
  });

  it('does not wait for a process that is stopped, and not for long for one that is silent', async () => {
    accepting = ['ECONNREFUSED'];
    expect(await readOnce(reader())).to.include({ state: 'stopped', listeners: 0 });
    accepting = ['ECONNRESET'];
    expect(await readOnce(reader())).to.include({ state: 'silent', listeners: 0 });
  });
});
