import { mkdir, readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createEcho } from 'node:net';
import { join } from 'node:path';

// The backend servers of a lab, all in one process: member-server STATES PEM NAME=IPV4=IPV6...
// The file STATES/NAME.down makes the health check of a member fail. STATES/NAME.refuse makes it close each connection.

const [states = '', pemFile = '', ...wishes] = process.argv.slice(2);
await mkdir(states, { recursive: true });
const pem = await readFile(pemFile);

for (const wish of wishes) {
  const [name = '', ...addresses] = wish.split('=');
  const has = (state: string): boolean => existsSync(join(states, `${name}.${state}`));
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
      describeRequest(name, request, response);
    }
  };
  for (const host of addresses) {
    createServer(answer).listen(80, host);
    createTlsServer({ cert: pem, key: pem }, answer).listen(443, host);
    const echo = createEcho((socket) => {
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

function describeRequest(name: string, request: IncomingMessage, response: ServerResponse): void {
  const { method, url, headers, httpVersion } = request;
  const from = request.socket.remoteAddress;
  const isEncrypted = 'encrypted' in request.socket;
  response.setHeader('Content-Type', 'application/json');
  const seen = { member: name, method, url, httpVersion, headers, from, isEncrypted };
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
