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

/** A request, with the period until its answer or the loss of its connection. */
interface SentRequest extends Period {
  /** The node that got the request. */
  of: LabNode;
  path: string;
  what: string;
  /** Why it did not succeed. */
  failure: string | undefined;
}

/** Requests that go on until `stop`. */
interface Load {
  sent: readonly SentRequest[];
  /** By property, the values whose change was acknowledged, in order. */
  acknowledged: ReadonlyMap<string, readonly string[]>;
  stop(): Promise<void>;
}

interface LoadParts {
  token: string;
  /** The node that is read and changed. */
  node: LabNode;
  /** The path of its Unix socket on this machine. */
  socketPath: string;
  /** The node that is only read. */
  other: LabNode;
}

const readRoutes = [
  'status',
  'node',
  'resource',
  'property',
  'constraint',
  'configuration',
  'services',
  'alphorn',
  'alphorn/status',
  'alphorn/liferaft',
  'audit',
];
const readPauseMs = 40;
const writePauseMs = 250;
const editPauseMs = 700;

const overHttps = 'pe-input-series-max';
const overSocket = 'pe-warn-series-max';
/** The cluster properties that the load changes. Their values make no difference to the cluster. */
export const changedProperties = [overHttps, overSocket] as const;

/** Reads and changes over new HTTPS connections and the Unix socket, and reads over one persistent HTTPS connection. */
export function startLoad({ token, node, socketPath, other }: LoadParts): Load {
  const sent: SentRequest[] = [];
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
    sent.push({ of, path, what: `${method} ${path} by ${by}`, from, to: now(), failure });
    return failure === undefined;
  }

  async function read(of: LabNode, options: Call): Promise<void> {
    for (let index = 0; !isOver(); index += 1) {
      await ask(of, readRoutes[index % readRoutes.length] ?? '', options);
      await sleep(readPauseMs);
    }
  }

  /** Repeats each change with its key until it is acknowledged, as a careful client does. */
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
    sent,
    acknowledged,
    async stop() {
      stopping.abort();
      await Promise.all(all);
      agent.destroy();
    },
  };
}

/** Waits until the requests of a load have been answered some more times. */
export async function untilAnswered({ sent }: Load): Promise<void> {
  const until = sent.length + 100;
  await waitUntil('the requests to go on', () => sent.length >= until);
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

/** A request that failed. */
interface Failed {
  of: LabNode;
  path: string;
  text: string;
  /** Whether a read ended because a tool was slow, which says that the machine was busy. */
  isSlowTool: boolean;
}

/** The failed requests, except those that were under way on the node during the restart of its agent. */
export function failedBeyond(
  sent: readonly SentRequest[],
  node: LabNode,
  restart: Period,
): Failed[] {
  const isExcused = ({ of, from, to }: SentRequest) =>
    of === node && to >= restart.from && from <= restart.to;
  return sent
    .filter((each) => each.failure !== undefined && !isExcused(each))
    .map(({ of, path, what, failure = '', from }) => {
      const seconds = (from - restart.from) / 1e6;
      const text = `${of.name}: ${what}, ${seconds.toFixed(3)} s after the stop: ${failure}`;
      const isSlowTool = what.startsWith('GET ') && failure.includes('"code":"tool_timeout"');
      return { of, path, text, isSlowTool };
    });
}
