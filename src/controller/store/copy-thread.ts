import { parentPort, workerData } from 'node:worker_threads';

import { connect } from './connection.ts';
import { sqliteFailureOf } from './errors.ts';

// Copies a store to a file, and answers with the failure of SQLite, or null.

const { file, to } = workerData as { file: string; to: string };
try {
  const connection = connect(file, { isReadOnly: true });
  try {
    connection.run('VACUUM INTO $1', [to]);
  } finally {
    connection.close();
  }
  parentPort?.postMessage(null);
} catch (error) {
  const failure = sqliteFailureOf(error);
  if (failure === undefined) throw error;
  parentPort?.postMessage(failure);
}
