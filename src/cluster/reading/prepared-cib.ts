import { Worker } from 'node:worker_threads';

import { Fault, type FaultCode, systemErrorCode } from '../../kit/fault.ts';
import { maskOccurrences } from '../../kit/secrets/known-secrets.ts';
import { type Cib, parseCib } from '../../parsers/cib/cib.ts';
import { maskPairs } from '../../kit/secrets/masking.ts';

/** A CIB as the rest of the agent sees it. */
export interface PreparedCib {
  cib: Cib;
  /** Its text. Secrets are masked where a name marks them, and wherever else their values occur. */
  xml: string;
  /** The values that were found to be secret. */
  secrets: readonly string[];
}

/** The worker's answer: the CIB, or the code and message of a fault. */
export type WorkerAnswer = { prepared: PreparedCib } | { code: FaultCode; message: string };

/** Preparing a longer text would block the event loop for too long. In characters. */
const maxOnLoop = 512 * 1024;
/** The worker's heap limit in MB. A CIB of 16 MB, the limit of a tool's output, needs half of it. */
const maxHeap = 512;

// The sources run as they are in tests, compiled in the package.
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const ownThread = new URL(`cib-worker.${extension}`, import.meta.url);

/**
 * Masks the secrets of a CIB and parses it. A large CIB gets a thread of its own.
 * @param xml a CIB without its status
 * @param thread the code of that thread
 * Faults: `unreadable_output`
 */
export async function prepareCib(xml: string, thread = ownThread): Promise<PreparedCib> {
  if (xml.length <= maxOnLoop) return prepareNow(xml);
  try {
    return await prepareInWorker(xml, thread);
  } catch (error) {
    if (error instanceof Fault) throw error;
    // During an upgrade of the package, that code may be missing or of another version until the agent is restarted.
    return prepareNow(xml);
  }
}

/** Does the same synchronously. */
export function prepareNow(xml: string): PreparedCib {
  const secrets = new Set<string>();
  const byName = maskPairs(xml, (value) => secrets.add(value));
  if (secrets.size > 0) {
    // A value that is public in one place, such as the name of a node, is no secret in another.
    for (const [, name = ''] of xml.matchAll(openNames)) secrets.delete(name);
  }
  const masked = maskOccurrences(byName, secrets);
  return { cib: parseCib(masked), xml: masked, secrets: [...secrets] };
}

const openNames = / (?:id|name|uname|class|provider|type)="([^"<]*)"/g;

function prepareInWorker(xml: string, thread: URL): Promise<PreparedCib> {
  const worker = new Worker(thread, {
    workerData: xml,
    resourceLimits: { maxOldGenerationSizeMb: maxHeap },
  });
  return new Promise((resolve, reject) => {
    worker.once('message', (answer: WorkerAnswer) => {
      if ('prepared' in answer) resolve(answer.prepared);
      else reject(new Fault(answer.code, answer.message));
    });
    worker.once('error', (error: unknown) => {
      const isMemory = systemErrorCode(error) === 'ERR_WORKER_OUT_OF_MEMORY';
      reject(isMemory ? tooLarge() : (error as Error));
    });
    worker.once('exit', () => {
      reject(new Error('The thread that reads the CIB ended without an answer.'));
    });
  });
}

function tooLarge(): Fault {
  return new Fault(
    'unreadable_output',
    'The CIB is too large for the memory that the agent gives it. Remove from it what the cluster does not need.',
  );
}
