import { createPrivateKey, X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { type Clients, requestsOf, startClients } from '../../amphora-bench/clients.ts';
import type { Driver } from '../../lab/amphora/driver.ts';
import { ids, listenerPorts } from '../../lab/amphora/life-cycle.ts';
import { tenant } from '../../lab/amphora/networks.ts';
import { type AmphoraNode, textOf } from '../../lab/amphora/lab.ts';
import { ask, type Target } from '../../support/amphora/asking.ts';
import {
  askBesideSlow,
  type HostilePlaces,
  sendFrames,
  sendHostile,
  sentSecrets,
} from '../../support/amphora/hostile.ts';
import { type HostileBody, hostileBodies, sendBody } from '../../support/amphora/hostile-bodies.ts';
import { haproxyLines } from '../../support/fuzz/amphora/bodies.ts';
import type { Bench } from '../bench.ts';
import { plantLinks, removeLinks } from './links.ts';
import { foundSecrets, keyLinesOf } from './secrets.ts';
import { firstOf, targetOf } from './target.ts';

const base = '/var/lib/octavia';
const configuration = '/etc/octavia/amphora-agent.conf';
const marker = '/run/before-the-attack';
const haproxyPath = (node: AmphoraNode, id: string) => `/1.0/loadbalancer/${node.id}/${id}/haproxy`;

/** Hostile input to the agent of a node whose load balancer serves clients meanwhile. */
export function describeHostile(bench: Bench, driver: () => Driver): void {
  describe('with hostile input', () => {
    let target: Target;
    let places: HostilePlaces;
    let clients: Clients;
    let processes = '';
    const keyLines = new Set<string>();
    const noteSent = (text: string) => {
      for (const line of keyLinesOf(text)) keyLines.add(line);
    };
    const node = () => firstOf(bench);

    before(async () => {
      target = await targetOf(bench(), node());
      const agentConfig = await node().run(['cat', configuration]);
      places = { base, certificates: `${base}/certs`, amphora: node().id, agentConfig };
      processes = await processesOf(node());
      await node().run(['touch', marker]);
      clients = startClients(bench(), {
        address: tenant.vip.address,
        port: listenerPorts.http,
        perSecond: 10,
        timeoutMs: 10_000,
        kept: 2,
        downloads: 0,
        download: { bytes: 0, ms: 0 },
      });
    });
    after(() => clients.stop());

    it('in names, configurations, certificates and lists is refused', async function () {
      this.timeout(300_000);
      expect(await sendHostile(target, places, noteSent)).to.deep.equal([]);
      await ask(target, 'DELETE', '/1.0/listeners/hostile');
    });

    it('after a line break behind each word of a configuration of the driver is refused', async function () {
      this.timeout(300_000);
      const own = uploadOf(driver());
      const before = await node().run(['cat', `${base}/${ids.lb}/haproxy.cfg`]);
      const flaws: string[] = [];
      for (const [index, text] of withLineBreaks(own).entries()) {
        const { status, text: answer } = await ask(
          target,
          'PUT',
          haproxyPath(node(), ids.lb),
          text,
        );
        if (status !== 400) flaws.push(`${index}: ${status} ${answer}`);
      }
      expect(flaws).to.deep.equal([]);
      expect(await node().run(['cat', `${base}/${ids.lb}/haproxy.cfg`])).to.equal(before);
    });

    it('in a certificate with a flipped bit at every percent is refused, unless the certificate can be used all the same', async () => {
      const [server] = bench().trust.servers.values();
      const pem = await textOf(server?.pem ?? '');
      noteSent(pem);
      const path = '/1.0/loadbalancer/flipped/certificates/a.pem';
      const flaws: string[] = [];
      for (let percent = 0; percent < 100; percent += 1) {
        const bytes = flippedAt(pem, percent);
        const { status, text } = await ask(target, 'PUT', path, bytes);
        if (status === 400 || (status === 201 && isPair(bytes.toString('latin1')))) continue;
        flaws.push(`${percent} %: ${status} ${text}`);
      }
      expect(flaws).to.deep.equal([]);
      await ask(target, 'DELETE', '/1.0/listeners/flipped');
    });

    it('in a framing of two meanings is refused', async () => {
      expect(await sendFrames(target)).to.deep.equal([]);
    });

    it('in bodies that are endless, huge, slow, compressed or cut off ends with a 400 or the connection', async function () {
      this.timeout(200_000);
      const path = haproxyPath(node(), 'bodies');
      const flaws: string[] = [];
      const send = async ([what, body]: [string, HostileBody]) => {
        const { answer, isEnded, sent } = await sendBody(target, path, body, 150_000);
        const isRefused = answer === '' || /^HTTP\/1\.1 4(?:00|08|31) /.test(answer);
        // Without a limit, a gigabyte would have been read.
        if (isEnded && isRefused && sent < 64 * 1024 * 1024) return;
        flaws.push(`${what}: ${isEnded ? '' : 'open, '}${sent} bytes, ${answer.slice(0, 200)}`);
      };
      // Large bodies at the same time would get a 503.
      const isSlow = ([, { everyMs }]: [string, HostileBody]) => everyMs !== undefined;
      const all = Object.entries(hostileBodies());
      const slowOnes = Promise.all(all.filter(isSlow).map(send));
      for (const each of all) if (!isSlow(each)) await send(each);
      await slowOnes;
      expect(flaws).to.deep.equal([]);
    });

    it('on 200 slow connections holds up nobody', async () => {
      expect(await askBesideSlow(target, 200)).to.deep.equal([200, 400]);
    });

    it('through links below the folder of the agent reaches nothing', async () => {
      await node().run(['sh', '-euc', plantLinks]);
      try {
        const [server] = bench().trust.servers.values();
        const pem = await textOf(server?.pem ?? '');
        const config = uploadOf(driver());
        const flaws: string[] = [];
        for (const id of ['linked', 'planted']) {
          const sent: [string, string, string][] = [
            ['PUT', haproxyPath(node(), id), config.replaceAll(ids.lb, id)],
            ['GET', `/1.0/loadbalancer/${id}/haproxy`, ''],
            ['PUT', `/1.0/loadbalancer/${id}/certificates/a.pem`, pem],
            ['GET', `/1.0/loadbalancer/${id}/certificates/a.pem`, ''],
            ['DELETE', `/1.0/loadbalancer/${id}/certificates/a.pem`, ''],
            ['PUT', `/1.0/loadbalancer/${id}/start`, ''],
            ['GET', `/1.0/listeners/${id}/udp_listener`, ''],
            ['GET', '/1.0/listeners', ''],
            ['DELETE', `/1.0/listeners/${id}`, ''],
          ];
          for (const [method, path, body] of sent) {
            const { status, text } = await ask(target, method, path, body);
            if (text.includes('untouched')) flaws.push(`${method} ${path}: ${status} ${text}`);
          }
        }
        expect(flaws).to.deep.equal([]);
        const left = await node().run(['sh', '-euc', 'ls -A /root/targets; cat /root/targets/*']);
        expect(left).to.equal('file\nuntouched\n');
      } finally {
        await node().run(['sh', '-euc', removeLinks]);
      }
    });

    it('writes nothing outside of its own place', async () => {
      const found = await node().run([
        ...(['find', '/', '/run', '/tmp', '/dev/shm', '-xdev', '-type', 'f'] as const),
        ...['-newer', marker, '-printf', '%p\\n'],
      ]);
      const foreign = found.split('\n').filter((path) => path !== '' && !isOwnPlace(path));
      expect([...new Set(foreign)]).to.deep.equal([]);
    });

    it('leaves no owner, and what ran runs on', async () => {
      expect(await processesOf(node())).to.equal(processes);
      const { text } = await ask(target, 'GET', '/1.0/listeners');
      const listeners = JSON.parse(text) as { uuid: string; status: string }[];
      expect(listeners.map(({ uuid, status }) => [uuid, status])).to.deep.equal(
        [ids.http, ids.tcp, ids.https].map((id) => [id, 'ACTIVE']),
      );
      await sleep(1000);
      const requests = [
        ...requestsOf(clients.events, 'new'),
        ...requestsOf(clients.events, 'kept'),
      ];
      const failed = requests.filter(({ failure }) => failure !== undefined);
      expect(failed).to.deep.equal([]);
      expect(requests).to.have.length.above(100);
    });

    it('puts no key or secret into the journal, the audit log, metrics, hactl or a file for all', async () => {
      const key = places.agentConfig.replace(
        /heartbeat_key.*/,
        `heartbeat_key = ${sentSecrets.heartbeatKey}`,
      );
      expect((await ask(target, 'PUT', '/1.0/config', key)).status).to.equal(202);
      expect((await ask(target, 'PUT', '/1.0/config', places.agentConfig)).status).to.equal(202);
      for (const { exchanges } of driver().history) {
        for (const { sent } of exchanges) if (sent !== undefined) noteSent(sent);
      }
      expect(keyLines.size).to.be.above(20);
      const secrets = [
        ...Object.values(sentSecrets),
        bench().heartbeatKey,
        vrrpSecretOf(driver()),
        'PRIVATE KEY-----',
        ...keyLines,
      ];
      expect(await foundSecrets(node(), secrets)).to.deep.equal([]);
      // The same search finds what is no secret.
      const found = (await foundSecrets(node(), [ids.lb])).join();
      expect(found).to.match(/journal.*audit log.*hactl audit.*hactl amphora status.*show.*status/);
    });
  });
}

/** The haproxy.cfg that the driver has sent last to the first amphora. */
function uploadOf({ history }: Driver): string {
  const sent = history
    .flatMap(({ exchanges }) => exchanges)
    .findLast(({ method, path }) => method === 'PUT' && path.endsWith('/haproxy'))?.sent;
  if (sent === undefined) throw new Error('The driver has sent no haproxy.cfg.');
  return sent;
}

function vrrpSecretOf({ history }: Driver): string {
  const sent = history
    .flatMap(({ exchanges }) => exchanges)
    .find(({ path }) => path.endsWith('/vrrp/upload'))?.sent;
  const [, secret] = /auth_pass (\S+)/.exec(sent ?? '') ?? [];
  if (secret === undefined) throw new Error('The driver has sent no secret of VRRP.');
  return secret;
}

/** One text for each word, in which a line break and a directive follow it. */
function withLineBreaks(text: string): string[] {
  const ends = [...text.matchAll(/\S+/g)].map(({ index, 0: word }) => index + word.length);
  return ends.map((end, index) => {
    const line = haproxyLines[index % haproxyLines.length] ?? '';
    return `${text.slice(0, end)}\n    ${line}\n${text.slice(end)}`;
  });
}

function flippedAt(pem: string, percent: number): Buffer {
  const bytes = Buffer.from(pem);
  const at = Math.floor((bytes.length * percent) / 100);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (percent % 8));
  return bytes;
}

/** Whether a PEM still has a certificate and its key: a flipped bit may hit a signature, or the text around both. */
function isPair(pem: string): boolean {
  try {
    return new X509Certificate(pem).checkPrivateKey(createPrivateKey(pem));
  } catch {
    return false;
  }
}

/** What the agent writes, and what a running system writes without it. */
function isOwnPlace(path: string): boolean {
  return (
    /^\/var\/lib\/octavia\/(?:stats_counters\.json|topology\.json|ha-amphora\.env)$/.test(path) ||
    /^\/var\/lib\/octavia\/vrrp\/(?:octavia-keepalived\.conf\.new-failed|check_script)/.test(
      path,
    ) ||
    path.startsWith('/var/lib/octavia/vrrp/check_scripts/') ||
    path === '/var/lib/octavia/lvs/check/udp_check.sh' ||
    path === `${base}/${ids.lb}/haproxy.cfg.new-failed` ||
    path === `${base}/${ids.lb}/servers-state` ||
    path.startsWith('/var/lib/ha-agent/') ||
    path.startsWith('/run/') ||
    path.startsWith('/var/log/') ||
    path.startsWith('/var/lib/systemd/') ||
    path.startsWith('/var/tmp/systemd-private-') ||
    path.startsWith('/tmp/systemd-private-') ||
    path === '/etc/octavia/amphora-agent.conf'
  );
}

/** The processes of the agent, haproxy and keepalived, with how often systemd has restarted them. */
function processesOf(node: AmphoraNode): Promise<string> {
  return node.run([
    ...(['systemctl', 'show', '--property=Id,MainPID,NRestarts,ActiveState'] as const),
    ...['ha-amphora.service', `amphora-haproxy@${ids.lb}.service`, 'amphora-keepalived.service'],
  ]);
}
