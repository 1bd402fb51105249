import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import type http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';
import { execa } from 'execa';

import { peerKeyOf } from '../../src/alphorn/peers/keys.ts';
import {
  digestHeader,
  offsetHeader,
  peerTls,
  rebuiltHeader,
} from '../../src/alphorn/peers/peer-protocol.ts';
import type { PeerLimits } from '../../src/server/peer-listener.ts';
import {
  clusterKey,
  freePort,
  makeTestHost,
  openTestReceiver,
  type TestHost,
  type TestReceiver,
} from '../support/peer-host.ts';
import { liferaftOf, type MadeLiferaft } from '../support/liferafts.ts';
import { waitUntil } from '../lab/wait.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const sender = '5e7638bc';
const key = peerKeyOf(clusterKey);
const otherLineage = 'f'.repeat(32);

/** How a caller signs in. By default it does so as a peer. */
interface Calling {
  identity?: string;
  secret?: Buffer;
  method?: string;
  path?: string;
  headers?: http.OutgoingHttpHeaders;
  body?: string | Buffer;
  agent?: https.Agent;
}

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

describe('the peer port', () => {
  let host: TestHost;
  let receiver: TestReceiver;
  const opened: { destroy(): unknown }[] = [];

  async function open(settings: Parameters<typeof openTestReceiver>[1] = {}): Promise<void> {
    receiver = await openTestReceiver(host, settings);
  }
  // Connections must end before the folder is removed.
  afterEach(async () => {
    for (const each of opened.splice(0)) each.destroy();
    await receiver.stop();
  });
  const folder = temporaryFolder();
  beforeEach(async () => {
    host = await makeTestHost(folder.path, 'ae82a9a2');
  });

  /** @param identity and `secret`: those of a peer by default */
  function agentBy({
    identity = `${sender}.${key.id}`,
    secret = key.secret,
    keepAlive = false,
  }: Pick<Calling, 'identity' | 'secret'> & { keepAlive?: boolean } = {}): https.Agent {
    const agent = new https.Agent({
      ...peerTls,
      keepAlive,
      maxSockets: 1,
      maxCachedSessions: 0,
      ca: [],
      pskCallback: () => ({ psk: secret, identity }),
      checkServerIdentity: () => undefined,
    });
    opened.push(agent);
    return agent;
  }

  function request({
    method = 'POST',
    path = '/v1/heartbeat',
    headers = {},
    ...rest
  }: Calling = {}): http.ClientRequest {
    const { agent = agentBy(rest) } = rest;
    return https.request({ host: '127.0.0.1', port: receiver.port, method, path, headers, agent });
  }

  function answerOf(asked: http.ClientRequest): Promise<Answer> {
    return new Promise((resolve, reject) => {
      asked.on('error', reject);
      asked.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => (text += piece));
        response.on('error', reject);
        response.on('end', () => {
          const status = response.statusCode ?? 0;
          resolve({ status, body: JSON.parse(text) as Record<string, unknown> });
        });
      });
    });
  }

  function call(calling: Calling = {}): Promise<Answer> {
    const asked = request(calling);
    const answer = answerOf(asked);
    asked.end(calling.body);
    return answer;
  }

  function heartbeat(
    { digest, manifest }: MadeLiferaft = liferaftOf(),
    calling: Calling = {},
  ): Promise<Answer> {
    const { lineage, generation } = manifest;
    return call({
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ digest, lineage, generation }),
      ...calling,
    });
  }

  const putOf = (
    { digest, bytes }: Pick<MadeLiferaft, 'digest' | 'bytes'>,
    headers: http.OutgoingHttpHeaders = {},
  ): Calling => ({
    method: 'PUT',
    path: '/v1/liferaft',
    headers: { 'Content-Length': bytes.length, [digestHeader]: digest, ...headers },
  });

  function push(
    liferaft: Pick<MadeLiferaft, 'digest' | 'bytes'>,
    headers: http.OutgoingHttpHeaders = {},
    calling: Calling = {},
  ): Promise<Answer> {
    return call({ ...putOf(liferaft, headers), body: liferaft.bytes, ...calling });
  }

  const stored = () => readdir(host.paths.alphorn.liferafts).catch(() => []);
  const named = (name: string) => join(host.paths.alphorn.liferafts, name);

  /** Returns the code that ended a connection without an answer. */
  const refusal = (answer: Promise<unknown>) =>
    answer.then(
      () => 'let in',
      (error: unknown) => (error as NodeJS.ErrnoException).code ?? (error as Error).message,
    );

  const closed = (socket: net.Socket) => new Promise((resolve) => socket.once('close', resolve));

  /** Checks that no unauthorized caller was let in, and that a peer still is. */
  async function expectUnharmed(): Promise<void> {
    await waitUntil('nothing to be left', async () => (await stored()).length === 0);
    // On a machine that stands still, one request may take longer than a test waits.
    await waitUntil('a peer to be served', async () => (await heartbeat()).status === 200);
  }

  describe('lets in a host with the key, and', () => {
    beforeEach(() => open());

    it('reports that it has no liferaft of a new host', async () => {
      expect(await heartbeat()).to.deep.equal({
        status: 200,
        body: { held: false, host: host.id },
      });
    });

    it('stores its liferaft for root only, and logs that', async () => {
      const liferaft = liferaftOf();
      const answer = await push(liferaft);
      expect(answer).to.deep.equal({
        status: 200,
        body: { digest: liferaft.digest, generation: 1 },
      });
      expect(await stored()).to.deep.equal([`liferaft_${sender}.tar`]);
      const file = named(`liferaft_${sender}.tar`);
      expect((await readFile(file)).equals(liferaft.bytes)).to.equal(true);
      expect((await stat(file)).mode & 0o777).to.equal(0o600);
      expect((await stat(host.paths.alphorn.liferafts)).mode & 0o777).to.equal(0o700);
      expect(receiver.logged()).to.have.length(1);
      expect(receiver.logged()[0]).to.include({ level: 'info', host: sender, generation: 1 });
    });

    it('renews the time of its liferaft only on a heartbeat that matches', async () => {
      const liferaft = liferaftOf();
      await push(liferaft);
      const file = named(`liferaft_${sender}.tar`);
      await utimes(file, 0, 0);
      const { lineage, generation } = liferaft.manifest;
      expect(await heartbeat(liferaftOf({ generation: 2 }))).to.deep.equal({
        status: 200,
        body: { held: false, lineage, generation, host: host.id },
      });
      expect((await stat(file)).mtimeMs).to.equal(0);
      const startedAt = Date.now();
      expect((await heartbeat(liferaft)).body).to.deep.include({ held: true, lineage, generation });
      // File times have the resolution of the kernel's tick.
      expect((await stat(file)).mtimeMs).to.be.within(startedAt - 1000, Date.now());
    });

    it('reports how much of an interrupted liferaft arrived, and accepts the rest', async () => {
      const liferaft = liferaftOf({ files: { '/etc/large': Buffer.alloc(5_000_000, 'x') } });
      const { digest, bytes } = liferaft;
      const asked = request(putOf(liferaft));
      const broken = refusal(answerOf(asked));
      asked.write(bytes.subarray(0, 3_000_000));
      await waitUntil('most of it to be written', async () => {
        const sizes = (await stored()).map(async (name) => (await stat(named(name))).size);
        return (await Promise.all(sizes)).some((size) => size >= 2_000_000);
      });
      asked.destroy();
      await broken;
      let offset = 0;
      await waitUntil('what came to be kept', async () => {
        offset = Number((await heartbeat(liferaft)).body['partial'] ?? 0);
        return offset > 0;
      });
      expect(offset).to.be.within(2_000_000, 3_000_000);
      const rest = { digest, bytes: bytes.subarray(offset) };
      const more = await push(rest, { [offsetHeader]: offset + 1 });
      expect([more.status, more.body['code']]).to.deep.equal([400, 'liferaft_cut_off']);
      const answer = await push(rest, { [offsetHeader]: offset });
      expect(answer.body).to.deep.equal({ digest, generation: 1 });
      expect(await stored()).to.deep.equal([`liferaft_${sender}.tar`]);
      const file = await readFile(named(`liferaft_${sender}.tar`));
      expect(file.equals(bytes)).to.equal(true);
    });

    it('neither continues nor keeps a damaged first part', async () => {
      const { digest, bytes } = liferaftOf({ files: { '/etc/large': Buffer.alloc(3_000_000) } });
      const damaged = Buffer.from(bytes.subarray(0, 2_000_000));
      damaged[1_500_000] = 1;
      await mkdir(host.paths.alphorn.liferafts, { recursive: true });
      await writeFile(named(`partial_${sender}_${digest}.part`), damaged);
      const rest = { digest, bytes: bytes.subarray(2_000_000) };
      const answer = await push(rest, { [offsetHeader]: 2_000_000 });
      expect(answer.body['code']).to.equal('liferaft_invalid');
      expect(await stored()).to.deep.equal([]);
    });

    it('keeps a twentieth of the disk free, and answers 507 if a liferaft needs that space', async () => {
      const disk = host.paths.alphorn.liferafts;
      await mkdir(disk, { recursive: true });
      await execa('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]);
      try {
        const files = (size: number) => ({ files: { '/etc/large': Buffer.alloc(size) } });
        const refused = await push(liferaftOf(files(4_050_000)));
        expect([refused.status, refused.body['code']]).to.deep.equal([507, 'no_space']);
        expect(refused.body['detail']).to.include('hactl alphorn list');
        expect(await stored()).to.deep.equal([]);
        expect((await push(liferaftOf(files(3_800_000)))).status).to.equal(200);
      } finally {
        await execa('umount', [disk]);
      }
    });

    it('ignores an unknown Expect header', async () => {
      const headers = { 'Content-Type': 'application/json', Expect: 'miracles' };
      expect((await heartbeat(liferaftOf(), { headers })).status).to.equal(200);
    });

    it('serves many requests over one connection', async () => {
      const agent = agentBy({ keepAlive: true });
      for (let count = 0; count < 5; count += 1) {
        const asked = request({ agent, headers: { 'Content-Type': 'application/json' } });
        const answer = answerOf(asked);
        asked.end(JSON.stringify({ ...liferaftOf(), lineage: otherLineage, generation: 1 }));
        // The unknown field is refused, and the connection stays usable.
        expect((await answer).status).to.equal(400);
        // By then the agent has the connection back.
        await sleep(10);
        expect(asked.reusedSocket).to.equal(count > 0);
      }
    });

    it('replaces the latest liferaft by a newer one, and keeps the former', async () => {
      await push(liferaftOf());
      expect((await push(liferaftOf({ generation: 2 }))).status).to.equal(200);
      expect((await stored()).sort()).to.deep.equal([
        `liferaft_${sender}.1.tar`,
        `liferaft_${sender}.tar`,
      ]);
    });

    it('accepts the new count of a host that says it was rebuilt', async () => {
      await push(liferaftOf({ generation: 7 }));
      const rebuilt = liferaftOf({ lineage: otherLineage });
      expect((await push(rebuilt)).body).to.include({ code: 'liferaft_older' });
      expect((await push(rebuilt, { [rebuiltHeader]: 'true' })).status).to.equal(200);
    });
  });

  describe('refuses', () => {
    beforeEach(() => open());

    it("another host's liferaft", async () => {
      const answer = await push(liferaftOf({ host: { id: 'ffffffff' } }));
      expect(answer.status).to.equal(403);
      expect(answer.body).to.include({ code: 'liferaft_of_another_host' });
      await expectUnharmed();
    });

    it('an older generation, and keeps the stored one', async () => {
      const latest = liferaftOf({ generation: 2 });
      await push(latest);
      expect(await push(liferaftOf({ generation: 1 }))).to.deep.include({ status: 409 });
      const file = await readFile(named(`liferaft_${sender}.tar`));
      expect(file.equals(latest.bytes)).to.equal(true);
    });

    it('a liferaft whose bytes do not match its digest, and logs that once', async () => {
      const { digest, bytes } = liferaftOf({ files: { '/etc/motd': 'x'.repeat(3_000_000) } });
      const flipped = Buffer.from(bytes);
      flipped[2_000_000] = 0;
      for (let count = 0; count < 3; count += 1) {
        const answer = await push({ digest, bytes: flipped });
        expect([answer.status, answer.body['code']]).to.deep.equal([422, 'liferaft_invalid']);
      }
      expect(receiver.logged()).to.have.length(1);
      expect(receiver.logged()[0]).to.include({ host: sender, code: 'liferaft_invalid' });
      await expectUnharmed();
    });

    it('a damaged liferaft, discards its remaining bytes, and keeps the connection', async () => {
      const agent = agentBy({ keepAlive: true });
      const { digest, bytes } = liferaftOf({ files: { '/etc/motd': 'x'.repeat(9_000_000) } });
      const flipped = Buffer.from(bytes);
      flipped[600_000] = 0;
      expect((await push({ digest, bytes: flipped }, {}, { agent })).status).to.equal(422);
      await sleep(10);
      const asked = request({ agent });
      const answer = answerOf(asked);
      asked.end();
      expect((await answer).status).to.equal(400);
      expect(asked.reusedSocket).to.equal(true);
    });

    it('a liferaft that is larger than announced or allowed, before it arrives', async () => {
      const headers = { 'Content-Length': 2 ** 40 };
      const asked = request(putOf(liferaftOf(), headers));
      opened.push(asked);
      const answer = answerOf(asked);
      asked.flushHeaders();
      expect(await answer).to.deep.include({ status: 413 });
      await expectUnharmed();
    });

    it('invalid requests, and says what is wrong', async () => {
      const liferaft = liferaftOf();
      const json = { 'Content-Type': 'application/json' };
      const wrong: [number, string, Calling][] = [
        [400, 'digest', { headers: json, body: '{}' }],
        [400, 'JSON', { headers: json, body: '{' }],
        [400, 'body', { headers: json, body: '[]' }],
        [415, 'JSON', { body: 'x' }],
        [413, 'MiB', { headers: json, body: JSON.stringify({ x: 'x'.repeat(2_000_000) }) }],
        [400, digestHeader, putOf(liferaft, { [digestHeader]: '../../etc/passwd' })],
        [400, rebuiltHeader, putOf(liferaft, { [rebuiltHeader]: 'perhaps' })],
        [
          400,
          'content-length',
          {
            ...putOf(liferaft),
            headers: { [digestHeader]: liferaft.digest, 'Transfer-Encoding': 'chunked' },
          },
        ],
        [404, '/etc/passwd', { path: '/etc/passwd' }],
        [405, 'PUT', { path: '/v1/liferaft', method: 'DELETE' }],
        [405, 'POST', { path: '/v1/heartbeat', method: 'GET' }],
      ];
      for (const [status, word, calling] of wrong) {
        const answer = await call(calling);
        expect(answer.status, word).to.equal(status);
        expect(answer.body['detail'], word).to.include(word);
      }
      await expectUnharmed();
    });

    it('a request without a host, in its own error format', async () => {
      const asked = request();
      asked.removeHeader('Host');
      const answer = answerOf(asked);
      asked.end();
      const { status, body } = await answer;
      expect([status, body['code']]).to.deep.equal([400, 'malformed_request']);
    });

    it('a second liferaft of a host while the first is arriving', async () => {
      const liferaft = liferaftOf();
      const first = request(putOf(liferaft));
      const firstAnswer = answerOf(first);
      first.write(liferaft.bytes.subarray(0, 100));
      await sleep(100);
      expect((await push(liferaft)).body).to.include({ code: 'liferaft_busy' });
      first.end(liferaft.bytes.subarray(100));
      expect((await firstAnswer).status).to.equal(200);
    });

    it('the key of a connection that is no longer valid', async () => {
      const agent = agentBy({ keepAlive: true });
      expect((await heartbeat(undefined, { agent })).status).to.equal(200);
      await writeFile(host.paths.corosyncKey, Buffer.alloc(256, 'b'));
      expect((await heartbeat(undefined, { agent })).status, 'for an hour').to.equal(200);
      await receiver.stop();
      const known = JSON.parse(await readFile(host.paths.alphorn.knownKeys, 'utf8')) as {
        keys: { replacedAt: number | null }[];
      };
      for (const each of known.keys) if (each.replacedAt !== null) each.replacedAt = 0;
      await writeFile(host.paths.alphorn.knownKeys, JSON.stringify(known));
      await open({ port: receiver.port });
      expect(await refusal(heartbeat())).to.equal('EPROTO');
      const { id, secret } = peerKeyOf(Buffer.alloc(256, 'b'));
      const answer = await heartbeat(undefined, { identity: `${sender}.${id}`, secret });
      expect(answer.status).to.equal(200);
    });
  });

  describe('lets in no caller', () => {
    beforeEach(() => open());
    const handshakes: Record<string, Calling> = {
      'with another key': { secret: Buffer.alloc(32, 'x') },
      'with the name of an unknown key': { identity: `${sender}.00000000` },
      'without a host name': { identity: key.id },
      'with an invalid host name': { identity: `../../etc.${key.id}` },
      'with an additional part in its name': { identity: `${sender}.${key.id}.x` },
      'with a name of 64 KB': { identity: 'x'.repeat(60_000) },
    };
    for (const [who, calling] of Object.entries(handshakes)) {
      it(who, async () => {
        expect(await refusal(heartbeat(undefined, calling))).not.to.equal('let in');
        await expectUnharmed();
      });
    }

    const raw: Record<string, (port: number) => net.Socket> = {
      'without a key': (port) =>
        tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, minVersion: 'TLSv1.3' }),
      'by TLS 1.2, even with the key': (port) =>
        tls.connect({
          port,
          host: '127.0.0.1',
          rejectUnauthorized: false,
          maxVersion: 'TLSv1.2',
          ciphers: 'PSK',
          pskCallback: () => ({ psk: key.secret, identity: `${sender}.${key.id}` }),
        }),
      'by plain HTTP': (port) =>
        net.connect(port, '127.0.0.1').on('connect', function (this: net.Socket) {
          this.write('GET /v1/liferaft HTTP/1.1\r\nHost: x\r\n\r\n');
        }),
      'that sends meaningless bytes': (port) =>
        net.connect(port, '127.0.0.1').on('connect', function (this: net.Socket) {
          this.write(Buffer.alloc(100_000, 0x16));
        }),
    };
    for (const [who, connect] of Object.entries(raw)) {
      it(who, async () => {
        const socket = connect(receiver.port);
        opened.push(socket);
        let heard = '';
        socket.on('data', (data: Buffer) => (heard += data.toString('latin1')));
        socket.on('error', () => undefined);
        let isSecure = false;
        socket.once('secureConnect', () => (isSecure = true));
        socket.resume();
        await closed(socket);
        expect(isSecure).to.equal(false);
        expect(heard).not.to.include('HTTP/1.1 2');
        expect(receiver.logged()).to.have.length(1);
        await expectUnharmed();
      });
    }

    it('that tries repeatedly, and logs that once', async () => {
      for (let count = 0; count < 5; count += 1) {
        await refusal(heartbeat(undefined, { secret: Buffer.alloc(32, 'x') }));
      }
      expect(receiver.logged()).to.have.length(1);
      expect(receiver.logged()[0]?.['reason']).to.match(/does not have it/);
    });
  });

  describe('with short timeouts', () => {
    const short: PeerLimits = {
      handshakeMs: 400,
      maxUnauthenticated: 20,
      silenceMs: 400,
      requestMs: 1500,
      idleMs: 5000,
    };
    beforeEach(() => open({ limits: short }));

    it('closes a connection that does not show a key in time', async () => {
      const socket = net.connect(receiver.port, '127.0.0.1');
      opened.push(socket);
      socket.on('error', () => undefined).resume();
      await closed(socket);
      await expectUnharmed();
    });

    it('closes a connection that stops in the middle of a liferaft, and keeps nothing of it', async () => {
      await receiver.stop();
      await open({ limits: { ...short, requestMs: 60_000 } });
      const liferaft = liferaftOf();
      const asked = request(putOf(liferaft));
      opened.push(asked);
      asked.write(liferaft.bytes.subarray(0, 700));
      expect(await refusal(answerOf(asked))).to.match(/ECONNRESET|let in/);
      await sleep(50);
      await expectUnharmed();
    });

    it('closes a connection that sends only a byte now and then', async () => {
      const liferaft = liferaftOf();
      const asked = request(putOf(liferaft));
      opened.push(asked);
      const answer = refusal(answerOf(asked));
      let at = 0;
      const drip = setInterval(() => asked.write(liferaft.bytes.subarray(at, (at += 1))), 100);
      try {
        expect(await answer).to.match(/ECONNRESET|EPIPE|let in/);
      } finally {
        clearInterval(drip);
      }
      expect(at).to.be.lessThan(100);
      await sleep(50);
      await expectUnharmed();
    });
  });

  describe('with little room for unauthenticated connections', () => {
    // These tests wait for no time limit, because the machine may stand still.
    const roomy: PeerLimits = {
      handshakeMs: 300_000,
      maxUnauthenticated: 20,
      silenceMs: 300_000,
      requestMs: 300_000,
      idleMs: 300_000,
    };
    beforeEach(() => open({ limits: roomy }));

    it('continues when a sender disappears at any moment', async () => {
      const liferaft = liferaftOf({ files: { '/etc/motd': Buffer.alloc(500_000, 'x') } });
      for (const ms of [0, 1, 2, 3, 5, 8, 13, 21]) {
        const asked = request(putOf(liferaft));
        const gone = refusal(answerOf(asked));
        asked.write(liferaft.bytes.subarray(0, 300_000));
        await sleep(ms);
        asked.destroy();
        await gone;
      }
      await expectUnharmed();
      expect(receiver.logged().filter(({ level }) => level === 'error')).to.deep.equal([]);
    });

    it('serves a peer while 200 unauthenticated connections are open', async () => {
      const unauthenticated = Array.from({ length: 200 }, () => {
        const socket = net.connect(receiver.port, '127.0.0.1').on('error', () => undefined);
        socket.resume();
        opened.push(socket);
        return socket;
      });
      await Promise.all(unauthenticated.map((socket) => once(socket, 'connect')));
      for (let count = 0; count < 5; count += 1) {
        expect((await heartbeat()).status).to.equal(200);
      }
      const left = () => unauthenticated.filter((socket) => !socket.destroyed).length;
      expect(left(), 'more than the limit').to.be.lessThan(roomy.maxUnauthenticated + 1);
    });

    it('does not count a connection with a key as unauthenticated', async () => {
      const agent = agentBy({ keepAlive: true });
      await heartbeat(undefined, { agent });
      const unauthenticated = Array.from({ length: 3 * roomy.maxUnauthenticated }, () => {
        const socket = net.connect(receiver.port, '127.0.0.1').on('error', () => undefined);
        opened.push(socket.resume());
        return socket;
      });
      await Promise.all(unauthenticated.map((socket) => once(socket, 'connect')));
      await sleep(50);
      const asked = request({ agent });
      const answer = answerOf(asked);
      asked.end();
      await answer;
      expect(asked.reusedSocket).to.equal(true);
    });

    it('serves 200 peers at once', async () => {
      const answers = await Promise.all(Array.from({ length: 200 }, () => refusal(heartbeat())));
      const served = answers.filter((each) => each === 'let in').length;
      // Some of the connections that arrive at the same moment are refused. Real peers would try again.
      expect(served).to.be.greaterThan(roomy.maxUnauthenticated - 1);
      await expectUnharmed();
    });
  });

  it('reports the address on which it cannot listen', async () => {
    const port = await freePort();
    await open({ port });
    const second = openTestReceiver(host, { port });
    expect(await refusal(second)).to.equal('cannot_listen');
  });
});
