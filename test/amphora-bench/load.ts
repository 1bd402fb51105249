// Clients of a load balancer. Started in the namespace of the clients with a LoadPlan as JSON, it prints an Event as JSON on
// each line, and ends when its standard input does and all downloads are over.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { Worker } from 'node:worker_threads';

import { sleeper } from './figures/witness.ts';
import type { LoadEvent, LoadPlan } from './load-events.ts';

const plan = JSON.parse(process.argv[2] ?? '') as LoadPlan;
const ca = plan.authority === undefined ? undefined : readFileSync(plan.authority);
const deadlines = { kept: 10_000, download: 120_000 };

/** Milliseconds of the monotonic clock, which all processes of this machine share. */
const now = (): number => Number(process.hrtime.bigint()) / 1e6;

const tell = (event: LoadEvent): void => void process.stdout.write(`${JSON.stringify(event)}\n`);

const state = { isOver: false, open: 0 };

interface Answer {
  member: string;
  body: Buffer;
  isReused: boolean;
}

/** One request. Fails without an answer in time, with another status than 200, and with a body that is cut off. */
function ask(
  {
    isTls,
    path = '/',
    agent = false,
  }: { isTls: boolean; path?: string; agent?: http.Agent | false },
  deadlineMs: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const common = { host: plan.address, path, agent };
    const request = isTls
      ? https.get({ ...common, port: plan.tlsPort, ca, servername: plan.serverName })
      : http.get({ ...common, port: plan.port });
    const timer = setTimeout(() => {
      request.destroy(new Error(`no answer in ${deadlineMs} ms`));
    }, deadlineMs);
    request.on('close', () => {
      clearTimeout(timer);
    });
    request.on('error', reject);
    request.on('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode, headers } = response;
        if (statusCode !== 200) reject(new Error(`status ${statusCode ?? 'none'}`));
        const member = String(headers['x-member']);
        resolve({ member, body: Buffer.concat(parts), isReused: request.reusedSocket });
      });
    });
  });
}

const reasonOf = (error: unknown): string =>
  (error as NodeJS.ErrnoException).code ?? (error as Error).message;

async function probe(isTls: boolean): Promise<void> {
  const start = now();
  state.open += 1;
  try {
    const { member } = await ask({ isTls }, plan.timeoutMs);
    tell({ kind: 'new', start, end: now(), isTls, member });
  } catch (error) {
    tell({ kind: 'new', start, end: now(), isTls, failure: reasonOf(error) });
  }
  state.open -= 1;
}

/** Opens new connections at a fixed rate. A late timer opens all that are due. */
function openNew(): void {
  const begin = now();
  let opened = 0;
  const timer = setInterval(() => {
    if (state.isOver) {
      clearInterval(timer);
      return;
    }
    for (; opened < ((now() - begin) * plan.perSecond) / 1000; opened += 1) {
      void probe(plan.tlsPort !== undefined && opened % 2 === 1);
    }
  }, 5);
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * A client that keeps its connection. The server may close it between two requests; a client repeats a GET on another
 * connection if a used one ends without a byte of an answer (RFC 9110, section 9.2.2). Both are counted.
 */
async function keepAlive(isTls: boolean): Promise<void> {
  const options = { keepAlive: true, maxSockets: 1 };
  const agent = isTls ? new https.Agent(options) : new http.Agent(options);
  state.open += 1;
  while (!state.isOver) {
    const start = now();
    try {
      const { member, isReused } = await reusingAnswer(isTls, agent);
      tell({ kind: 'kept', start, end: now(), isTls, member, isReused });
    } catch (error) {
      tell({ kind: 'kept', start, end: now(), isTls, failure: reasonOf(error) });
    }
    await sleep(200);
  }
  agent.destroy();
  state.open -= 1;
}

async function reusingAnswer(isTls: boolean, agent: http.Agent): Promise<Answer> {
  try {
    return await ask({ isTls, agent }, deadlines.kept);
  } catch (error) {
    const isClosed = ['ECONNRESET', 'EPIPE'].includes(reasonOf(error));
    if (!isClosed) throw error;
    tell({ kind: 'repeated', at: now(), isTls });
    return ask({ isTls, agent }, deadlines.kept);
  }
}

/** Downloads again and again. The byte at position N has to be N mod 251. */
async function download(isTls: boolean): Promise<void> {
  const { bytes, ms } = plan.download;
  const expected = Buffer.alloc(bytes, Buffer.from(Array.from({ length: 251 }, (_, at) => at)));
  state.open += 1;
  while (!state.isOver) {
    const start = now();
    const path = `/download?bytes=${bytes}&ms=${ms}`;
    try {
      const { member, body } = await ask({ isTls, path }, deadlines.download);
      const isWhole = body.equals(expected);
      const failure = isWhole ? {} : { failure: `${body.length} bytes, not those that were sent` };
      tell({ kind: 'download', start, end: now(), isTls, member, ...failure });
    } catch (error) {
      tell({ kind: 'download', start, end: now(), isTls, failure: reasonOf(error) });
    }
  }
  state.open -= 1;
}

const witness = new Worker(sleeper, { eval: true });
witness.on('message', tell);

openNew();
for (let index = 0; index < plan.kept; index += 1) {
  void keepAlive(plan.tlsPort !== undefined && index % 2 === 1);
}
for (let index = 0; index < plan.downloads; index += 1) {
  void download(plan.tlsPort !== undefined && index % 2 === 1);
}

process.stdin.resume().on('end', () => {
  state.isOver = true;
  const timer = setInterval(() => {
    if (state.open > 0) return;
    clearInterval(timer);
    void witness.terminate();
  }, 20);
});
