import { parentPort, workerData } from 'node:worker_threads';

import { Fault } from '../../kit/fault.ts';
import { prepareNow, type WorkerAnswer } from './prepared-cib.ts';

// The thread in which prepareCib reads a large CIB. It ends after its answer.
parentPort?.postMessage(answer());

function answer(): WorkerAnswer {
  try {
    return { prepared: prepareNow(workerData as string) };
  } catch (error) {
    if (error instanceof Fault) return { code: error.code, message: error.message };
    throw error;
  }
}
