// A client that asks an address by UDP at a fixed rate. Started with an AskPlan as JSON, it prints an AskEvent as JSON on each
// line, and ends when its standard input does.
import { createSocket } from 'node:dgram';
import { Worker } from 'node:worker_threads';

import { sleeper } from '../amphora-bench/figures/witness.ts';
import { type AskEvent, type AskPlan, now } from './asks.ts';

const { address, port, everyMs, timeoutMs } = JSON.parse(process.argv[2] ?? '') as AskPlan;
const open = new Map<number, number>();
const print = (event: AskEvent): void => void process.stdout.write(`${JSON.stringify(event)}\n`);

const socket = createSocket('udp4');
socket.on('message', (message, from) => {
  const [number = '', by = ''] = message.toString().split(' ');
  const start = open.get(Number(number));
  if (start === undefined || from.address !== address) return;
  open.delete(Number(number));
  print({ kind: 'ask', start, by: now() - start <= timeoutMs ? by : null });
});
// Nobody has the address for a while, and the kernel may say so.
socket.on('error', () => undefined);

function giveUp(): void {
  for (const [number, start] of open) {
    if (now() - start <= timeoutMs) return;
    open.delete(number);
    print({ kind: 'ask', start, by: null });
  }
}

const witness = new Worker(sleeper, { eval: true });
witness.on('message', print);

const begin = now();
let asked = 0;
const timer = setInterval(() => {
  // A late timer asks all that is due.
  for (; asked < (now() - begin) / everyMs; asked += 1) {
    open.set(asked, now());
    socket.send(`${asked}`, port, address, () => undefined);
  }
  giveUp();
}, everyMs);

process.stdin.resume().on('end', () => {
  clearInterval(timer);
  socket.close();
  void witness.terminate();
});
