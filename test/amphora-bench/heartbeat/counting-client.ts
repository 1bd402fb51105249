// Clients that count what they send and receive. Started in the namespace of the clients with a CountPlan as JSON, it ends
// all connections when its standard input ends, and then prints a Counted as JSON.
import { connect, type Socket } from 'node:net';

import type { Counted, CountPlan, ListenerCount } from './traffic.ts';

const plan = JSON.parse(process.argv[2] ?? '') as CountPlan;
const none = (): ListenerCount => ({
  connections: 0,
  refused: 0,
  sent: 0,
  received: 0,
  cut: 0,
  bytesOfCut: 0,
});
const counted: Counted = { tcp: none(), http: none(), seconds: [] };
const state = { isOver: false, open: 0 };
const deadlineMs = 60_000;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A connection whose bytes are counted. It is cut if it ends otherwise than by both sides, each after all was sent. */
async function counting(
  count: ListenerCount,
  port: number,
  talk: (socket: Socket, received: () => number) => Promise<void>,
): Promise<void> {
  state.open += 1;
  const socket = connect(port, plan.address);
  socket.setTimeout(deadlineMs, () => socket.destroy(new Error('no answer')));
  socket.on('data', () => undefined);
  const closed = new Promise<boolean>((resolve) => {
    socket.on('error', () => {
      resolve(false);
    });
    socket.on('close', () => {
      resolve(true);
    });
  });
  const isConnected = await Promise.race([
    new Promise<boolean>((resolve) => {
      socket.on('connect', () => {
        resolve(true);
      });
    }),
    closed.then(() => false),
  ]);
  let isWhole = false;
  if (isConnected) {
    const talked = talk(socket, () => socket.bytesRead).then(
      () => true,
      () => false,
    );
    isWhole = await Promise.race([talked, closed.then(() => false)]);
    socket.end();
    await closed;
    count.connections += 1;
    count.sent += socket.bytesWritten;
    count.received += socket.bytesRead;
  }
  if (!isConnected) count.refused += 1;
  else if (!isWhole) {
    count.cut += 1;
    count.bytesOfCut += socket.bytesWritten + socket.bytesRead;
  }
  state.open -= 1;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5);
}

/** The echo begins with the name of its member. The name is of one digit, so all greetings have one length. */
const greeting = 'member1\n'.length;

function echo(lines: number, pauseMs: number) {
  return async (socket: Socket, received: () => number): Promise<void> => {
    let expected = greeting;
    for (let index = 0; index < lines; index += 1) {
      const line = 'x'.repeat(10 + Math.floor(Math.random() * 2000));
      socket.write(line);
      expected += line.length;
      const sent = expected;
      await until(() => received() >= sent);
      if (pauseMs > 0) await sleep(pauseMs);
    }
  };
}

/** One request. The member ends the answer by its length, and the client then ends the connection. */
async function ask(socket: Socket): Promise<void> {
  let text = '';
  socket.on('data', (part) => {
    text += part.toString('latin1');
  });
  socket.write('GET / HTTP/1.1\r\nHost: vip\r\nConnection: close\r\n\r\n');
  await new Promise((resolve) => socket.on('end', resolve));
  if (!text.startsWith('HTTP/1.1 200')) throw new Error('no answer');
}

function open(perSecond: number, once: () => void): void {
  const begin = performance.now();
  let opened = 0;
  const timer = setInterval(() => {
    if (state.isOver) {
      clearInterval(timer);
      return;
    }
    for (; opened < ((performance.now() - begin) * perSecond) / 1000; opened += 1) once();
  }, 5);
}

async function longClient(): Promise<void> {
  while (!state.isOver) {
    await counting(counted.tcp, plan.tcpPort, echo(20, 500));
    await sleep(100);
  }
}

open(plan.tcpPerSecond, () => void counting(counted.tcp, plan.tcpPort, echo(2, 0)));
open(plan.httpPerSecond, () => {
  void counting(counted.http, plan.httpPort, ask);
});
for (let index = 0; index < plan.long; index += 1) void longClient();
setInterval(() => {
  counted.seconds.push(counted.tcp.sent + counted.tcp.received);
}, 1000).unref();

process.stdin.resume().on('end', () => {
  state.isOver = true;
  void until(() => state.open === 0).then(() => {
    process.stdout.write(JSON.stringify(counted));
    process.stdout.once('drain', () => process.exit()).end(() => process.exit());
  });
});
