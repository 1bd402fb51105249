import { readdir, readFile, unlink, writeFile } from 'node:fs/promises';
import type dns from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { formerKeyMs, type KeyRing, openKeyRing } from '../../../src/alphorn/peers/keys.ts';
import { type LiferaftFile, openLiferaft } from '../../../src/alphorn/format/liferaft-file.ts';
import { peerTls } from '../../../src/alphorn/peers/peer-protocol.ts';
import {
  makePeerClient,
  type PeerClient,
  type PeerClientParts,
  usualDeadlines,
} from '../../../src/alphorn/sending/peer-client.ts';
import { makeRun } from '../../../src/kit/exec.ts';
import { loadTlsIdentity } from '../../../src/server/tls/identity.ts';
import {
  freePort,
  makeTestHost,
  openTestReceiver,
  type TestHost,
  type TestReceiver,
} from '../../support/peer-host.ts';
import { waitUntil } from '../../lab/wait.ts';
import { faultOf } from '../../support/faults.ts';
import { keepingLog } from '../../support/keeping-log.ts';
import { liferaftOf, someLineage } from '../../support/liferafts.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { loadConfig } from '../../../src/bin/wiring/config.ts';

const ownId = '5e7638bc';
const whole = { rebuilt: false, offset: 0 };
const heartbeat = { digest: 'd'.repeat(64), lineage: someLineage, generation: 1 };

type LookupDone = (error: Error | null, found: string | object[], family?: number) => void;

describe('a peer client', () => {
  const opened: { stop(): unknown }[] = [];
  afterEach(async () => {
    for (const each of opened.splice(0).reverse()) await each.stop();
  });
  const folder = temporaryFolder();
  let here: TestHost;
  let there: TestHost;
  let keys: KeyRing;
  beforeEach(async () => {
    here = await makeTestHost(folder.path, ownId);
    there = await makeTestHost(folder.path, 'ae82a9a2');
    const { key, knownKeys } = here.paths.alphorn;
    keys = openKeyRing({ key, knownKeys, clusterKey: here.paths.corosyncKey }, keepingLog().log);
    const ring = keys;
    opened.push({ stop: () => ring.saved() });
  });

  async function receiver(
    settings: Parameters<typeof openTestReceiver>[1] = {},
  ): Promise<TestReceiver> {
    const listening = await openTestReceiver(there, settings);
    opened.push(listening);
    return listening;
  }

  function clientOf(
    port: number,
    deadlines = usualDeadlines,
    host = '127.0.0.1',
    more: Partial<PeerClientParts> = {},
  ): PeerClient {
    const client = makePeerClient({ host, port }, { hostId: ownId, keys, ...more }, deadlines);
    opened.push({
      stop: () => {
        client.close();
      },
    });
    return client;
  }

  async function liferaft(size = 10, generation = 1): Promise<LiferaftFile> {
    const files = { '/etc/hostname': Buffer.alloc(size, 'x') };
    const { bytes } = liferaftOf({ host: { id: ownId }, files, generation });
    const path = join(folder.path, `sent-${generation}.tar`);
    await writeFile(path, bytes);
    const file = await openLiferaft(path);
    if (file === undefined) throw new Error('There is no liferaft to send.');
    opened.push({ stop: () => file.close() });
    return file;
  }

  const received = () => readFile(join(there.paths.alphorn.liferafts, `liferaft_${ownId}.tar`));

  const keyNamed = (identity: string) =>
    keys.find(identity.split('.')[1] ?? '')?.secret ?? Buffer.alloc(32);

  /** A server that is not a peer, and treats its connections as the test needs. */
  async function strange(server: net.Server): Promise<number> {
    const port = await freePort();
    const sockets = new Set<net.Socket>();
    server.on('connection', (socket: net.Socket) => {
      sockets.add(socket.on('error', () => undefined));
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    opened.push({
      stop() {
        for (const socket of sockets) socket.destroy();
        return new Promise((resolve) => server.close(resolve));
      },
    });
    return port;
  }

  it('asks what the peer has, and sends what is missing', async () => {
    const { port } = await receiver();
    const client = clientOf(port);
    expect(await client.heartbeat(heartbeat)).to.deep.equal({ held: false, host: there.id });
    // The content is longer than one read, and not a multiple of it.
    const file = await liferaft(3_456_789);
    await client.push(file, whole);
    expect((await received()).equals(await readFile(join(folder.path, 'sent-1.tar')))).to.equal(
      true,
    );
    const { digest, manifest } = file;
    expect(await client.heartbeat({ ...heartbeat, digest })).to.deep.equal({
      held: true,
      lineage: manifest.lineage,
      generation: 1,
      host: there.id,
    });
  });

  it('continues after the part that arrived before its connection was cut', async () => {
    const { port } = await receiver();
    const file = await liferaft(20_000_000);
    let read = 0;
    const cutAt = (bytes: number, client: PeerClient) => ({
      ...file,
      readInto(buffer: Buffer, at: number) {
        if (at > bytes) client.close();
        read += buffer.length;
        return file.readInto(buffer, at);
      },
    });
    let offset = 0;
    for (const bytes of [5_000_000, 12_000_000]) {
      const client = clientOf(port);
      await faultOf('peer_unreachable', client.push(cutAt(bytes, client), { ...whole, offset }));
      const { digest } = file;
      await waitUntil('the receiver to have kept more', async () => {
        const { partial = 0 } = await clientOf(port).heartbeat({ ...heartbeat, digest });
        const isMore = partial > offset;
        offset = partial;
        return isMore;
      });
    }
    expect(offset).to.be.within(6_000_000, 20_000_000);
    read = 0;
    await clientOf(port).push(cutAt(Infinity, clientOf(port)), { ...whole, offset });
    expect(read).to.be.lessThan(20_000_000 - offset + 3_000_000);
    expect((await received()).equals(await readFile(join(folder.path, 'sent-1.tar')))).to.equal(
      true,
    );
    expect(await readdir(there.paths.alphorn.liferafts)).to.deep.equal([`liferaft_${ownId}.tar`]);
  });

  it('resolves its name again each time, and drops an address that the name no longer has', async () => {
    const asked: string[] = [];
    const port = await freePort();
    for (const address of ['127.0.0.1', '127.0.0.2']) {
      const server = https.createServer(
        { ...peerTls, pskCallback: (_socket, identity) => keyNamed(identity) },
        (_request, response) => {
          asked.push(address);
          response.end('{"held": false}');
        },
      );
      await new Promise<void>((resolve) => server.listen(port, address, resolve));
      opened.push({
        stop() {
          server.closeAllConnections();
          return new Promise((resolve) => server.close(resolve));
        },
      });
    }
    let addresses = ['127.0.0.1'];
    const lookup = ((_name: string, options: dns.LookupOptions, done: LookupDone) => {
      const found = addresses.map((address) => ({ address, family: 4 }));
      if (found.length === 0) done(new Error('EAI_AGAIN'), [], 0);
      else if (options.all) done(null, found);
      else done(null, found[0]?.address ?? '', 4);
    }) as unknown as typeof dns.lookup;
    const client = clientOf(port, usualDeadlines, 'peer.example', { lookup });
    for (const next of [['127.0.0.1'], ['127.0.0.2', '127.0.0.1'], [], ['127.0.0.2']]) {
      addresses = next;
      await client.heartbeat(heartbeat);
    }
    expect(asked).to.deep.equal(['127.0.0.1', '127.0.0.1', '127.0.0.1', '127.0.0.2']);
  });

  it('reconnects silently if the other side has closed an idle connection', async () => {
    // The server answers the first request of each connection, and closes the connection at the second.
    const answered = new WeakSet<object>();
    let asked = 0;
    const server = https.createServer(
      { ...peerTls, pskCallback: (_socket, identity) => keyNamed(identity) },
      (request, response) => {
        asked += 1;
        if (answered.has(request.socket)) request.socket.destroy();
        else response.end('{"held": false}');
        answered.add(request.socket);
      },
    );
    const client = clientOf(await strange(server));
    for (let count = 0; count < 2; count += 1) {
      expect(await client.heartbeat(heartbeat)).to.deep.equal({ held: false });
      await sleep(10);
    }
    expect(asked).to.equal(3);
  });

  describe('shows the key', () => {
    const own = 'ab'.repeat(32);

    it('that it shares with its cluster, to a node without another key, although it has its own key too', async () => {
      await writeFile(here.paths.alphorn.key, own, { mode: 0o600 });
      const [ownKey, ofCluster] = keys.all();
      const shown: (string | undefined)[] = [];
      const server = https.createServer(
        {
          ...peerTls,
          pskCallback(_socket, identity) {
            const id = identity.split('.')[1];
            shown.push(id);
            return (id === ofCluster?.id && ofCluster?.secret) || null;
          },
        },
        (_request, response) => response.end('{"held": false}'),
      );
      const client = clientOf(await strange(server));
      await client.heartbeat(heartbeat);
      // The next request reuses the connection of the key that worked.
      await client.heartbeat(heartbeat);
      expect(shown).to.deep.equal([ownKey?.id, ofCluster?.id]);
    });

    it('that is its own, to a host outside the cluster', async () => {
      for (const { paths } of [here, there])
        await writeFile(paths.alphorn.key, own, { mode: 0o600 });
      await unlink(there.paths.corosyncKey);
      const { port } = await receiver();
      expect(await clientOf(port).heartbeat(heartbeat)).to.include({ held: false });
    });

    it('that was replaced here, to a peer that does not have the new one yet', async () => {
      const { port } = await receiver();
      await writeFile(here.paths.corosyncKey, Buffer.alloc(256, 'z'));
      expect(await clientOf(port).heartbeat(heartbeat)).to.include({ held: false });
    });

    it('that is valid, and drops a connection whose key is no longer valid', async () => {
      let now = Date.now();
      const { key, knownKeys } = here.paths.alphorn;
      await keys.saved();
      const clusterKeyFile = here.paths.corosyncKey;
      const files = { key, knownKeys, clusterKey: clusterKeyFile };
      keys = openKeyRing(files, keepingLog().log, () => now);
      const shown: (string | undefined)[] = [];
      const server = https.createServer(
        {
          ...peerTls,
          pskCallback(_socket, identity) {
            shown.push(identity.split('.')[1]);
            return keyNamed(identity);
          },
        },
        (_request, response) => response.end('{"held": false}'),
      );
      const client = clientOf(await strange(server));
      await client.heartbeat(heartbeat);
      await writeFile(clusterKeyFile, Buffer.alloc(256, 'z'));
      now = Date.now();
      await client.heartbeat(heartbeat);
      expect(shown, 'for an hour').to.have.length(1);
      now += formerKeyMs;
      await client.heartbeat(heartbeat);
      expect(shown[1]).to.equal(keys.all()[0]?.id);
      await keys.saved();
    });

    it('that is new here, to a peer that has it too', async () => {
      const { port } = await receiver();
      const client = clientOf(port);
      await client.heartbeat(heartbeat);
      for (const { paths } of [here, there]) {
        await writeFile(paths.corosyncKey, Buffer.alloc(256, 'z'));
      }
      await client.heartbeat(heartbeat);
    });
  });

  describe('says what to do', () => {
    it('when nothing listens', async () => {
      const fault = await faultOf(
        'peer_unreachable',
        clientOf(await freePort()).heartbeat(heartbeat),
      );
      expect(fault.message).to.include('Nothing listens on port');
    });

    it('when the name is unknown', async () => {
      const client = clientOf(8444, usualDeadlines, 'nobody.invalid');
      const fault = await faultOf('peer_unreachable', client.heartbeat(heartbeat));
      expect(fault.message).to.match(/The name nobody.invalid (is not known|cannot be looked up)/);
    });

    it('when there is no key here', async () => {
      await unlink(here.paths.corosyncKey);
      const { key, knownKeys } = here.paths.alphorn;
      keys = openKeyRing(
        { key, knownKeys: `${knownKeys}.none`, clusterKey: here.paths.corosyncKey },
        keepingLog().log,
      );
      const { port } = await receiver();
      const fault = await faultOf('alphorn_without_key', clientOf(port).heartbeat(heartbeat));
      expect(fault.message).to.include('hactl alphorn key generate');
    });

    it('when others may read the key here', async () => {
      await writeFile(here.paths.alphorn.key, 'ab'.repeat(32), { mode: 0o644 });
      await writeFile(there.paths.corosyncKey, Buffer.alloc(256, 'z'));
      const { port } = await receiver();
      const other = await faultOf('peer_refused', clientOf(port).heartbeat(heartbeat));
      expect(other.message).to.include('hactl alphorn key export').and.to.include('(mode 0644)');
      await unlink(here.paths.corosyncKey);
      const { key, knownKeys } = here.paths.alphorn;
      keys = openKeyRing(
        { key, knownKeys: `${knownKeys}.none`, clusterKey: here.paths.corosyncKey },
        keepingLog().log,
      );
      const none = await faultOf('alphorn_key_refused', clientOf(port).heartbeat(heartbeat));
      expect(none.message).to.include('(mode 0644)');
    });

    it('when the destination knows none of the keys here', async () => {
      await writeFile(there.paths.corosyncKey, Buffer.alloc(256, 'z'));
      const { port } = await receiver();
      const fault = await faultOf('peer_refused', clientOf(port).heartbeat(heartbeat));
      expect(fault.message).to.include('hactl alphorn key export');
    });

    it("when the other side refuses, with the other side's words", async () => {
      const { port } = await receiver();
      const client = clientOf(port);
      await client.push(await liferaft(10, 2), whole);
      const fault = await faultOf('peer_refused', client.push(await liferaft(), whole));
      expect(fault.message).to.include(`127.0.0.1:${port} refused (409 liferaft_older): `);
      expect(fault.message).to.include('Generation 2');
    });

    it('when the other side refuses halfway, and stops sending', async () => {
      const { port } = await receiver({ liferaft_most_bytes: 1_000_000 });
      const file = await liferaft(50_000_000);
      let read = 0;
      const counted = {
        ...file,
        async readInto(buffer: Buffer, at: number) {
          const bytes = await file.readInto(buffer, at);
          read += bytes;
          return bytes;
        },
      };
      const fault = await faultOf('peer_refused', clientOf(port).push(counted, whole));
      expect(fault.message).to.include('413 liferaft_too_large');
      expect(read).to.be.lessThan(45_000_000);
    });

    it('when the listener has a certificate instead of the key', async () => {
      const config = await loadConfig({
        HA_AGENT_CONFIG: join(folder.path, 'none'),
        HA_AGENT_STATE_DIRECTORY: folder.path,
      });
      const identity = await loadTlsIdentity(config, makeRun(keepingLog().log));
      let asked = 0;
      const server = https.createServer(identity, (_request, response) => {
        asked += 1;
        response.end('{"held": true}');
      });
      const fault = await faultOf(
        'peer_unreachable',
        clientOf(await strange(server)).heartbeat(heartbeat),
      );
      expect(fault.message).to.include('is not a peer port of ha-agent');
      expect(asked).to.equal(0);
    });

    it('when the listener speaks plain HTTP', async () => {
      const port = await strange(http.createServer((_request, response) => response.end('{}')));
      const fault = await faultOf('peer_unreachable', clientOf(port).heartbeat(heartbeat));
      expect(fault.message).to.include('is not a peer port of ha-agent');
    });

    it('when the connection is cut', async () => {
      const port = await strange(net.createServer((socket) => socket.resetAndDestroy()));
      const fault = await faultOf('peer_unreachable', clientOf(port).heartbeat(heartbeat));
      expect(fault.message).to.include('ECONNRESET');
    });

    it('when no answer comes before the deadline', async () => {
      const port = await strange(net.createServer(() => undefined));
      const impatient = { ...usualDeadlines, heartbeatMs: 200 };
      const fault = await faultOf(
        'peer_unreachable',
        clientOf(port, impatient).heartbeat(heartbeat),
      );
      expect(fault.message).to.include('did not answer within 0.2 s');
    });

    it('when the disk fails to read the liferaft', async () => {
      const { port } = await receiver();
      const file = await liferaft(3_000_000);
      const broken = {
        ...file,
        readInto: (buffer: Buffer, at: number) =>
          at > 0 ? Promise.reject(new Error('EIO')) : file.readInto(buffer, at),
      };
      const fault = await faultOf('peer_unreachable', clientOf(port).push(broken, whole));
      expect(fault.message).to.include('EIO');
      expect(await received().catch(() => 'nothing')).to.equal('nothing');
    });
  });

  it('cancels its request when it is closed', async () => {
    const port = await strange(net.createServer(() => undefined));
    const client = clientOf(port);
    const answer = faultOf('peer_unreachable', client.heartbeat(heartbeat));
    setTimeout(() => {
      client.close();
    }, 50);
    await answer;
  });
});
