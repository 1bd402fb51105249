import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { placeName } from '../../lab/places.ts';

/** What the clients do. */
export interface CountPlan {
  address: string;
  /** An echo is behind it. */
  tcpPort: number;
  httpPort: number;
  /** New connections in a second. */
  tcpPerSecond: number;
  httpPerSecond: number;
  /** Clients whose connections last for ten seconds. */
  long: number;
}

export interface ListenerCount {
  /** Those that were accepted. */
  connections: number;
  /** Bytes. */
  sent: number;
  received: number;
  /** Connections that ended before they should, and their bytes: haproxy counts them at the end of a connection. */
  cut: number;
  bytesOfCut: number;
  /** Connections that nobody accepted. */
  refused: number;
}

export interface Counted {
  tcp: ListenerCount;
  http: ListenerCount;
  /** Bytes of connections by TCP that had ended until each second, of both directions. */
  seconds: number[];
}

/** Starts clients in the lab's network of clients. @returns what ends them, and returns what they counted */
export function startCounting(
  lab: { readonly name: string },
  plan: CountPlan,
): () => Promise<Counted> {
  const script = join(import.meta.dirname, 'counting-client.ts');
  const child = spawn(
    'ip',
    [
      ...['netns', 'exec', placeName(lab, 'client')],
      ...[process.execPath, '--import', import.meta.resolve('tsx'), script, JSON.stringify(plan)],
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const printed = text(child.stdout);
  const ended = once(child, 'close');
  return async () => {
    child.stdin.end();
    await ended;
    return JSON.parse(await printed) as Counted;
  };
}
