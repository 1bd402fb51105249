import { once } from 'node:events';
import type http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';

import { expect } from 'chai';
import express from 'express';

import { makeGuessBrake } from '../../../src/access/guess-brake.ts';
import { openTokenStore } from '../../../src/access/tokens.ts';
import { makeRun } from '../../../src/kit/exec.ts';
import { authenticate } from '../../../src/server/middleware/authenticate.ts';
import { answerErrors } from '../../../src/server/middleware/answer-errors.ts';
import { faults } from '../../../src/bin/wiring/faults.ts';
import { makeProblems } from '../../../src/server/problem.ts';
import {
  type ConnectionLimits,
  makeConnections,
} from '../../../src/server/connections/connections.ts';
import { requestLimits } from '../../../src/server/connections/limits.ts';
import type { Listeners } from '../../../src/server/listen.ts';
import { openListeners } from '../../../src/server/listeners.ts';
import type { RequestLimits } from '../../../src/server/connections/serial-requests.ts';
import { loadTlsIdentity } from '../../../src/server/tls/identity.ts';
import { waitUntil } from '../../lab/wait.ts';
import { keepingLog } from '../../support/keeping-log.ts';
import { freePort } from '../../support/peer-host.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { loadConfig } from '../../../src/bin/wiring/config.ts';

/** All clients connect from loopback, where 127.0.0.2 is another address. */
describe('the limits of the listeners', () => {
  const folder = temporaryFolder();
  const run = makeRun(keepingLog().log);
  const clients: net.Socket[] = [];
  let listeners: Listeners | undefined;
  let ports = { https: 0, http: 0 };
  let token = '';
  /** The requests that the app got, in order. */
  let asked: string[] = [];
  /** The number of requests under way, and its maximum. */
  let underWay = 0;
  let maxUnderWay = 0;

  const limits: ConnectionLimits = {
    unauthenticated: { max: 8, maxPerGroup: 4 },
    authenticated: { max: 6, maxPerGroup: 3 },
    authenticationTimeoutMs: 60_000,
    maxArrivals: 100,
    maxTlsStartsPerTurn: 4,
  };

  /** Opens the listeners over an app that answers each path with `size` bytes, after `ms`. */
  async function open(
    more: { connections?: Partial<ConnectionLimits>; requests?: Partial<RequestLimits> } = {},
  ) {
    [asked, underWay, maxUnderWay] = [[], 0, 0];
    ports = { https: await freePort(), http: await freePort() };
    const config = await loadConfig({
      HA_AGENT_CONFIG: join(folder.path, 'none.json'),
      HA_AGENT_STATE_DIRECTORY: folder.path,
      HA_AGENT_SOCKET: join(folder.path, 'api.sock'),
      HA_AGENT_HTTPS_ADDRESS: '127.0.0.1',
      HA_AGENT_HTTPS_PORT: `${ports.https}`,
      HA_AGENT_HTTP_ADDRESS: '127.0.0.1',
      HA_AGENT_HTTP_PORT: `${ports.http}`,
    });
    const { log } = keepingLog();
    const tokens = openTokenStore(join(folder.path, 'tokens'));
    token = await tokens.create('test', 'viewer');
    const connections = makeConnections({ ...limits, ...more.connections });
    const app = express();
    app.get('/healthz', (_request, response) => {
      response.end('ok');
    });
    app.get('/open', async ({ query }, response) => {
      underWay += 1;
      await sleep(Number(query['ms'] ?? 0));
      response.end('ok');
    });
    app.use(authenticate(tokens, makeGuessBrake(log), connections));
    app.use(async ({ path, query }, response) => {
      asked.push(path);
      underWay += 1;
      maxUnderWay = Math.max(maxUnderWay, underWay);
      response.once('close', () => {
        underWay -= 1;
      });
      await sleep(Number(query['ms'] ?? 0));
      response.end('x'.repeat(Number(query['size'] ?? 1)));
    });
    app.use(answerErrors(log, makeProblems(faults).answer));
    listeners = await openListeners(
      {
        apps: { network: app, socket: app },
        answerFault: makeProblems(faults).answer,
        connections,
        requests: { ...requestLimits, ...more.requests },
      },
      config,
      await loadTlsIdentity(config, run),
      log,
    );
  }

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await listeners?.stop();
  });

  /** A TCP connection that sends nothing, and notes whether it was closed. */
  async function connect(from = '127.0.0.1', port = ports.https): Promise<net.Socket> {
    const socket = net.connect({ port, host: '127.0.0.1', localAddress: from });
    clients.push(socket);
    socket.on('error', () => undefined).resume();
    await once(socket, 'connect');
    return socket;
  }

  /** A TLS connection, after its handshake. */
  async function connectTls(from = '127.0.0.1'): Promise<tls.TLSSocket> {
    const socket = tls.connect({ socket: await connect(from), rejectUnauthorized: false });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    return socket.resume();
  }

  /** Whether it ends normally or with an error. */
  const closed = (socket: net.Socket) =>
    socket.destroyed ? Promise.resolve() : new Promise((resolve) => socket.once('close', resolve));

  const requestOf = (path: string, header = `token: ${token}\r\n`, method = 'GET') =>
    `${method} ${path} HTTP/1.1\r\nHost: x\r\n${header}\r\n`;

  /** What comes through a connection, as text. */
  function heardOn(socket: net.Socket): { text: string } {
    const heard = { text: '' };
    socket.on('data', (bytes: Buffer) => (heard.text += bytes.toString('latin1')));
    return heard;
  }

  const answersIn = (text: string) => text.match(/HTTP\/1\.1 \d+/g) ?? [];

  const get = (
    agent: https.Agent | false = false,
    headers: http.OutgoingHttpHeaders = { token },
    from = '127.0.0.1',
  ) =>
    new Promise<number | string>((resolve) => {
      const port = ports.https;
      https
        .get(
          {
            host: '127.0.0.1',
            port,
            path: '/x',
            agent,
            headers,
            localAddress: from,
            rejectUnauthorized: false,
          },
          (response) => {
            response.resume().on('end', () => {
              resolve(response.statusCode ?? 0);
            });
          },
        )
        .on('error', (error: NodeJS.ErrnoException) => {
          resolve(error.code ?? error.message);
        });
    });

  describe('for connections', () => {
    for (const [kind, connectAs] of [
      ['say nothing', () => connect()],
      ['stop after the TLS handshake', () => connectTls()],
      [
        'stop in their headers',
        async () => {
          const socket = await connectTls();
          socket.write('GET / HTTP/1.1\r\nHost: x\r\n');
          return socket;
        },
      ],
      [
        'stop in a body, without a token',
        async () => {
          const socket = await connectTls();
          socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx');
          return socket;
        },
      ],
      ['say nothing on the port for plain HTTP', () => connect('127.0.0.1', ports.http)],
    ] as const) {
      it(`let a caller with a token in while three times the allowed number of clients ${kind}`, async () => {
        await open();
        const idle: net.Socket[] = [];
        for (let count = 0; count < 24; count += 1) {
          idle.push(await connectAs());
          if (count % 8 === 7) expect(await get()).to.equal(200);
        }
        expect(await get(false, { token }, '127.0.0.2')).to.equal(200);
        const left = () => idle.filter((socket) => !socket.destroyed).length;
        await waitUntil('the oldest to have made room', () => left() <= 4);
      });
    }

    it('close only connections of the address that has most of them', async () => {
      await open();
      const other = await connect('127.0.0.2');
      for (let count = 0; count < 20; count += 1) await connect();
      for (let count = 0; count < 20; count += 1) await connect('127.0.0.3');
      expect(await get(false, { token }, '127.0.0.4')).to.equal(200);
      expect(other.destroyed).to.equal(false);
    });

    it('do not close a connection that waits for its answer if others of its address are idle', async () => {
      await open();
      const waiting = await connectTls();
      const heard = heardOn(waiting);
      waiting.write(requestOf('/open?ms=1500', ''));
      await waitUntil('it to be under way', () => underWay === 1);
      const idle = await Promise.all(Array.from({ length: 12 }, () => connect()));
      await waitUntil('eight of the others to be closed', () => {
        return idle.filter(({ destroyed }) => destroyed).length >= 8;
      });
      await waitUntil('its answer', () => answersIn(heard.text)[0] === 'HTTP/1.1 200');
    });

    it('keep a connection longer if its handshake advances, but not if it only sends single bytes', async () => {
      await open();
      const stepping = await connect();
      const dripping = await connectTls();
      dripping.write('GET / HTTP/1.1\r\n');
      await connect();
      const secure = tls.connect({ socket: stepping, rejectUnauthorized: false });
      await once(
        secure.on('error', () => undefined),
        'secureConnect',
      );
      dripping.write('Host: x\r\n');
      await connect();
      await connect();
      await waitUntil('the one that drips to be closed', () => dripping.destroyed);
      expect(stepping.destroyed).to.equal(false);
    });

    it('close no connection with a token to make room for those without one', async () => {
      await open();
      const agent = new https.Agent({ keepAlive: true });
      expect(await get(agent)).to.equal(200);
      const [idle] = Object.values(agent.freeSockets)[0] ?? [];
      for (let count = 0; count < 20; count += 1) await connect();
      expect(await get(agent)).to.equal(200);
      expect(idle?.destroyed).to.equal(false);
      agent.destroy();
    });

    it('count a connection as unauthenticated again when it shows a wrong token', async () => {
      await open();
      const socket = await connectTls();
      const heard = heardOn(socket);
      socket.write(requestOf('/a') + requestOf('/b', 'token: wrong\r\n'));
      await waitUntil('both answers', () => answersIn(heard.text).length === 2);
      expect(answersIn(heard.text)).to.deep.equal(['HTTP/1.1 200', 'HTTP/1.1 401']);
      for (let count = 0; count < 8; count += 1) await connect();
      await waitUntil('it to have made room', () => socket.destroyed);
    });

    it('close a connection that shows no token in time', async () => {
      await open({ connections: { authenticationTimeoutMs: 100 } });
      await closed(await connect());
      const slow = await connectTls();
      const drip = setInterval(() => slow.write('x'), 20);
      await closed(slow);
      clearInterval(drip);
    });

    it('keep a connection without a token until a slow answer is sent', async () => {
      await open({ connections: { authenticationTimeoutMs: 100 } });
      const socket = await connectTls();
      const heard = heardOn(socket);
      // The fourth wrong guess is delayed for longer than the time for showing a token.
      socket.write(requestOf('/a', '').repeat(4));
      await waitUntil('four answers', () => answersIn(heard.text).length === 4);
    });

    it('close the oldest idle connection of a token to make room for its next one', async () => {
      await open();
      const agents = Array.from({ length: 5 }, () => new https.Agent({ keepAlive: true }));
      for (const agent of agents) expect(await get(agent)).to.equal(200);
      const left = () =>
        agents.map((agent) => Object.values(agent.freeSockets).flat().length).join('');
      await waitUntil('the first two to be closed', () => left() === '00111');
      for (const agent of agents) agent.destroy();
    });

    it('refuse the next connection of a token, and close no other, while all of them have requests under way', async () => {
      await open();
      const busy = await Promise.all([1, 2, 3].map(() => connectTls()));
      const heard = busy.map(heardOn);
      for (const socket of busy) socket.write(requestOf('/slow?ms=1500'));
      await waitUntil('all to be under way', () => underWay === 3);
      const refused = await connectTls();
      const refusal = heardOn(refused);
      refused.write(requestOf('/x').repeat(3));
      await closed(refused);
      expect(answersIn(refusal.text)).to.deep.equal(['HTTP/1.1 429']);
      await waitUntil('their answers', () =>
        heard.every(({ text }) => answersIn(text)[0] === 'HTTP/1.1 200'),
      );
      expect(await get()).to.equal(200);
    });

    it('accept a TLS handshake that comes byte by byte', async () => {
      await open();
      const proxy = net.createServer((socket) => {
        const upstream = net.connect(ports.https, '127.0.0.1');
        clients.push(upstream, socket);
        upstream.on('error', () => undefined).setNoDelay();
        upstream.on('data', (bytes) => socket.write(bytes));
        socket
          .on('error', () => undefined)
          .on('data', (bytes: Buffer) => {
            for (const byte of bytes) upstream.write(Buffer.of(byte));
          });
      });
      proxy.listen(0, '127.0.0.1');
      await once(proxy, 'listening');
      const { port } = proxy.address() as net.AddressInfo;
      const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
      clients.push(socket.on('error', () => undefined));
      const heard = heardOn(socket);
      socket.write(requestOf('/x'));
      await waitUntil('the answer', () => answersIn(heard.text)[0] === 'HTTP/1.1 200');
      proxy.close();
    });

    it('do not apply to the Unix socket, which has its own limit', async () => {
      await open();
      for (let count = 0; count < 20; count += 1) await connect();
      const sockets = Array.from({ length: 20 }, () => net.connect(join(folder.path, 'api.sock')));
      clients.push(...sockets);
      const heard = sockets.map((socket) => heardOn(socket.on('error', () => undefined)));
      for (const socket of sockets) socket.write(requestOf('/healthz'));
      await waitUntil('all answers', () =>
        heard.every(({ text }) => text.startsWith('HTTP/1.1 200')),
      );
    });
  });

  describe('for requests', () => {
    it('answer pipelined requests in order, one at a time', async () => {
      await open();
      const socket = await connectTls();
      const heard = heardOn(socket);
      const paths = Array.from({ length: 30 }, (_, index) => `/${index}`);
      socket.write(paths.map((path) => requestOf(`${path}?ms=2`)).join(''));
      await waitUntil('all answers', () => answersIn(heard.text).length === paths.length);
      expect(asked).to.deep.equal(paths);
      expect(maxUnderWay).to.equal(1);
    });

    it('answer a request that is not pipelined before many pipelined ones', async () => {
      await open({
        connections: { authenticated: { max: 20, maxPerGroup: 20 } },
        requests: { maxPipelinedPerTurn: 1 },
      });
      const pipelining = await Promise.all(
        ['127.0.0.2', '127.0.0.3', '127.0.0.4'].map((from) => connectTls(from)),
      );
      const heard = pipelining.map(heardOn);
      const other = await connectTls();
      const otherHeard = heardOn(other);
      for (const socket of pipelining) socket.write(requestOf('/many').repeat(90));
      await waitUntil('pipelined ones to be asked', () => asked.length > 10, { everyMs: 1 });
      other.write(requestOf('/other'));
      await waitUntil('its answer', () => answersIn(otherHeard.text).length === 1);
      expect(asked.indexOf('/other')).to.be.lessThan(200);
      await waitUntil('all answers', () =>
        heard.every(({ text }) => answersIn(text).length === 90),
      );
    });

    it('answer one at a time even if requests are as short as possible', async () => {
      await open();
      const socket = await connect('127.0.0.1', ports.http);
      const heard = heardOn(socket);
      socket.write('GET /healthz HTTP/1.1\r\nHost:\r\n\r\n'.repeat(400));
      await waitUntil('all answers', () => answersIn(heard.text).length === 400);
    });

    it('accept a body that comes in pieces, and the request that follows it directly', async () => {
      await open();
      const socket = await connectTls();
      const heard = heardOn(socket);
      const body = 'x'.repeat(300_000);
      const length = `token: ${token}\r\nContent-Length: ${body.length}\r\n`;
      socket.write(requestOf('/a', length, 'POST') + body + requestOf('/b'));
      await waitUntil('both answers', () => answersIn(heard.text).length === 2);
      expect(asked).to.deep.equal(['/a', '/b']);
    });

    it('hang up on a client that pipelines without end', async () => {
      await open();
      const socket = await connectTls();
      socket.write(requestOf('/slow?ms=5000') + requestOf('/more').repeat(1000));
      await closed(socket);
      // The connection may close before the token is looked up.
      expect(asked.length).to.be.lessThan(2);
      expect(await get()).to.equal(200);
    });

    it('do not parse further requests while a client does not read, and finally hang up', async () => {
      await open({ requests: { readTimeoutMs: 1500 } });
      const socket = await connectTls();
      socket.pause();
      socket.write(requestOf('/large?size=30000000').repeat(20));
      await waitUntil('the first to be asked', () => asked.length > 0);
      await waitUntil('the connection to be ended', () => underWay === 0);
      expect(asked).to.deep.equal(['/large']);
    });

    it('hang up on the slowest client if too much is unread, and serve others', async () => {
      await open({
        connections: { authenticated: { max: 20, maxPerGroup: 20 } },
        requests: { maxUnreadBytes: 40_000_000 },
      });
      const sockets: net.Socket[] = [];
      for (let count = 0; count < 6; count += 1) {
        const socket = await connectTls();
        sockets.push(socket.pause());
        socket.write(requestOf('/large?size=20000000'));
        await waitUntil('it to be asked', () => asked.length === count + 1);
      }
      await waitUntil('the first to be hung up on', () => underWay <= 3);
      expect(underWay).to.be.greaterThan(0);
      expect(await get()).to.equal(200);
    });

    for (const [what, text] of [
      ['bytes that are not HTTP', '\x00\x01\x02\r\n\r\n'],
      ['HTTP/0.9', 'GET /\r\n\r\n'],
      [
        'a header that is too large',
        `GET / HTTP/1.1\r\nHost: x\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
      ],
      [
        'more than 100 headers',
        `GET / HTTP/1.1\r\n${Array.from({ length: 101 }, (_, index) => `${index}:\r\n`).join('')}\r\n`,
      ],
      ['CONNECT', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n'],
    ] as const) {
      it(`hang up on ${what}, and serve others`, async () => {
        await open();
        const socket = await connectTls();
        socket.write(text);
        await closed(socket);
        expect(asked).to.deep.equal([]);
        expect(await get()).to.equal(200);
      });
    }

    for (const [what, header, path = '/x'] of [
      ['an unknown expectation', 'Expect: a-miracle\r\n'],
      ['an absolute URL', '', 'http://elsewhere/x'],
    ] as const) {
      it(`answer a request with ${what} as if it had none`, async () => {
        await open();
        const socket = await connectTls();
        const heard = heardOn(socket);
        socket.write(requestOf(path, `token: ${token}\r\n${header}`) + requestOf('/next'));
        await waitUntil('both answers', () => answersIn(heard.text).length === 2);
        expect(answersIn(heard.text)).to.deep.equal(['HTTP/1.1 200', 'HTTP/1.1 200']);
        expect(asked).to.deep.equal(['/x', '/next']);
      });
    }
  });

  // Node.js treats the following bytes as the other protocol.
  it('answer a request with an upgrade as if it had none, and ignore the bytes after it', async () => {
    await open();
    const socket = await connectTls();
    const heard = heardOn(socket);
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
    socket.write(requestOf('/x', `token: ${token}\r\n${upgrade}`) + requestOf('/next'));
    await waitUntil('the answer', () => answersIn(heard.text).length === 1);
    expect(await get()).to.equal(200);
    expect(asked).to.deep.equal(['/x', '/x']);
  });

  describe('when they stop', () => {
    it('wait as long as a possible change is under way, but not for reads', async () => {
      await open();
      const [reading, changing, idle] = await Promise.all([
        connectTls(),
        connectTls(),
        connectTls(),
      ]);
      const heard = heardOn(changing);
      reading.write(requestOf('/read?ms=60000'));
      changing.write(requestOf('/change?ms=6000', undefined, 'POST'));
      await waitUntil('both to be under way', () => underWay === 2);
      const stopped = listeners?.stop(closed(changing));
      await closed(idle);
      await closed(reading);
      expect(heard.text).to.equal('');
      await stopped;
      expect(heard.text).to.match(/^HTTP\/1.1 200/);
    }).timeout(60_000);

    it('do not answer requests that a client has pipelined after the running one', async () => {
      await open();
      const socket = await connectTls();
      const heard = heardOn(socket);
      socket.write(requestOf('/a?ms=300') + requestOf('/b'));
      await waitUntil('the first to be under way', () => underWay === 1);
      await listeners?.stop();
      expect(answersIn(heard.text)).to.deep.equal(['HTTP/1.1 200']);
      expect(asked).to.deep.equal(['/a']);
    });
  });
});
