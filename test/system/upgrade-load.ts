import { randomUUID } from 'node:crypto';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { type Call, callHa } from './client.ts';
import { editedFile } from './upgrade-state.ts';

/** A time in microseconds of CLOCK_MONOTONIC, as systemd's monotonic timestamps have it (org.freedesktop.systemd1(5)). */
const now = () => Number(process.hrtime.bigint() / 1000n);

interface Period {
  from: number;
  to: number;
}

/** A request, from when it was sent until its answer came or its connection broke. */
interface Asked extends Period {
  /** The node that was asked. */
  of: LabNode;
  what: string;
  /** Why it did not succeed. */
  failure: string | undefined;
}

/** Requests that go on until `stop`. */
interface Load {
  asked: readonly Asked[];
  /** By property, the values whose change was acknowledged, in order. */
  acknowledged: ReadonlyMap<string, readonly string[]>;
  stop(): Promise<void>;
}

interface LoadParts {
  token: string;
  /** The node that is read and changed. */
  node: LabNode;
  /** Its Unix socket, as this machine sees it. */
  socketPath: string;
  /** The node that is only read. */
  other: LabNode;
}

const readRoutes = [
  ...['status', 'node', 'resource', 'property', 'constraint', 'configuration', 'services'],
  ...['alphorn', 'alphorn/status', 'alphorn/liferaft', 'audit'],
];
const readPauseMs = 40;
const writePauseMs = 250;
const editPauseMs = 700;

const overHttps = 'pe-input-series-max';
const overSocket = 'pe-warn-series-max';
/** The cluster properties that the load changes. Their values make no difference to the cluster. */
export const changedProperties = [overHttps, overSocket] as const;

/** Reads and changes over new HTTPS connections and the Unix socket, and reads over one HTTPS connection that is kept. */
export function startLoad({ token, node, socketPath, other }: LoadParts): Load {
  const asked: Asked[] = [];
  const acknowledged = new Map<string, string[]>();
  const stopping = new AbortController();
  const isOver = () => stopping.signal.aborted;

  async function ask(of: LabNode, path: string, options: Call): Promise<boolean> {
    const { method = 'GET' } = options;
    const by = options.socketPath === undefined ? 'HTTPS' : 'the socket';
    const from = now();
    const failure = await callHa(of, path, options).then(
      ({ status, text }) => (status === 200 ? undefined : `${status} ${text}`),
      (error: unknown) => String(error),
    );
    asked.push({ of, what: `${method} ${path} by ${by}`, from, to: now(), failure });
    return failure === undefined;
  }

  async function read(of: LabNode, options: Call): Promise<void> {
    for (let index = 0; !isOver(); index += 1) {
      await ask(of, readRoutes[index % readRoutes.length] ?? '', options);
      await sleep(readPauseMs);
    }
  }

  /** Repeats each change with its key until it is acknowledged, as a client does that wants it made once. */
  async function write(property: string, options: Call): Promise<void> {
    const values: string[] = [];
    acknowledged.set(property, values);
    for (let value = 1; !isOver(); value += 1) {
      const change = {
        ...options,
        method: 'POST',
        body: JSON.stringify({ value: `${value}` }),
        headers: { 'Idempotency-Key': randomUUID() },
      };
      while (!(await ask(node, `property/${property}/set`, change))) {
        if (isOver()) return;
        await sleep(readPauseMs);
      }
      values.push(`${value}`);
      await sleep(writePauseMs);
    }
  }

  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  const all = [
    read(node, { token }),
    read(node, { token, agent }),
    read(node, { socketPath }),
    write(overHttps, { token }),
    write(overSocket, { socketPath }),
    read(other, { token }),
  ];
  return {
    asked,
    acknowledged,
    async stop() {
      stopping.abort();
      await Promise.all(all);
      agent.destroy();
    },
  };
}

/** Waits until the requests of a load have been answered some more times. */
export async function untilAnswered({ asked }: Load): Promise<void> {
  const until = asked.length + 100;
  await waitUntil('the requests to go on', () => asked.length >= until);
}

/** Changes a file of the node's liferaft again and again, until `stop`. */
export function startEdits(node: LabNode): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const all = (async () => {
    while (!stopping.signal.aborted) {
      await node.run(['sh', '-c', `date +%s.%N >> ${editedFile}`]);
      await sleep(editPauseMs);
    }
  })();
  all.catch(() => undefined);
  return {
    async stop() {
      stopping.abort();
      await all;
    },
  };
}

/** The time from the stop of a service until it had started again, on a node where that happened once. */
export async function restartOf(node: LabNode, service: string): Promise<Period> {
  const at = async (property: string) => {
    const show = ['systemctl', 'show', '--value', `--property=${property}`, service] as const;
    return Number(await node.run(show));
  };
  return {
    from: await at('ActiveExitTimestampMonotonic'),
    to: await at('ActiveEnterTimestampMonotonic'),
  };
}

/** The requests that did not succeed, except those of a node that were under way while its agent was restarted. */
export function failedBeyond(asked: readonly Asked[], node: LabNode, restart: Period): string[] {
  const isExcused = ({ of, from, to }: Asked) =>
    of === node && to >= restart.from && from <= restart.to;
  return asked
    .filter((each) => each.failure !== undefined && !isExcused(each))
    .map(({ of, what, failure, from }) => {
      const seconds = (from - restart.from) / 1e6;
      return `${of.name}: ${what}, ${seconds.toFixed(3)} s after the stop: ${failure}`;
    });
}
