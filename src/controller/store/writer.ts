import { Worker } from 'node:worker_threads';

import { setDeadline } from '../../kit/concurrency/deadline.ts';
import { makeSerializer } from '../../kit/concurrency/serialize.ts';
import { Fault } from '../../kit/fault.ts';
import { errorOf } from './errors.ts';
import type { Numbers } from './numbers.ts';
import type { StorePaths } from './paths.ts';
import type { Row, Transaction, Value } from './store.ts';
import type { ThreadAnswer, ThreadRequest } from './thread.ts';

/** Max number of transactions that wait. */
const maxWaiting = 1000;
/** Milliseconds for the work of one transaction, because all others wait for it. */
const maxWorkMs = 30_000;

// The sources run as they are in tests, compiled in the package.
const ownThread = import.meta.url.endsWith('.ts')
  ? new URL('thread.ts', import.meta.url)
  : new URL('store-thread.js', import.meta.url);

/** Makes transactions one after another. */
export interface Writer {
  /** See Store. */
  write<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  /** Returns when the transactions that were begun have ended. */
  close(): Promise<void>;
}

type Ask = (request: DistributedOmit<ThreadRequest, 'id'>) => Promise<Row[] | number>;
type DistributedOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** @param paths of a store that exists and has all its tables */
export function openWriter(paths: StorePaths, numbers: Numbers, thread = ownThread): Writer {
  const serialize = makeSerializer();
  const connection = makeThread(paths, thread);
  let waiting = 0;
  let isClosed = false;

  return {
    async write(work) {
      if (isClosed) throw closed();
      if (waiting >= maxWaiting) {
        throw new Fault(
          'too_many_changes',
          `${maxWaiting} changes wait for the store already. Nothing was done; try again in a few seconds.`,
          { retryAfterSeconds: 5 },
        );
      }
      waiting += 1;
      try {
        return await serialize(() => transact(connection.ask, numbers, work));
      } finally {
        waiting -= 1;
      }
    },
    close: () => {
      isClosed = true;
      return serialize(() => connection.close());
    },
  };
}

async function transact<T>(
  ask: Ask,
  numbers: Numbers,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const state = { isOpen: true };
  const whileOpen: Ask = (request) => {
    if (!state.isOpen) throw new Error('The transaction is over.');
    return ask(request);
  };
  await ask({ kind: 'begin' });
  try {
    const result = await inTime(work(transactionOf(whileOpen, numbers)));
    state.isOpen = false;
    await ask({ kind: 'commit' });
    return result;
  } catch (error) {
    state.isOpen = false;
    // The first error says more than that of a connection that is gone.
    await ask({ kind: 'end' }).catch(() => undefined);
    throw error;
  }
}

function transactionOf(ask: Ask, numbers: Numbers): Transaction {
  const all = async (sql: string, values: readonly Value[] = []) =>
    (await ask({ kind: 'rows', sql, values })) as Row[];
  const run = async (sql: string, values: readonly Value[] = []) =>
    (await ask({ kind: 'change', sql, values })) as number;
  return {
    all,
    one: async (sql, values) => (await all(sql, values))[0],
    run,
    async nextNumber(name) {
      const number = await numbers.next(name);
      await run(
        'INSERT INTO numbers (name, last) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET last = $2',
        [name, number],
      );
      return number;
    },
  };
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let deadline;
  const passed = new Promise<never>((_resolve, reject) => {
    deadline = setDeadline(maxWorkMs, () => {
      reject(new Error(`The work of a transaction took more than ${maxWorkMs / 1000} s.`));
    });
  });
  try {
    return await Promise.race([work, passed]);
  } finally {
    (deadline as { cancel(): void } | undefined)?.cancel();
  }
}

interface Waiting {
  resolve: (value: Row[] | number) => void;
  reject: (error: Error) => void;
}

/** The connection in its thread. A thread that died is replaced at the next request; SQLite has rolled back its work. */
function makeThread({ file, folder }: StorePaths, code: URL) {
  let worker: Worker | undefined;
  let waiting = new Map<number, Waiting>();
  let lastId = 0;

  function begin(): Worker {
    const started = new Worker(code, { workerData: file });
    const own = new Map<number, Waiting>();
    waiting = own;
    const end = (why: string) => {
      if (worker === started) worker = undefined;
      for (const { reject } of own.values()) reject(threadGone(folder, why));
      own.clear();
    };
    started.on('message', (answer: ThreadAnswer) => {
      settle(own, answer, folder);
    });
    started.on('error', (error) => {
      end(String(error));
    });
    started.on('exit', () => {
      end('it ended');
    });
    return started;
  }

  const ask: Ask = (request) =>
    new Promise((resolve, reject) => {
      worker ??= begin();
      lastId += 1;
      waiting.set(lastId, { resolve, reject });
      worker.postMessage({ ...request, id: lastId });
    });

  return {
    ask,
    async close() {
      if (worker === undefined) return;
      await ask({ kind: 'close' });
      await worker.terminate();
    },
  };
}

function settle(waiting: Map<number, Waiting>, answer: ThreadAnswer, folder: string): void {
  const found = waiting.get(answer.id);
  waiting.delete(answer.id);
  if ('value' in answer) found?.resolve(answer.value);
  else if ('failure' in answer) found?.reject(errorOf(answer.failure, folder));
  else found?.reject(new Error(answer.error));
}

function closed(): Fault {
  return new Fault('stopping', 'The controller is stopping. Nothing was done; try again later.');
}

function threadGone(folder: string, why: string): Fault {
  return new Fault(
    'store_unavailable',
    `The store in ${folder} cannot be written now, because its thread failed (${why}). Whether the last change is there is not known; read the state, then try again.`,
  );
}
