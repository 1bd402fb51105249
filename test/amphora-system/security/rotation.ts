import { createHash, X509Certificate } from 'node:crypto';
import https from 'node:https';
import { join } from 'node:path';
import tls from 'node:tls';

import { expect } from 'chai';

import { type Identity, makeIdentity, serverOf } from '../../lab/amphora/certificates.ts';
import { type AmphoraNode, textOf } from '../../lab/amphora/lab.ts';
import { ask, type Target } from '../../support/amphora/asking.ts';
import type { Suite } from '../../lab/root.ts';
import type { Bench } from '../bench.ts';
import { firstOf, targetOf } from './target.ts';

const perSecond = 20;
const rotations = 5;
const place = '/etc/octavia/certs/server.pem';

/** Rotations of the certificate that the agent shows to the controller. */
export function describeRotation(bench: Bench, drivers: readonly Suite[]): void {
  describe("a rotation of the agent's certificate", () => {
    let target: Target;
    const folder = () => join(bench().folder, 'rotation');
    const issued = (name: string, issuer = bench().trust.authority) =>
      makeIdentity(folder(), serverOf(firstOf(bench).id, name), issuer);
    const send = async (pem: string) => ask(target, 'PUT', '/1.0/certificate', pem);
    before(async () => {
      target = await targetOf(bench(), firstOf(bench));
    });

    it(`fails no request of ${perSecond} a second, and the next handshake has the new one`, async function () {
      this.timeout(120_000);
      const all = await Promise.all(
        Array.from({ length: rotations }, (_each, index) => issued(`next-${index}`)),
      );
      const load = startRequests(target);
      try {
        for (const next of all) {
          await load.untilMore(perSecond);
          expect((await send(await textOf(next.pem))).status).to.equal(202);
          expect(await shownBy(target)).to.equal(await printOf(next));
        }
        await load.untilMore(perSecond);
      } finally {
        await load.stop();
      }
      expect(load.failures).to.deep.equal([]);
      expect(load.done()).to.be.above(rotations * perSecond);
    });

    it('with a broken, foreign, mismatched, expired or empty PEM is refused, and the old one stays', async () => {
      const node = firstOf(bench);
      const next = await issued('refused');
      const other = await issued('other');
      const [certificate, key] = [await textOf(next.certificate), await textOf(next.key)];
      const { trust } = bench();
      const foreign = await makeIdentity(folder(), serverOf('foreign', 'foreign'), trust.authority);
      const wish = { ...serverOf(node.id, 'expired'), days: -1 };
      const expired = await makeIdentity(folder(), wish, trust.authority);
      const refused: Record<string, string> = {
        empty: '',
        'no PEM': 'x',
        'a certificate alone': certificate,
        'a key alone': key,
        'two keys': certificate + key + (await textOf(other.key)),
        'a mismatch': certificate + (await textOf(other.key)),
        'cut off': (certificate + key).slice(0, -100),
        'another amphora': await textOf(foreign.pem),
        expired: await textOf(expired.pem),
      };
      const before = await stateOf(node, target);
      const flaws: string[] = [];
      for (const [what, pem] of [...Object.entries(refused), ...flipped(certificate + key)]) {
        const { status, text } = await send(pem);
        if (status !== 400) flaws.push(`${what}: ${status} ${text}`);
      }
      expect(flaws).to.deep.equal([]);
      expect(await stateOf(node, target)).to.deep.equal(before);
    });

    for (const suite of drivers) {
      const isTaken = suite !== 'trixie';
      it(`to one without a subjectAltName is ${isTaken ? 'taken' : 'refused'} by the driver of ${suite}`, async () => {
        const { id: commonName } = firstOf(bench);
        const wish = { name: 'common-name', commonName, use: 'serverAuth' } as const;
        const alone = await makeIdentity(folder(), wish, bench().trust.authority);
        const again = await issued('with-name');
        const driver = await bench().driver(suite, { maxRetries: 1 });
        try {
          // The driver keeps connections, so it has none before.
          expect((await send(await textOf(alone.pem))).status).to.equal(202);
          const { error } = await driver.attempt({ do: 'discover' });
          expect(error === undefined, error).to.equal(isTaken);
        } finally {
          expect((await send(await textOf(again.pem))).status).to.equal(202);
          await driver.close();
        }
      });
    }

    it('on a full disk is refused, and the old one stays', async () => {
      const node = firstOf(bench);
      const next = await issued('too-late');
      const before = await stateOf(node, target);
      await node.run(['sh', '-euc', fillDisk]);
      try {
        const { status, text } = await send(await textOf(next.pem));
        expect([status, text]).to.deep.equal([500, text]);
        expect(text).to.include('no_space');
        expect(await stateOf(node, target)).to.deep.equal(before);
      } finally {
        await node.run(['umount', '/etc/octavia/certs']);
      }
      expect((await send(await textOf(next.pem))).status).to.equal(202);
      expect(await shownBy(target)).to.equal(await printOf(next));
    });
  });
}

/** Puts the certificates on a disk of their own that has no room left. */
const fillDisk = `cp -a /etc/octavia/certs /tmp/certs
mount -t tmpfs -o size=64k,mode=755 full /etc/octavia/certs
cp -a /tmp/certs/. /etc/octavia/certs/
rm -r /tmp/certs
dd if=/dev/zero of=/etc/octavia/certs/full bs=4k 2>/dev/null || true`;

/** A bit flipped at every percent of a PEM, where that makes it unusable. */
function flipped(pem: string): [string, string][] {
  const all = Array.from({ length: 100 }, (_each, percent): [string, string] => {
    const bytes = Buffer.from(pem);
    const at = Math.floor((bytes.length * percent) / 100);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (percent % 8));
    return [`a bit at ${percent} %`, bytes.toString('latin1')];
  });
  return all.filter(([, text]) => !isUsable(text));
}

function isUsable(pem: string): boolean {
  try {
    tls.createSecureContext({ cert: pem, key: pem });
    return true;
  } catch {
    return false;
  }
}

/** The file, and what a handshake shows. */
async function stateOf(node: AmphoraNode, target: Target): Promise<string[]> {
  const { stdout } = await node.exec(['cat', place]);
  return [createHash('sha256').update(stdout).digest('hex'), await shownBy(target)];
}

const printOf = async ({ certificate }: Identity): Promise<string> =>
  new X509Certificate(await textOf(certificate)).fingerprint256;

/** The fingerprint of the certificate that the agent shows in a handshake. */
function shownBy({ credentials, ...place }: Target): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ ...place, ...credentials }, () => {
      const shown = socket.getPeerX509Certificate()?.fingerprint256 ?? '';
      socket.destroy();
      resolve(shown);
    });
    socket.on('error', reject);
  });
}

/** Asks at a fixed rate, by connections of their own and reused ones in turn. */
function startRequests({ credentials, ...place }: Target) {
  const reusing = new https.Agent({ keepAlive: true, maxSockets: 4 });
  const failures: string[] = [];
  const open = new Set<Promise<void>>();
  let started = 0;
  let done = 0;
  const once = (agent: https.Agent | false) =>
    new Promise<void>((resolve) => {
      const options = { ...place, ...credentials, path: '/1.0/info', agent };
      const fail = (error: Error) => {
        failures.push(error.message);
        resolve();
      };
      const request = https.get(options, (response) => {
        response.resume().on('error', fail);
        response.on('end', () => {
          if (response.statusCode !== 200) failures.push(`status ${response.statusCode ?? 0}`);
          done += 1;
          resolve();
        });
      });
      request.setTimeout(30_000, () => request.destroy(new Error('no answer in 30 s')));
      request.on('error', fail);
    });
  const timer = setInterval(() => {
    started += 1;
    const one = once(started % 2 === 0 && reusing);
    open.add(one);
    void one.then(() => open.delete(one));
  }, 1000 / perSecond);
  return {
    failures,
    done: () => done,
    async untilMore(count: number): Promise<void> {
      const goal = done + count;
      while (done < goal && failures.length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async stop(): Promise<void> {
      clearInterval(timer);
      await Promise.all(open);
      reusing.destroy();
    },
  };
}
