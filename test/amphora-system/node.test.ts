// Nodes of a controller on real Debians: orders by client certificate, reports, and damage that heals by itself.
//   npm run package; HA_NODE_SUITE=trixie npx mocha --no-config --node-option import=tsx --timeout 400000 FILE
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { digestOf } from '../../src/keepalived/digest.ts';
import type { KeepalivedReport, Orders } from '../../src/keepalived/report.ts';
import type { WantedInstance } from '../../src/keepalived/wanted.ts';
import { makeIdentity } from '../lab/amphora/certificates.ts';
import { type AmphoraLab, type AmphoraNode, upAmphorae } from '../lab/amphora/lab.ts';
import { builtPackage } from '../lab/built-package.ts';
import { down } from '../lab/lab.ts';
import { progressOnStderr } from '../lab/progress.ts';
import { type Suite, suites } from '../lab/root.ts';
import { waitUntil } from '../lab/wait.ts';
import { tcpCheck, wantedInstance, wantedInstance6 } from '../support/wanted.ts';

const suite = (process.env['HA_NODE_SUITE'] ?? 'bookworm') as Suite;
if (!suites.includes(suite)) throw new Error(`HA_NODE_SUITE is one of ${suites.join(', ')}.`);
const labName = `node-${suite}`;
/** The bar of the truth under damage. */
const soon = { deadlineMs: 15_000, everyMs: 100 };

interface Answer {
  status: number;
  body: unknown;
}

interface Credentials {
  ca: string;
  cert: string;
  key: string;
}

describe(`a node of a controller on ${suite}`, () => {
  let folder: string;
  let lab: AmphoraLab;
  let node: AmphoraNode;
  let other: AmphoraNode;
  let controller: Credentials;
  let card: string;
  const revisions = new Map<string, number>();

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ha-agent-node-'));
    lab = await upAmphorae({
      name: labName,
      suite,
      nodes: 2,
      agent: 'none',
      progress: progressOnStderr,
    });
    [node, other] = lab.nodes as [AmphoraNode, AmphoraNode];
    const authority = await makeIdentity(folder, {
      name: 'authority',
      commonName: 'ha-controller',
      isAuthority: true,
      algorithm: 'ec',
    });
    const client = await makeIdentity(
      folder,
      { name: 'client', commonName: 'controller', use: 'clientAuth', algorithm: 'ec' },
      authority,
    );
    const texts = [authority.certificate, client.certificate, client.key];
    const [ca = '', cert = '', key = ''] = await Promise.all(
      texts.map((file) => readFile(file, 'utf8')),
    );
    controller = { ca, cert, key };
    for (const each of lab.nodes) {
      const server = await makeIdentity(
        folder,
        { name: each.name, commonName: each.name, use: 'serverAuth', algorithm: 'ec' },
        authority,
      );
      await each.install(await builtPackage());
      await each.run(['mkdir', '-p', '/etc/ha-agent/node']);
      const files = {
        key: server.key,
        certificate: server.certificate,
        authority: authority.certificate,
      };
      for (const [name, file] of Object.entries(files)) {
        await each.writeFile(`/etc/ha-agent/node/${name}.pem`, await readFile(file), 0o600);
      }
      await each.writeFile('/etc/ha-agent/node.json', JSON.stringify({ name: each.name }), 0o600);
      await each.run(['systemctl', 'enable', '--now', 'ha-amphora']);
    }
    const links = await node.run(['ip', '-o', '-4', 'address', 'show']);
    card =
      links
        .split('\n')
        .find((line) => line.includes(` ${node.address}/`))
        ?.split(/\s+/)[1] ?? '';
    for (const each of lab.nodes) {
      await each.run(['ip', 'address', 'add', `fd79::${numberOf(each)}/64`, 'dev', card, 'nodad']);
    }
  });

  after(async () => {
    await down(labName);
    await rm(folder, { recursive: true, force: true });
  });

  const numberOf = (of: AmphoraNode) => lab.nodes.indexOf(of) + 1;
  const peerOf = (of: AmphoraNode) => (of === node ? other : node);

  const ask = (of: AmphoraNode, method: string, path: string, body?: object) =>
    new Promise<Answer>((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const request = https.request(
        {
          ...controller,
          host: of.address,
          port: 9443,
          method,
          path,
          agent: false,
          headers: text === undefined ? {} : { 'Content-Type': 'application/json' },
          checkServerIdentity: () => undefined,
        },
        (response) => {
          const pieces: Buffer[] = [];
          response.on('data', (piece: Buffer) => pieces.push(piece));
          response.on('error', reject);
          response.on('end', () => {
            const answered = Buffer.concat(pieces).toString('utf8');
            resolve({ status: response.statusCode ?? 0, body: JSON.parse(answered) as unknown });
          });
        },
      );
      request.setTimeout(60_000, () => request.destroy(new Error('no answer')));
      request.on('error', reject);
      request.end(text);
    });

  const report = async (of = node) =>
    (await ask(of, 'GET', '/node/1.0/keepalived')).body as KeepalivedReport;
  const order = (
    of: AmphoraNode,
    instances: readonly WantedInstance[],
    more: Partial<Orders> = {},
  ) => {
    const revision = more.revision ?? (revisions.get(of.name) ?? 0) + 1;
    revisions.set(of.name, Math.max(revision, revisions.get(of.name) ?? 0));
    const wanted = { instances };
    const orders = { store: 'store-1', epoch: 1, revision, digest: digestOf(wanted), ...more };
    return ask(of, 'PUT', '/node/1.0/keepalived', { orders, wanted, watch: [card] });
  };
  const subnet = () => node.address.replace(/\.\d+$/, '');
  const vip = () => `${subnet()}.200/24`;
  const pair = (of: AmphoraNode, more: Partial<WantedInstance> = {}): WantedInstance[] => {
    const common = {
      interface: card,
      priority: 200 - 50 * numberOf(of),
      interval: 0.5,
      syncGroup: 'vg_1',
    };
    return [
      wantedInstance({
        ...common,
        addresses: [vip()],
        source: of.address,
        peers: [peerOf(of).address],
        ...more,
      }),
      wantedInstance6({
        ...common,
        addresses: ['fd79::200/64'],
        source: `fd79::${numberOf(of)}`,
        peers: [`fd79::${numberOf(peerOf(of))}`],
        ...more,
      }),
    ];
  };
  const statesOf = async (of = node) =>
    (await report(of)).instances.map(({ state }) => state).join(' ');
  const untilStates = (states: string, of = node) =>
    waitUntil(`${states} on ${of.name}`, async () => (await statesOf(of)) === states, soon);
  const untilTrouble = (text: RegExp, of = node) =>
    waitUntil(
      `a trouble ${text.source}`,
      async () => (await report(of)).troubles.some((each) => text.test(each)),
      soon,
    );
  const untilWell = async (of = node) => {
    await waitUntil(
      'no trouble',
      async () => {
        const { troubles } = await report(of);
        if (troubles.length > 0) throw new Error(troubles.join('\n'));
        return true;
      },
      soon,
    );
  };
  const hasVip = async (of = node) =>
    (await of.run(['ip', '-o', 'address', 'show', 'dev', card])).includes(` ${vip()} `);

  it('answers its controller, and nobody without a certificate', async () => {
    const { status, body } = await ask(node, 'GET', '/node/1.0/');
    expect(status).to.equal(200);
    expect(body).to.deep.include({ name: node.name, adopted: null });
    const url = `https://${node.address}:9443/node/1.0/`;
    const refused = new Promise<Error>((resolve, reject) => {
      const options = { ca: controller.ca, agent: false, checkServerIdentity: () => undefined };
      https
        .get(url, options, () => {
          reject(new Error('It was answered.'));
        })
        .on('error', resolve);
    });
    expect(await refused).to.be.instanceOf(Error);
  });

  it('has one master within 5 s, whose addresses answer', async () => {
    const startedAt = performance.now();
    const answers = await Promise.all(lab.nodes.map((each) => order(each, pair(each))));
    expect(answers.map(({ status, body }) => [status, JSON.stringify(body)])).to.satisfy(
      (all: [number, string][]) => all.every(([status]) => status === 200),
      JSON.stringify(answers),
    );
    await untilStates('MASTER MASTER');
    console.log(`      master after ${Math.round(performance.now() - startedAt)} ms`);
    await untilStates('BACKUP BACKUP', other);
    expect(await hasVip()).to.equal(true);
    expect(await hasVip(other)).to.equal(false);
    const { running, instances } = await report();
    expect(running?.store).to.equal('store-1');
    expect(instances.map(({ addresses }) => addresses)).to.deep.equal([[vip()], ['fd79::200/64']]);
    await untilWell();
    await untilWell(other);
  });

  it('lets VRRP in only from the peers', async () => {
    const table = await node.run(['nft', 'list', 'table', 'inet', 'ha_node']);
    expect(table).to.include(other.address);
    expect(table).to.match(/drop/);
    expect(await node.run(['cat', '/proc/sys/net/ipv4/ip_nonlocal_bind'])).to.equal('1\n');
  });

  it('refuses faulty orders without a transition', async () => {
    const before = (await report()).instances;
    const faulty: [string, Promise<Answer>][] = [
      ['node_orders_foreign', order(node, [], { store: 'store-2', revision: 2 })],
      ['node_orders_stale', order(node, [], { revision: 0 })],
      [
        'node_configuration_refused',
        order(node, pair(node, { interface: 'eth9' }), { revision: 3 }),
      ],
      ['invalid_request', order(node, pair(node, { priority: 255 }), { revision: 3 })],
    ];
    for (const [code, asked] of faulty) expect((await asked).body).to.include({ code });
    expect((await report()).instances).to.deep.equal(before);
  });

  it('takes over a change without a transition of what stays', async () => {
    const before = (await report()).instances;
    const more = wantedInstance({
      name: 'vg_2',
      routerId: 2,
      interface: card,
      addresses: [`${subnet()}.201/24`],
      source: node.address,
      peers: [other.address],
      interval: 0.5,
    });
    expect((await order(node, [...pair(node), more])).status).to.equal(200);
    await untilStates('MASTER MASTER MASTER');
    expect((await order(node, pair(node))).status).to.equal(200);
    expect((await report()).instances).to.deep.equal(before);
  });

  const kills: [what: string, command: string][] = [
    ['the parent', 'kill -9 $(cat /run/ha-keepalived/keepalived.pid)'],
    ['the child', 'kill -9 $(cat /run/ha-keepalived/vrrp.pid)'],
    ['both', 'kill -9 $(cat /run/ha-keepalived/keepalived.pid /run/ha-keepalived/vrrp.pid)'],
    ['the agent', 'systemctl kill --signal=KILL ha-amphora'],
    ['all', 'systemctl kill --signal=KILL ha-amphora ha-keepalived'],
  ];
  for (const [what, command] of kills) {
    it(`is right again after a kill of ${what} of keepalived and its agent`, async () => {
      await node.run(['sh', '-c', command]);
      // The reports may still be those from before the kill.
      const isRight = async () =>
        (await statesOf()) === 'MASTER MASTER' &&
        (await statesOf(other)) === 'BACKUP BACKUP' &&
        (await hasVip()) &&
        !(await hasVip(other));
      await sleep(3000);
      await waitUntil('all to be right', isRight, soon);
      await untilWell();
    });
  }

  it('says that keepalived is stopped, and is right when it goes on', async () => {
    await node.run(['sh', '-c', 'kill -STOP $(cat /run/ha-keepalived/vrrp.pid)']);
    await untilTrouble(/stopped by a signal/);
    await untilStates('MASTER MASTER', other);
    await waitUntil('the sweep', async () => !(await hasVip()), soon);
    await node.run(['sh', '-c', 'kill -CONT $(cat /run/ha-keepalived/vrrp.pid)']);
    await untilStates('MASTER MASTER');
    await untilStates('BACKUP BACKUP', other);
    await waitUntil('the address', () => hasVip(), soon);
    await untilWell();
  });

  it('puts its file and its addresses back', async () => {
    const file = '/var/lib/ha-node/keepalived/keepalived.conf';
    const before = await node.run(['cat', file]);
    await node.writeFile(file, 'vrrp_instance x {\n', 0o600);
    await untilTrouble(/replaced by somebody/);
    await waitUntil('the file', async () => (await node.run(['cat', file])) === before, soon);
    for (const address of [vip(), 'fd79::200/64']) {
      await node.run(['ip', 'address', 'delete', address, 'dev', card]);
      await waitUntil(
        address,
        async () => (await node.run(['ip', '-o', 'address'])).includes(` ${address} `),
        soon,
      );
    }
    await other.run(['ip', 'address', 'add', vip(), 'dev', card]);
    await waitUntil('the sweep', async () => !(await hasVip(other)), soon);
    await untilStates('MASTER MASTER');
  });

  it('says that its check fails, and yields', async () => {
    const check = { ...tcpCheck, port: 8089 };
    expect((await order(node, pair(node, { check }))).status).to.equal(200);
    await untilStates('MASTER MASTER', other);
    await untilStates('BACKUP BACKUP');
    expect((await order(node, pair(node))).status).to.equal(200);
    await untilStates('MASTER MASTER');
  });

  it('runs again after a power cut, without its controller', async () => {
    await node.crash();
    await untilStates('MASTER MASTER', other);
    await node.boot();
    await node.run(['ip', 'address', 'add', `fd79::1/64`, 'dev', card, 'nodad']);
    await waitUntil(
      'the agent',
      async () => (await ask(node, 'GET', '/node/1.0/')).status === 200,
      {
        deadlineMs: 60_000,
      },
    );
    await waitUntil(
      'the master',
      async () => {
        if ((await statesOf()) === 'MASTER MASTER') return true;
        throw new Error(JSON.stringify(await report()));
      },
      { deadlineMs: 30_000 },
    ).catch(async (error: unknown) => {
      const unit = [
        'journalctl',
        '--boot',
        '--no-pager',
        '--unit',
        'ha-keepalived',
        '--unit',
        'ha-amphora',
      ];
      throw new Error(await node.run(unit as [string, ...string[]]), { cause: error });
    });
    await untilStates('BACKUP BACKUP', other);
  });

  it('renews its certificate, and uses it for the next connection', async () => {
    const { status, body } = await ask(node, 'POST', '/node/1.0/certificate-request');
    expect(status).to.equal(200);
    expect((body as { request: string }).request).to.match(/^-----BEGIN CERTIFICATE REQUEST-----/);
    const refused = { certificate: controller.cert, authority: controller.ca };
    const answer = await ask(node, 'PUT', '/node/1.0/certificate', refused);
    expect(answer.body).to.include({ code: 'node_certificate_refused' });
    expect((await ask(node, 'GET', '/node/1.0/')).status).to.equal(200);
  });

  it('leaves nothing behind when it leaves', async () => {
    const { running } = await report();
    const { status } = await ask(node, 'POST', '/node/1.0/leave', { orders: { ...running } });
    expect(status).to.equal(200);
    expect(await hasVip()).to.equal(false);
    const isOff = async () =>
      (await node.exec(['systemctl', 'is-active', 'ha-amphora'])).stdout.trim() === 'inactive';
    await waitUntil('the agent to be off', isOff, soon);
    expect((await node.exec(['systemctl', 'is-active', 'ha-keepalived'])).stdout.trim()).to.equal(
      'inactive',
    );
    expect((await node.exec(['ls', '/etc/ha-agent/node.json'])).exitCode).not.to.equal(0);
    await untilStates('MASTER MASTER', other);
  });
});
