import { parentPort, workerData } from 'node:worker_threads';

import { connectToWrite } from './connection.ts';
import { sqliteFailureOf, type SqliteFailure } from './errors.ts';
import type { Row, Value } from './store.ts';

// The thread that writes. A commit waits for the disk, which may take seconds, and the event loop must not.

/** `rows` and `change` are statements of an open transaction; `end` is a rollback if there is one. */
export type ThreadRequest = { id: number } & (
  | { kind: 'rows' | 'change'; sql: string; values: readonly Value[] }
  | { kind: 'begin' | 'commit' | 'end' | 'close' }
);

export type ThreadAnswer = { id: number } & (
  { value: Row[] | number } | { failure: SqliteFailure } | { error: string }
);

const port = parentPort;
if (port !== null) {
  const connection = connectToWrite(workerData as string);
  port.on('message', (request: ThreadRequest) => {
    port.postMessage(answerTo(request));
  });

  function answerTo(request: ThreadRequest): ThreadAnswer {
    const { id } = request;
    try {
      return { id, value: carryOut(request) };
    } catch (error) {
      const failure = sqliteFailureOf(error);
      return failure ? { id, failure } : { id, error: String(error) };
    }
  }

  function carryOut(request: ThreadRequest): Row[] | number {
    switch (request.kind) {
      case 'rows':
        demandTransaction();
        return connection.all(request.sql, request.values);
      case 'change':
        demandTransaction();
        return connection.run(request.sql, request.values);
      case 'begin':
        connection.exec('BEGIN IMMEDIATE');
        return 0;
      case 'commit':
        connection.exec('COMMIT');
        return 0;
      case 'end':
        if (connection.isInTransaction()) connection.exec('ROLLBACK');
        return 0;
      case 'close':
        connection.close();
        return 0;
    }
  }

  /** A full disk may have ended the transaction. The next statements would then count one by one. */
  function demandTransaction(): void {
    if (!connection.isInTransaction()) throw new Error('SQLite has ended the transaction.');
  }
}
