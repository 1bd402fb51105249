import type { Connection } from './client.ts';
import type { Listener } from './hosts.ts';

/** Beginnings of requests whose rest never comes. */
const starts = [
  '',
  'G',
  'GET /healthz HTTP/1.1\r\nHost: a\r\n',
  'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n1',
];
/** The peer port keeps a connection open for five minutes after an answer, and this machine may stand still. */
const maxWaitMs = 400_000;

/** Connections on which the rest never comes. */
export interface Stragglers {
  /** The number that should be closed by now and are not. */
  leftOpen: () => number;
  close: () => void;
}

export async function openStragglers(listeners: readonly Listener[]): Promise<Stragglers> {
  const openedAt = performance.now();
  const connections: Connection[] = [];
  for (const [index, listener] of listeners.entries()) {
    for (const [kind, start] of starts.entries()) {
      const connection = await listener(`127.0.${1 + index}.${1 + kind}`);
      connections.push(connection);
      connection.write(start);
    }
  }
  return {
    leftOpen: () =>
      performance.now() - openedAt < maxWaitMs
        ? 0
        : connections.filter((each) => each.isOpen()).length,
    close() {
      for (const each of connections) each.destroy();
    },
  };
}
