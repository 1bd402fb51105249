import { mkdtemp, rm } from 'node:fs/promises';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';

import { expect } from 'chai';

import { Fault } from '../../src/kit/fault.ts';
import { makeAnswerFault } from '../../src/routes/amphora/errors.ts';
import { amphoraFamily, makeAmphoraApp } from '../../src/routes/amphora/index.ts';
import {
  type CertificateListener,
  type MutualIdentity,
  openCertificateListener,
} from '../../src/server/client-certificate-listener.ts';
import type { TlsIdentity } from '../../src/server/tls/source.ts';
import { waitUntil } from '../lab/wait.ts';
import { makeTestCa, selfSigned, type TestCa } from '../support/amphora/certificates.ts';
import { standInDomain, unrecordedChanges } from '../support/amphora/stand-in.ts';
import { orFault } from '../support/faults.ts';
import { keepingLog } from '../support/keeping-log.ts';
import { freePort } from '../support/peer-host.ts';

const amphora = '6e2bc8a0-2548-4fb7-a5f0-fb1ef4a696ce';

describe('the port for client certificates', () => {
  let folder = '';
  let ca: TestCa;
  let otherCa: TestCa;
  let identity: MutualIdentity;
  let controller: TlsIdentity;
  let port = 0;
  let listener: CertificateListener;
  let logged: ReturnType<typeof keepingLog>;
  /** The requests that reached the app. */
  let asked = 0;
  let calls: ReturnType<typeof standInDomain>['calls'] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ha-agent-test-'));
    ca = await makeTestCa(folder, 'controllers');
    otherCa = await makeTestCa(folder, 'others');
    identity = { ...(await ca.issue(amphora)), ca: ca.cert };
    controller = await ca.issue('controller');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  beforeEach(async () => {
    logged = keepingLog();
    const standIn = standInDomain();
    calls = standIn.calls;
    const parts = { domain: standIn.domain, changes: unrecordedChanges, log: logged.log };
    const app = makeAmphoraApp(parts);
    asked = 0;
    port = await freePort();
    const options = { address: '127.0.0.1', port, identity, answerFault: makeAnswerFault() };
    listener = await openCertificateListener(
      (request, response) => {
        asked += 1;
        app(request, response);
      },
      options,
      logged.log,
    );
  });
  afterEach(() => listener.stop());

  const trusting = () => ({
    host: '127.0.0.1',
    port,
    servername: amphora,
    ca: [ca.cert, otherCa.cert],
  });

  /** A request over a connection of its own, unless there is an agent. */
  function ask(options: https.RequestOptions): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const asking = https.request({ agent: false, ...trusting(), ...options }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        response.once('error', reject).once('end', () => {
          resolve({ status: response.statusCode ?? 0, text });
        });
      });
      asking.once('error', reject).end();
    });
  }

  /** The bytes that a TLS client gets in answer to a request. The handshake may fail, or end without an answer. */
  function bytesFor(options: tls.ConnectionOptions, lines: string): Promise<string> {
    return new Promise((resolve) => {
      let heard = '';
      const socket = tls.connect({ ...trusting(), ...options }, () => {
        socket.write(lines);
      });
      socket.on('data', (bytes: Buffer) => (heard += bytes.toString('latin1')));
      socket.on('error', () => undefined);
      socket.once('close', () => {
        resolve(heard);
      });
    });
  }

  it('answers a client whose certificate the CA has signed, by TLS 1.2 and 1.3', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const versions = { minVersion: version, maxVersion: version };
      const answer = await ask({ ...controller, ...versions, path: '//' });
      expect(answer).to.deep.equal({ status: 200, text: '{"api_version":"1.0"}' });
    }
  });

  it('may speak TLS 1.3 alone, also after a change of its certificate', async () => {
    const other = await freePort();
    const strict = await openCertificateListener(
      (_request, response) => void response.end('yes'),
      {
        address: '127.0.0.1',
        port: other,
        identity,
        answerFault: makeAnswerFault(),
        minTls: 'TLSv1.3',
      },
      logged.log,
    );
    const by = (maxVersion: 'TLSv1.2' | 'TLSv1.3') =>
      ask({ ...controller, port: other, maxVersion }).then(
        ({ text }) => text,
        () => 'refused',
      );
    expect([await by('TLSv1.2'), await by('TLSv1.3')]).to.deep.equal(['refused', 'yes']);
    strict.setIdentity({ ...(await ca.issue(amphora)), ca: ca.cert });
    expect([await by('TLSv1.2'), await by('TLSv1.3')]).to.deep.equal(['refused', 'yes']);
    await strict.stop();
  });

  const refused = [
    ['without a certificate', 'It showed no certificate.', () => Promise.resolve({})],
    [
      'with a certificate of another CA',
      '(SELF_SIGNED_CERT_IN_CHAIN)',
      () => otherCa.issue('controller'),
    ],
    [
      'with a self-signed certificate of the right name',
      '(DEPTH_ZERO_SELF_SIGNED_CERT)',
      () => selfSigned(folder, 'controller'),
    ],
    [
      'with an expired certificate',
      '(CERT_HAS_EXPIRED)',
      () => ca.issue('controller', { isExpired: true }),
    ],
    [
      'with a certificate for servers alone',
      '(INVALID_PURPOSE)',
      () => ca.issue('controller', { usage: 'serverAuth' }),
    ],
    [
      'by TLS 1.1',
      'It speaks a TLS that is too old.',
      () =>
        Promise.resolve({
          ...controller,
          minVersion: 'TLSv1.1',
          maxVersion: 'TLSv1.1',
          ciphers: 'DEFAULT@SECLEVEL=0',
        }),
    ],
  ] as const;

  /** A request for each route. */
  function requests(): string[] {
    const parts = { ...standInDomain(), changes: unrecordedChanges, log: logged.log };
    return amphoraFamily(parts).rows.flatMap(({ methods, path }) =>
      methods.map(
        (method) =>
          `${method} ${path.replace(/:\w+/g, 'start')} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`,
      ),
    );
  }

  for (const [how, reason, clientOf] of refused) {
    it(`answers nothing to a client ${how}, on any route`, async () => {
      const client: tls.ConnectionOptions = await clientOf();
      for (const lines of requests()) {
        expect(await bytesFor(client, lines), lines).to.equal('');
      }
      expect([asked, calls]).to.deep.equal([0, []]);
      // Each kind is logged once a minute.
      expect(logged.lines).to.have.length(1);
      expect(logged.lines[0]).to.have.property('reason').that.includes(reason);
    });
  }

  it('answers nothing to plain HTTP, on any route', async () => {
    for (const lines of requests()) {
      const heard = await new Promise<string>((resolve) => {
        let text = '';
        const socket = net.connect(port, '127.0.0.1', () => {
          socket.write(lines);
        });
        socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
        socket.on('error', () => undefined);
        socket.once('close', () => {
          resolve(text);
        });
      });
      expect(heard, lines).to.equal('');
    }
    expect([asked, calls]).to.deep.equal([0, []]);
  });

  it('resumes no session, so that none outlives a change of the CA', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const sessions: Buffer[] = [];
      const connect = (session?: Buffer) =>
        new Promise<boolean>((resolve, reject) => {
          const versions = { minVersion: version, maxVersion: version };
          const socket = tls.connect({ ...trusting(), ...controller, ...versions, session });
          socket.on('session', (given) => sessions.push(given));
          socket.once('error', reject);
          let isReused = true;
          socket.once('secureConnect', () => {
            isReused = socket.isSessionReused();
            socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
          });
          socket
            .on('data', () => undefined)
            .once('close', () => {
              resolve(isReused);
            });
        });
      await connect();
      for (const session of sessions.splice(0)) expect(await connect(session)).to.equal(false);
    }
  });

  it('uses a new certificate from the next handshake on, and drops no connection', async () => {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    const next = { ...(await ca.issue(amphora)), ca: ca.cert };
    const shown = async () => {
      const serials: string[] = [];
      const socket = tls.connect({ ...trusting(), ...controller }, () => {
        serials.push(socket.getPeerX509Certificate()?.serialNumber ?? '');
        socket.destroy();
      });
      await new Promise((resolve) => socket.once('close', resolve));
      return serials;
    };
    let failed = 0;
    let answered = 0;
    let isOver = false;
    const load = async (options: https.RequestOptions) => {
      while (!isOver) {
        await ask({ ...controller, path: '/info', ...options }).then(
          () => (answered += 1),
          () => (failed += 1),
        );
      }
    };
    const clients = [load({ agent }), load({}), load({}), load({})];
    try {
      const before = await shown();
      for (let count = 0; count < 20; count += 1) {
        const due = answered + 8;
        listener.setIdentity(count % 2 === 0 ? next : identity);
        await waitUntil('answers', () => answered + failed >= due, { everyMs: 5 });
      }
      listener.setIdentity(next);
      expect(await shown()).not.to.deep.equal(before);
    } finally {
      isOver = true;
      await Promise.all(clients);
      agent.destroy();
    }
    expect(failed).to.equal(0);
  });

  it('trusts only the new CA after a change', async () => {
    const ofOthers = await otherCa.issue('controller');
    listener.setIdentity({ ...(await otherCa.issue(amphora)), ca: otherCa.cert });
    expect((await ask({ ...ofOthers, path: '/info' })).status).to.equal(200);
    const lines = 'GET /info HTTP/1.1\r\nHost: a\r\n\r\n';
    expect(await bytesFor(controller, lines)).to.equal('');
    expect(await bytesFor({}, lines)).to.equal('');
  });

  it('refuses an identity that cannot be used, and goes on with the former one', async () => {
    const foreign = await ca.issue(amphora);
    for (const broken of [
      { ...identity, ca: '' },
      { ...identity, ca: 'nothing' },
      { ...identity, ca: identity.cert },
      { ...identity, cert: '' },
      { ...identity, key: foreign.key },
    ]) {
      const fault = orFault(() => {
        listener.setIdentity(broken);
      });
      expect(fault).to.be.instanceOf(Fault).with.property('code', 'invalid_config');
      expect(String(fault)).not.to.include('PRIVATE');
    }
    expect((await ask({ ...controller, path: '/info' })).status).to.equal(200);
  });

  it('answers bytes that are not HTTP with a 400 in the format of the API, after a valid handshake', async () => {
    const heard = await bytesFor(controller, 'NONSENSE\r\n\r\n');
    expect(heard).to.match(/^HTTP\/1\.1 400 /);
    expect(heard).to.include('Content-Type: application/json').and.not.to.include('problem+json');
    expect(heard).to.include('"code":"malformed_request"');
  });

  it('closes the oldest connections without a handshake, and not one with a certificate', async () => {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    const open: net.Socket[] = [];
    try {
      await ask({ ...controller, agent, path: '/info' });
      for (let count = 0; count < 300; count += 1) {
        const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
        open.push(socket.resume());
      }
      await waitUntil('closed connections', () => open.some((socket) => socket.destroyed), {
        everyMs: 10,
      });
      expect((await ask({ ...controller, agent, path: '/info' })).status).to.equal(200);
      expect((await ask({ ...controller, path: '/info' })).status).to.equal(200);
    } finally {
      for (const socket of open) socket.destroy();
      agent.destroy();
    }
  });
});
