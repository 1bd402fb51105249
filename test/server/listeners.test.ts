import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import net from 'node:net';
import { join } from 'node:path';

import { expect } from 'chai';

import { makeRun } from '../../src/kit/exec.ts';
import { makeConnections } from '../../src/server/connections/connections.ts';
import { connectionLimits } from '../../src/server/connections/limits.ts';
import type { Listeners } from '../../src/server/listen.ts';
import { faults } from '../../src/bin/wiring/faults.ts';
import { makeProblems } from '../../src/server/problem.ts';
import { openListeners, openSocketListener } from '../../src/server/listeners.ts';
import { loadTlsIdentity } from '../../src/server/tls/identity.ts';
import { faultOf } from '../support/faults.ts';
import { keepingLog } from '../support/keeping-log.ts';
import { freePort } from '../support/peer-host.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { loadConfig } from '../../src/bin/wiring/config.ts';

describe('the listeners', () => {
  const folder = temporaryFolder();
  const run = makeRun(keepingLog().log);
  const listeners: Listeners[] = [];
  const umask = process.umask(0o022);
  process.umask(umask);
  afterEach(async () => {
    process.umask(umask);
    await Promise.all(listeners.splice(0).map((each) => each.stop()));
  });

  async function open(
    app: http.RequestListener,
    port: number,
    environment: NodeJS.ProcessEnv = {},
  ) {
    const config = await loadConfig({
      HA_AGENT_CONFIG: join(folder.path, 'none.json'),
      HA_AGENT_STATE_DIRECTORY: folder.path,
      HA_AGENT_SOCKET: join(folder.path, 'api.sock'),
      HA_AGENT_HTTPS_ADDRESS: '127.0.0.1',
      HA_AGENT_HTTPS_PORT: `${port}`,
      ...environment,
    });
    const connections = makeConnections(connectionLimits(config));
    const { log } = keepingLog();
    const identity = await loadTlsIdentity(config, run);
    const apps = { network: app, socket: app };
    const service = { apps, answerFault: makeProblems(faults).answer, connections };
    const opened = await openListeners(service, config, identity, log);
    listeners.push(opened);
    return opened;
  }

  const get = (options: https.RequestOptions) =>
    new Promise<string>((resolve, reject) => {
      const { get: ask } = options.socketPath === undefined ? https : http;
      ask({ rejectUnauthorized: false, ...options }, (response) => {
        response.setEncoding('utf8').once('data', resolve);
      }).on('error', reject);
    });

  describe('answer invalid requests in the format of errors:', () => {
    /** Returns everything that is answered to these bytes over TLS. */
    const say = (port: number, bytes: string, whenAnswered?: string) =>
      new Promise<string>((resolve, reject) => {
        let heard = '';
        const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
          socket.write(bytes);
        });
        socket.setEncoding('utf8').on('data', (text: string) => {
          heard += text;
          if (whenAnswered !== undefined) socket.write(whenAnswered);
        });
        socket.once('error', reject).once('close', () => {
          resolve(heard);
        });
      });
    const problemIn = (heard: string) => {
      const [head = '', body = ''] = heard.split('\r\n\r\n');
      expect(head).to.match(/\r\nContent-Type: application\/problem\+json/);
      expect(head).to.match(/\r\nX-Request-Id: \S+/);
      expect(head).to.include(`\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`);
      return [head.split('\r\n')[0], (JSON.parse(body) as { code: string }).code];
    };
    let port: number;
    beforeEach(async () => {
      port = await freePort();
      // This answer begins and never ends.
      await open((_request, response) => response.write('begun'), port);
    });

    it('bytes that are not HTTP, and headers that are too large', async () => {
      for (const bytes of ['nonsense\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', '\0\0\0\0\r\n\r\n']) {
        expect(problemIn(await say(port, bytes))).to.deep.equal([
          'HTTP/1.1 400 Bad Request',
          'malformed_request',
        ]);
      }
      const long = `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`;
      expect(problemIn(await say(port, long))).to.deep.equal([
        'HTTP/1.1 431 Request Header Fields Too Large',
        'headers_too_large',
      ]);
    });

    it('a request without a Host header', async () => {
      expect(problemIn(await say(port, 'GET / HTTP/1.1\r\n\r\n'))).to.deep.equal([
        'HTTP/1.1 400 Bad Request',
        'malformed_request',
      ]);
    });

    it('a request whose target is neither a path nor a URL', async () => {
      for (const target of ['a:443', 'https://[', '?', 'x', 'file:///etc/passwd']) {
        const asked = `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;
        expect(problemIn(await say(port, asked)), target).to.deep.equal([
          'HTTP/1.1 400 Bad Request',
          'malformed_request',
        ]);
      }
    });

    it('also on a socket for root', async () => {
      const path = join(folder.path, 'other.sock');
      const { log } = keepingLog();
      const answer: http.RequestListener = (_request, response) => response.end();
      listeners.push(await openSocketListener(answer, path, makeProblems(faults).answer, log));
      for (const bytes of ['nonsense\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n']) {
        const socket = net.connect(path, () => socket.write(bytes));
        const heard = (await socket.setEncoding('utf8').toArray()).join('');
        expect(problemIn(heard)).to.deep.equal(['HTTP/1.1 400 Bad Request', 'malformed_request']);
      }
    });

    it('except for a bad body after the answer to its request, which gets no second answer', async () => {
      const other = await freePort();
      const socket = { HA_AGENT_SOCKET: join(folder.path, 'other.sock') };
      await open((_request, response) => response.end('no'), other, socket);
      const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
      expect((await say(other, head, 'zz\r\n')).match(/HTTP\/1\.1/g)).to.have.length(1);
    });

    it('except in the middle of an answer, which is cut off', async () => {
      const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
      const heard = await say(port, head, 'zz\r\n');
      expect(heard).to.match(/^HTTP\/1\.1 200 OK/);
      expect(heard).not.to.include('problem+json');
    });
  });

  it('serve HTTPS, and a Unix socket that the umask makes private from the start', async () => {
    process.umask(0o077);
    const port = await freePort();
    await open((_request, response) => response.end('hello'), port);
    expect(await get({ host: '127.0.0.1', port })).to.equal('hello');
    const socketPath = join(folder.path, 'api.sock');
    expect(await get({ socketPath })).to.equal('hello');
    expect((await stat(socketPath)).mode & 0o077).to.equal(0);
  });

  it('let an answer under way finish before they stop', async () => {
    const requests = new EventEmitter();
    const port = await freePort();
    const opened = await open((_request, response) => requests.emit('request', response), port);
    const arrival = once(requests, 'request');
    const answer = get({ host: '127.0.0.1', port });
    const [response] = (await arrival) as [http.ServerResponse];
    const stopped = opened.stop();
    response.end('late');
    await stopped;
    expect(await answer).to.equal('late');
  });

  it('do not replace another agent, and all close again if one cannot open', async () => {
    const port = await freePort();
    await open((_request, response) => response.end(), port);
    const second = open((_request, response) => response.end(), await freePort());
    expect((await faultOf('cannot_listen', second)).message).to.include('Stop it first');
    const other = { HA_AGENT_SOCKET: join(folder.path, 'other.sock') };
    const third = open((_request, response) => response.end(), port, other);
    expect((await faultOf('cannot_listen', third)).message).to.include(`https://127.0.0.1:${port}`);
    const closed = get({ socketPath: other.HA_AGENT_SOCKET });
    expect(await closed.catch((error: unknown) => (error as { code: string }).code)).to.equal(
      'ENOENT',
    );
  });

  it('take over the socket of an agent that was killed', async () => {
    const socketPath = join(folder.path, 'api.sock');
    const killed = http.createServer();
    await new Promise<void>((resolve) => killed.listen(socketPath, resolve));
    // This is the state after SIGKILL: the name exists, and nobody listens.
    await rename(socketPath, `${socketPath}.kept`);
    await new Promise((resolve) => killed.close(resolve));
    await rename(`${socketPath}.kept`, socketPath);
    await open((_request, response) => response.end('new'), await freePort());
    expect(await get({ socketPath })).to.equal('new');
  });

  it('refuse a certificate without the key that belongs to it', async () => {
    const wrong = { HA_AGENT_TLS_CERTIFICATE: '/etc/hostname', HA_AGENT_TLS_KEY: '/etc/hostname' };
    const fault = await faultOf(
      'invalid_config',
      open((_request, response) => response.end(), await freePort(), wrong),
    );
    expect(fault.message).to.include('tls_certificate');
  });

  it('refuse a missing certificate', async () => {
    const missing = { HA_AGENT_TLS_CERTIFICATE: '/nonexistent', HA_AGENT_TLS_KEY: '/nonexistent' };
    const fault = await faultOf(
      'invalid_config',
      open((_request, response) => response.end(), await freePort(), missing),
    );
    expect(fault.message).to.include('ENOENT');
  });

  it('name the damaged file if it is their own certificate', async () => {
    await writeFile(join(folder.path, 'tls.pem'), 'damaged');
    const fault = await faultOf(
      'invalid_config',
      open((_request, response) => response.end(), await freePort()),
    );
    expect(fault.message).to.include(`${join(folder.path, 'tls.pem')} is damaged. Remove it`);
  });

  it('do not remove a file that is not a socket', async () => {
    const path = join(folder.path, 'api.sock');
    await writeFile(path, 'precious');
    await faultOf(
      'cannot_listen',
      open((_request, response) => response.end(), await freePort()),
    );
    expect(await readFile(path, 'utf8')).to.equal('precious');
  });
});
