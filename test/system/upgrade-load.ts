import { randomUUID } from 'node:crypto';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

import type { LabNode } from '../lab/lab.ts';
import { type Call, callHa } from './client.ts';

/** A time as systemd's monotonic timestamps have it, in microseconds (CLOCK_MONOTONIC, clock_gettime(2)). */
const now = () => Number(process.hrtime.bigint() / 1000n);

export interface Period {
  from: number;
  to: number;
}

/** A request that was sent, until its answer came or its connection broke. */
export interface Asked extends Period {
  /** The node that was asked. */
  of: LabNode;
  what: string;
  /** Why it is no success. */
  failure: string | undefined;
}

/** Requests that go on until `stop`. */
export interface Load {
  asked: readonly Asked[];
  /** By property, the values whose change was acknowledged, in their order. */
  acknowledged: ReadonlyMap<string, readonly string[]>;
  /** Returns when each change that was asked for is acknowledged, if the agent answers. */
  stop(): Promise<void>;
}

export interface LoadParts {
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
/** Options of the cluster whose value makes no difference to it: one that is set over HTTPS, one over the socket. */
const overHttps = 'pe-input-series-max';
const overSocket = 'pe-warn-series-max';
const readPauseMs = 40;
const writePauseMs = 250;

/** Reads and changes over HTTPS and the Unix socket, each over new connections, and reads over one that is kept. */
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

  /** As a client does who wants each change made once: it repeats the request until there is an answer. */
  async function write(property: string, options: Call): Promise<void> {
    const values: string[] = [];
    acknowledged.set(property, values);
    for (let value = 1; !isOver(); value += 1) {
      const change = {
        ...{ ...options, method: 'POST', body: JSON.stringify({ value: `${value}` }) },
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
    ...{ asked, acknowledged },
    async stop() {
      stopping.abort();
      await Promise.all(all);
      agent.destroy();
    },
  };
}

/** The time in which a service was stopped and started again, of a node on which that was done once. */
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

/** The requests without success, except those of a node that were under way while its agent was restarted. */
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
