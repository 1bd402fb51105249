import { mkdir, readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { join } from 'node:path';

// The backend servers of a lab, all in one process: member-server STATES PEM NAME=IPV4=IPV6...
// Each serves HTTP on 80, HTTPS on 443, an echo on 7, and HTTP behind a line of the PROXY protocol on 81.
// The file STATES/NAME.down makes the health check of a member fail. STATES/NAME.refuse makes it close each connection.

const [states = '', pemFile = '', ...wishes] = process.argv.slice(2);
await mkdir(states, { recursive: true });
const pem = await readFile(pemFile);
/** Whom the PROXY protocol names as the client of a connection. */
const clients = new WeakMap<Socket, string>();

for (const wish of wishes) {
  const [name = '', ...addresses] = wish.split('=');
  const has = (state: string): boolean => existsSync(join(states, `${name}.${state}`));
  const state = { count: 0 };
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    if (has('refuse')) {
      request.socket.destroy();
      return;
    }
    const url = new URL(request.url ?? '/', 'http://member');
    response.setHeader('X-Member', name);
    if (url.pathname === '/health' && has('down')) {
      response.writeHead(503).end('down\n');
    } else if (url.pathname === '/download') {
      sendBytes(
        response,
        Number(url.searchParams.get('bytes')),
        Number(url.searchParams.get('ms')),
      );
    } else {
      // A monitor asks too, and nobody can foresee how often
      if (url.pathname !== '/health') state.count += 1;
      describeRequest({ name, count: state.count }, request, response);
    }
  };
  for (const host of addresses) {
    const plain = createServer(answer).listen(80, host);
    behindProxy(plain).listen(81, host);
    createTlsServer({ cert: pem, key: pem }, answer).listen(443, host);
    const echo = createTcpServer((socket) => {
      socket.on('error', () => socket.destroy());
      if (has('refuse')) {
        socket.destroy();
      } else {
        socket.write(`${name}\n`);
        socket.pipe(socket);
      }
    });
    echo.listen(7, host);
  }
}

/** Hands connections to a server whose first line is that of version 1 of the PROXY protocol, and ends the others. */
function behindProxy(server: Server): ReturnType<typeof createTcpServer> {
  return createTcpServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (bytes: Buffer) => {
      const end = bytes.indexOf('\r\n');
      const [word, , client] = bytes.toString('latin1', 0, Math.max(0, end)).split(' ');
      if (word !== 'PROXY' || client === undefined) {
        socket.destroy();
        return;
      }
      clients.set(socket, client);
      socket.pause();
      server.emit('connection', socket);
      socket.unshift(bytes.subarray(end + 2));
      process.nextTick(() => socket.resume());
    });
  });
}

function describeRequest(
  { name, count }: { name: string; count: number },
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { method, url, headers, httpVersion, socket } = request;
  const [from, client] = [socket.remoteAddress, clients.get(socket)];
  const isEncrypted = 'encrypted' in request.socket;
  response.setHeader('Content-Type', 'application/json');
  const seen = {
    member: name,
    count,
    method,
    url,
    httpVersion,
    headers,
    from,
    client,
    isEncrypted,
  };
  // An application that keeps sessions: /session?id=abc begins the session abc
  const session = new URL(url ?? '/', 'http://member').searchParams.get('id');
  if (session !== null) {
    response.setHeader('Set-Cookie', `session=${session}; Path=/`);
  }
  // A body has to be read before the connection can be used again
  request.resume().on('end', () => response.end(`${JSON.stringify(seen)}\n`));
}

/** Sends so many bytes, in ten parts with a pause of `ms` between two. The byte at position N is N mod 251. */
function sendBytes(response: ServerResponse, bytes: number, ms: number): void {
  response.setHeader('Content-Length', bytes);
  const parts = ms > 0 ? 10 : 1;
  const size = Math.ceil(bytes / parts);
  let sent = 0;
  const next = (): void => {
    const length = Math.min(size, bytes - sent);
    const start = sent;
    sent += length;
    const part = Buffer.from(Array.from({ length }, (_, index) => (start + index) % 251));
    if (sent >= bytes) {
      response.end(part);
    } else {
      response.write(part);
      setTimeout(next, ms);
    }
  };
  next();
}
