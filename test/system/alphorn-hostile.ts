import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { gzipSync } from 'node:zlib';

import { expect } from 'chai';

import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { hostileArchives } from '../support/hostile-archives.ts';
import { liferaftOf, type MadeLiferaft, someHost } from '../support/liferafts.ts';
import {
  callPeer,
  type Credentials,
  credentialsOf,
  type PeerAnswer,
  pskOptions,
} from '../support/psk-peer.ts';
import type { Bench } from './asking.ts';

const port = 8444;
const folder = '/var/lib/alphorn/liferafts';
const path = `${folder}/liferaft_${someHost}.tar`;
const connections = 200;

/**
 * Hostile liferafts and peers against the service of a node. They have the key of the cluster unless the test is about
 * that. The host that they pretend to be is not in the lab.
 */
export function describeHostile(bench: Bench): void {
  describe('hostile peers', () => {
    const node = () => bench().lab.nodes[0] as LabNode;
    const former = liferaftOf({ generation: 1 });
    let key = Buffer.alloc(0);
    let credentials: Credentials;
    let outside = '';

    interface Said {
      size?: number;
      rebuilt?: boolean;
      credentials?: Credentials;
    }

    function put(
      { bytes, digest }: Pick<MadeLiferaft, 'bytes' | 'digest'>,
      said: Said = {},
    ): Promise<PeerAnswer> {
      return callPeer({
        address: node().address,
        credentials: said.credentials ?? credentials,
        method: 'PUT',
        path: '/v1/liferaft',
        body: bytes,
        headers: {
          'X-Liferaft-Digest': digest,
          'Content-Length': said.size ?? bytes.length,
          ...(said.rebuilt && { 'X-Liferaft-Rebuilt': 'true' }),
        },
      });
    }

    async function expectRefused(
      status: number,
      code: string,
      liferaft: Pick<MadeLiferaft, 'bytes' | 'digest'>,
      said: Said = {},
    ): Promise<void> {
      let answer = await put(liferaft, said);
      // It takes a moment until the node notices that the former sender has closed its connection.
      for (let tries = 0; isBusy(answer) && tries < 100; tries += 1) {
        await sleep(50);
        answer = await put(liferaft, said);
      }
      expect(answer.json).to.include({ status, code });
      expect(answer.status).to.equal(status);
    }

    const isBusy = ({ json }: PeerAnswer) => (json as { code: string }).code === 'liferaft_busy';

    /** Everything that a liferaft could have been written to, except what a node writes at any time. */
    async function everywhere(): Promise<string> {
      const looked = ['/etc', '/root', '/home', '/opt', '/srv', '/usr', '/tmp', '/var/lib'];
      const busy = ['/var/lib/pacemaker', '/var/lib/pcsd', '/var/lib/systemd', '/var/lib/ha-agent'];
      const passed = [...busy, folder, '/var/lib/alphorn/own', '/var/lib/lab-power'];
      const prune = passed.flatMap((each) => ['-path', each, '-prune', '-o']);
      const print = ['-printf', '%p %y %s %n %C@\\n'];
      return node().run(['find', ...looked, '-xdev', ...prune, '-not', '-type', 'd', ...print]);
    }

    /** Without what other hosts may send meanwhile. */
    const stored = () =>
      node().run([
        'sh',
        '-c',
        `sha256sum ${path}; ls -A ${folder} | grep --invert-match '^liferaft_' || true; ls ${folder}/*${someHost}*`,
      ]);

    const processOf = async () =>
      (
        await node().run(['systemctl', 'show', '--property=MainPID', '--value', 'ha-agent-peers'])
      ).trim();

    let storedBefore = '';
    let process = '';

    before(async () => {
      key = Buffer.from(
        await node().run(['base64', '--wrap=0', '/etc/corosync/authkey']),
        'base64',
      );
      credentials = credentialsOf(someHost, key);
      const { status, json } = await put(former);
      expect(status, JSON.stringify(json)).to.equal(200);
      process = await processOf();
      outside = await everywhere();
      storedBefore = await stored();
    });

    afterEach('the liferaft before is as it was, and there is nothing beside it', async () => {
      await waitUntil('what was refused to be gone', async () => (await stored()) === storedBefore);
    });

    after(async () => {
      expect(await everywhere()).to.equal(outside);
      expect(await processOf(), 'it never had to be started again').to.equal(process);
      await node().run(['sh', '-c', `rm -f ${folder}/liferaft_${someHost}.*`]);
    });

    for (const [kind, what] of [
      ['escapes', 'entries that lead out of the folder'],
      ['kinds', 'links, devices and other things that are no file'],
      ['headers', 'headers that say two things'],
      ['contents', 'other files than in the manifest'],
    ] as const) {
      it(`are refused for ${what}`, async () => {
        for (const archive of hostileArchives[kind]) {
          const { json, status } = await put(archive);
          expect([status, (json as { code: string }).code], archive.what).to.deep.equal([
            422,
            'liferaft_invalid',
          ]);
        }
      });
    }

    it('are refused for a liferaft cut off or with a bit flipped at each 1 % of its length', async () => {
      const files = { '/etc/hostname': 'node-a\n', '/etc/more': randomBytes(20_000) };
      const { bytes, digest } = liferaftOf({ generation: 2, files });
      for (let percent = 0; percent < 100; percent += 1) {
        const place = Math.floor((bytes.length * percent) / 100);
        const flipped = Buffer.from(bytes);
        flipped.writeUInt8(flipped.readUInt8(place) ^ (1 << (percent % 8)), place);
        await expectRefused(422, 'liferaft_invalid', { bytes: flipped, digest });
        // Announced as shorter, and cut short while it is sent.
        const cut = bytes.subarray(0, place);
        if (place > 0) await expectRefused(422, 'liferaft_invalid', { bytes: cut, digest });
        await hangUpAfter(cut, { digest, size: bytes.length });
      }
    });

    it('are refused for bombs, by size, by number and by ratio', async () => {
      const { bytes, digest } = liferaftOf({
        generation: 2,
        files: { '/etc/zeros': Buffer.alloc(500_000) },
      });
      await expectRefused(422, 'liferaft_invalid', { bytes: gzipSync(bytes), digest });
      await hangUpAfter(Buffer.alloc(0), { digest, size: 2 ** 40 }, 413);
      const huge = hostileArchives.sizes;
      await expectRefused(413, 'liferaft_too_large', huge, { size: huge.bytes.length });
      await expectRefused(422, 'liferaft_invalid', hostileArchives.paths);
    });

    it("are refused for another host's liferaft, and for a former one", async () => {
      const another = liferaftOf({ host: { id: 'ae82a9a2' }, generation: 2 });
      await expectRefused(403, 'liferaft_of_another_host', another);
      await expectRefused(409, 'liferaft_older', former);
      await expectRefused(409, 'liferaft_older', former, { rebuilt: true });
      const lineage = 'f'.repeat(32);
      await expectRefused(409, 'liferaft_older', liferaftOf({ generation: 9, lineage }));
    });

    it('are not let in with another key, with none, or by another protocol', async () => {
      const made = liferaftOf({ generation: 2 });
      const wrong = credentialsOf(someHost, randomBytes(256));
      const named = { ...wrong, identity: credentials.identity };
      const nameless = { ...credentials, identity: someHost };
      for (const each of [wrong, named, nameless]) {
        await expectNoAnswer(put(made, { credentials: each }));
      }
      const host = node().address;
      const ask = (request: http.ClientRequest) =>
        new Promise((resolve, reject) => {
          request.once('response', resolve).once('error', reject).end();
        });
      const where = { host, port, path: '/v1/liferaft', agent: false };
      await expectNoAnswer(ask(http.request(where)));
      await expectNoAnswer(ask(https.request({ ...where, rejectUnauthorized: false })));
      const old = {
        ...pskOptions(credentials),
        maxVersion: 'TLSv1.2',
        minVersion: 'TLSv1.2',
      } as const;
      await expectNoAnswer(ask(https.request({ ...where, ...old, ciphers: 'PSK' })));
    });

    it(`delay nobody with ${connections} connections at once, silent and slow ones`, async () => {
      const host = node().address;
      const silent = Array.from({ length: connections / 2 }, () => tls.connect({ host, port }));
      const slow = Array.from({ length: connections / 2 }, () =>
        tls.connect({ host, port, ...pskOptions(credentials) }),
      );
      const all = [...silent, ...slow];
      for (const each of all) each.on('error', () => undefined);
      for (const each of slow) {
        each.once('secureConnect', () => {
          each.write('PUT /v1/liferaft HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n');
        });
      }
      await sleep(2000);
      // The liferaft of another host is taken in meanwhile.
      const sound = liferaftOf({ host: { id: '09e3b2bd' } });
      const other = credentialsOf('09e3b2bd', key);
      const answer = await put(sound, { credentials: other });
      expect(answer.status, JSON.stringify(answer.json)).to.equal(200);
      await node().run(['sh', '-c', `rm -f ${folder}/liferaft_09e3b2bd.*`]);
      // None of them stays for long.
      await Promise.race([
        Promise.all(all.filter((each) => !each.destroyed).map((each) => once(each, 'close'))),
        sleep(120_000).then(() => {
          throw new Error('Some are still connected after two minutes.');
        }),
      ]);
      expect((await put(liferaftOf({ generation: 1 }))).status).to.equal(409);
    });

    async function expectNoAnswer(answer: Promise<unknown>): Promise<void> {
      const ended = await answer.then(
        () => 'answered',
        () => 'broken',
      );
      expect(ended).to.equal('broken');
    }

    /** Sends a part and closes the connection, unless an answer comes first. */
    async function hangUpAfter(
      part: Buffer,
      { digest, size }: { digest: string; size: number },
      status?: number,
    ): Promise<void> {
      const request = https.request({
        host: node().address,
        port,
        method: 'PUT',
        path: '/v1/liferaft',
        agent: false,
        ...pskOptions(credentials),
        headers: { 'X-Liferaft-Digest': digest, 'Content-Length': size },
      });
      const answered = new Promise<number | undefined>((resolve) => {
        request.once('response', (response) => {
          resolve(response.statusCode);
        });
        request.once('error', () => {
          resolve(undefined);
        });
      });
      // A request that is refused for its headers is answered before its body could disturb the answer.
      if (part.length === 0) request.flushHeaders();
      else await new Promise((resolve) => request.write(part, resolve));
      if (status !== undefined) expect(await answered).to.equal(status);
      request.destroy();
      await answered;
    }
  });
}
