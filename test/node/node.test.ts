import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import type { KeepalivedReport } from '../../src/keepalived/report.ts';
import type { WantedInstance } from '../../src/keepalived/wanted.ts';
import { installPackages } from '../lab/host.ts';
import { waitUntil } from '../lab/wait.ts';
import { makeNodes, type TestNode } from '../support/node/lab.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tcpCheck, wantedInstance, wantedInstance6 } from '../support/wanted.ts';

const soon = { deadlineMs: 30_000, everyMs: 50 };

/** An instance of the nodes of `makeNodes`, as the node of that number runs it. */
function instanceOn(number: number, more: Partial<WantedInstance> = {}): WantedInstance {
  return wantedInstance({
    priority: 200 - number,
    addresses: ['10.78.0.100/24'],
    source: `10.78.0.${number}`,
    peers: [`10.78.0.${3 - number}`],
    interval: 0.2,
    ...more,
  });
}

function instance6On(number: number, more: Partial<WantedInstance> = {}): WantedInstance {
  return wantedInstance6({
    priority: 200 - number,
    addresses: ['fd78::100/64'],
    source: `fd78::${number}`,
    peers: [`fd78::${3 - number}`],
    interval: 0.2,
    ...more,
  });
}

describe('a node of a controller', () => {
  const folder = temporaryFolder();
  let nodes: Awaited<ReturnType<typeof makeNodes>>;
  let node: TestNode;
  let other: TestNode;
  before(() => installPackages(['keepalived', 'iproute2'], () => undefined));
  beforeEach(async () => {
    nodes = await makeNodes(folder.path);
    [node, other] = nodes.nodes as [TestNode, TestNode];
    await node.start();
  });
  afterEach(() => nodes.remove());

  const untilState = (of: TestNode, name: string, state: string) =>
    waitUntil(`${name} to be ${state}`, async () => (await of.stateOf(name)) === state, soon);
  const untilTrouble = (text: RegExp) =>
    waitUntil(
      `a trouble ${text.source}`,
      async () => (await node.report()).troubles.some((each) => text.test(each)),
      soon,
    );
  /** There is no nftables where this test runs. */
  const troubles = async (of = node) =>
    (await of.report()).troubles.filter((each) => !each.startsWith('nftables '));
  const untilWell = async (of = node) => {
    await waitUntil('no trouble', async () => (await troubles(of)).length === 0, soon);
  };
  const isMasterOf = async (of: TestNode, address: string) =>
    (await of.addresses()).includes(address);

  it('asks its link who has an address, without one of its own', async () => {
    const addresses = ['10.78.0.1', '10.78.0.2', 'fd78::2', 'fd78::77'];
    const link = await other.inside('ip', '-o', 'link', 'show', 'dev', 'eth1');
    const [, by] = /link\/ether (\S+)/.exec(link) ?? [];
    const path = '/node/1.0/address-probe';
    const { status, body } = await node.ask('POST', path, { interface: 'eth1', addresses });
    expect(status).to.equal(200);
    expect((body as { used: unknown }).used).to.have.deep.members([
      { address: '10.78.0.2', by },
      { address: 'fd78::2', by },
    ]);
  });

  it('runs what it is ordered, and says so from the first moment on', async () => {
    expect(await node.report()).to.include({ running: null, isAnswering: false });
    const answer = await node.order([instanceOn(1), instance6On(1)]);
    expect(answer).to.deep.include({ status: 200 });
    await untilState(node, 'vg_1', 'MASTER');
    await untilState(node, 'vg_1_v6', 'MASTER');
    const { instances, running, version } = await node.report();
    expect(running).to.include({ store: 'store-1', revision: 1 });
    expect(version).to.match(/^2\./);
    expect(instances.map(({ addresses }) => addresses)).to.deep.equal([
      ['10.78.0.100/24'],
      ['fd78::100/64'],
    ]);
    expect(instances[0]?.since).to.be.closeTo(Date.now(), 60_000);
    expect(await node.addresses()).to.include.members(['10.78.0.100/24', 'fd78::100/64']);
    await untilWell();
    const facts = await node.ask('GET', '/node/1.0/');
    expect(facts.body).to.deep.include({ adopted: { store: 'store-1', epoch: 1 } });
    expect(JSON.stringify(facts.body)).not.to.include('10.78.0.100');
  });

  it('does nothing when it gets the same orders again', async () => {
    await node.order([instanceOn(1)], { revision: 5 });
    await untilState(node, 'vg_1', 'MASTER');
    const before = [await node.config(), await node.keepalivedPid()];
    expect((await node.order([instanceOn(1)], { revision: 5 })).status).to.equal(200);
    expect((await node.order([instanceOn(1)], { revision: 6 })).status).to.equal(200);
    expect([await node.config(), await node.keepalivedPid()]).to.deep.equal(before);
    expect((await node.report()).running?.revision).to.equal(6);
  });

  it('answers a poll as soon as the state changes', async () => {
    await node.order([instanceOn(1, { interval: 1 })]);
    const { sequence, boot } = await node.report();
    const answer = await node.ask('GET', `/node/1.0/keepalived?after=${sequence}&boot=${boot}`);
    expect((answer.body as KeepalivedReport).sequence).to.be.above(sequence);
  });

  it('moves an address to the other node and back, without touching another one', async () => {
    await other.start();
    const second = (number: number) =>
      instanceOn(number, { name: 'vg_2', routerId: 2, addresses: ['10.78.0.102/24'] });
    await node.order([instanceOn(1), second(1)]);
    await other.order([instanceOn(2), second(2)]);
    await untilState(node, 'vg_1', 'MASTER');
    await untilState(node, 'vg_2', 'MASTER');
    await untilState(other, 'vg_1', 'BACKUP');
    const since = (await node.report()).instances[1]?.since;
    await node.order([instanceOn(1, { priority: 10 }), second(1)]);
    await untilState(other, 'vg_1', 'MASTER');
    await untilState(node, 'vg_1', 'BACKUP');
    expect(await isMasterOf(other, '10.78.0.100/24')).to.equal(true);
    expect(await isMasterOf(node, '10.78.0.100/24')).to.equal(false);
    await node.order([second(1)]);
    const [left] = (await node.report()).instances;
    expect(left).to.include({ name: 'vg_2', state: 'MASTER', since });
    await untilWell();
  });

  it('refuses faulty orders, and goes on with the former ones', async () => {
    await node.order([instanceOn(1)], { revision: 5 });
    await untilState(node, 'vg_1', 'MASTER');
    const before = await node.config();
    const since = (await node.report()).instances[0]?.since;
    const faulty: [
      code: string,
      status: number,
      answer: Promise<{ status: number; body: unknown }>,
    ][] = [
      ['node_orders_foreign', 409, node.order([], { store: 'store-2', revision: 9 })],
      ['node_orders_stale', 409, node.order([], { revision: 4 })],
      ['node_orders_stale', 409, node.order([], { revision: 5 })],
      ['node_orders_stale', 409, node.order([], { epoch: 0, revision: 9 })],
      [
        'node_configuration_refused',
        400,
        node.order([instanceOn(1, { interface: 'eth9' })], { revision: 9 }),
      ],
      ['node_configuration_refused', 400, node.order([], { revision: 9, digest: 'a'.repeat(64) })],
      [
        'node_configuration_refused',
        400,
        node.order([instanceOn(1, { addresses: ['10.78.0.1/24'] })], { revision: 9 }),
      ],
      ['invalid_request', 400, node.order([instanceOn(1, { priority: 255 })], { revision: 9 })],
      ['invalid_request', 400, node.ask('PUT', '/node/1.0/keepalived', { orders: {} })],
    ];
    for (const [code, status, asked] of faulty) {
      const { status: answered, body } = await asked;
      expect(body, code).to.include({ code });
      expect(answered, code).to.equal(status);
    }
    expect(await node.config()).to.equal(before);
    const [instance] = (await node.report()).instances;
    expect(instance).to.include({ state: 'MASTER', since });
  });

  it("refuses orders beside the host's own keepalived, and leaves its file alone", async () => {
    const file = join(node.folder, 'host-keepalived.conf');
    await writeFile(file, 'vrrp_instance own {\n}\n');
    const { status, body } = await node.order([instanceOn(1)]);
    expect(status).to.equal(409);
    expect(body).to.include({ code: 'node_keepalived_configured' });
  });

  it('puts its file back if somebody replaces it, and says so', async () => {
    await node.order([instanceOn(1)]);
    await untilState(node, 'vg_1', 'MASTER');
    const file = join(node.folder, 'state/keepalived/keepalived.conf');
    const before = await node.config();
    await writeFile(file, 'vrrp_instance other {\n');
    await untilTrouble(/was replaced by somebody/);
    await waitUntil('the file', async () => (await node.config()) === before, soon);
    await untilState(node, 'vg_1', 'MASTER');
  });

  it('has keepalived run again after it was killed', async () => {
    await node.order([instanceOn(1)]);
    await untilState(node, 'vg_1', 'MASTER');
    await node.inside(
      'sh',
      '-c',
      `kill -9 $(cat ${node.folder}/run/keepalived.pid ${node.folder}/run/vrrp.pid)`,
    );
    await untilTrouble(/does not run|does not answer/);
    await untilState(node, 'vg_1', 'MASTER');
    await untilWell();
  });

  it('says that keepalived is stopped, until it goes on', async () => {
    await node.order([instanceOn(1)]);
    await untilState(node, 'vg_1', 'MASTER');
    const signal = (name: string) =>
      node.inside('sh', '-c', `kill -${name} $(cat ${node.folder}/run/vrrp.pid)`);
    await signal('STOP');
    await untilTrouble(/stopped by a signal/);
    expect((await node.report()).instances).to.deep.equal([]);
    await signal('CONT');
    await untilState(node, 'vg_1', 'MASTER');
    await untilWell();
    expect(await isMasterOf(node, '10.78.0.100/24')).to.equal(true);
  });

  it('says that an interface is down, until it is up', async () => {
    await node.order([instanceOn(1)]);
    await untilState(node, 'vg_1', 'MASTER');
    await node.inside('ip', 'link', 'set', 'eth1', 'down');
    await untilTrouble(/interface eth1 of vg_1 is down/);
    expect(await node.stateOf('vg_1')).to.equal('FAULT');
    await node.inside('ip', 'link', 'set', 'eth1', 'up');
    await untilState(node, 'vg_1', 'MASTER');
    await untilWell();
  });

  it('becomes master when its source address comes later than keepalived', async () => {
    await node.order([instanceOn(1), instance6On(1)]);
    await untilState(node, 'vg_1_v6', 'MASTER');
    await node.kill('SIGTERM');
    await node.inside('ip', 'address', 'delete', 'fd78::1/64', 'dev', 'eth1');
    // As after a boot, when the agent comes after keepalived.
    await node.inside('sh', '-c', 'echo 0 >/proc/sys/net/ipv6/ip_nonlocal_bind');
    const pids = `cd ${node.folder}/run && cat keepalived.pid vrrp.pid`;
    const before = await node.inside('sh', '-c', pids);
    await node.inside('sh', '-c', `kill -9 ${before.split(/\s+/).join(' ')}`);
    const isAnother = async () => {
      const now = await node.inside('sh', '-c', `${pids} && kill -0 $(cat vrrp.pid)`);
      return now !== before;
    };
    await waitUntil('keepalived to run again', isAnother, soon);
    await node.start();
    await untilTrouble(/fd78::1, from which vg_1_v6 sends, is not on eth1/);
    await node.inside('ip', 'address', 'add', 'fd78::1/64', 'dev', 'eth1', 'nodad');
    await untilState(node, 'vg_1_v6', 'MASTER');
    await untilWell();
  });

  it('puts back an address that somebody has removed', async () => {
    await node.order([instanceOn(1), instance6On(1)]);
    await untilState(node, 'vg_1_v6', 'MASTER');
    await untilWell();
    for (const address of ['10.78.0.100/24', 'fd78::100/64']) {
      await node.inside('ip', 'address', 'delete', address, 'dev', 'eth1');
      await waitUntil(address, () => isMasterOf(node, address), soon);
    }
    await untilWell();
  });

  it('removes an address that no instance owns any more', async () => {
    await other.start();
    await node.order([instanceOn(1)]);
    await other.order([instanceOn(2)]);
    await untilState(node, 'vg_1', 'MASTER');
    await untilState(other, 'vg_1', 'BACKUP');
    await other.inside('ip', 'address', 'add', '10.78.0.100/24', 'dev', 'eth1');
    await waitUntil('the sweep', async () => !(await isMasterOf(other, '10.78.0.100/24')), soon);
    await untilWell(other);
    // While the agent is dead, keepalived dies and its orders end.
    await node.kill('SIGKILL');
    await node.inside('rm', `${node.folder}/run/enabled`);
    await node.inside(
      'sh',
      '-c',
      `kill -9 $(cat ${node.folder}/run/keepalived.pid ${node.folder}/run/vrrp.pid)`,
    );
    expect(await isMasterOf(node, '10.78.0.100/24')).to.equal(true);
    await node.start();
    await node.order([], { revision: 100 });
    await waitUntil('the sweep', async () => !(await isMasterOf(node, '10.78.0.100/24')), soon);
    expect(await node.addresses()).to.include('10.78.0.1/24');
  });

  it('yields when its check fails, and takes over again when the service answers', async () => {
    await other.start();
    const checked = { check: { ...tcpCheck, port: 8089 } };
    const pair = (number: number) => [
      instanceOn(number, { ...checked, syncGroup: 'vg_1' }),
      instance6On(number, { ...checked, syncGroup: 'vg_1' }),
    ];
    await node.order(pair(1));
    await other.order(pair(2).map((each) => ({ ...each, check: null })));
    await untilState(other, 'vg_1', 'MASTER');
    await untilState(other, 'vg_1_v6', 'MASTER');
    await untilState(node, 'vg_1', 'BACKUP');
    const effective = async () => (await node.report()).instances[0]?.effectivePriority ?? 0;
    await waitUntil('the check to cost priority', async () => (await effective()) < 199);
    const listen = "require('net').createServer().listen(8089)";
    const service = node.inside(
      process.execPath,
      '-e',
      `${listen}; setTimeout(process.exit, 15000)`,
    );
    await untilState(node, 'vg_1', 'MASTER');
    await untilState(node, 'vg_1_v6', 'MASTER');
    expect(await effective()).to.be.equal(199);
    await service;
    await untilState(other, 'vg_1', 'MASTER');
  });

  it('sees routers that are no peers, and none that are', async () => {
    await other.start();
    await other.order([
      instanceOn(2),
      instanceOn(2, {
        name: 'vg_9',
        routerId: 9,
        addresses: ['10.78.0.109/24'],
        peers: null,
        source: null,
      }),
    ]);
    await node.order([instanceOn(1)]);
    const expected = { interface: 'eth1', family: 'ipv4', routerId: 9, source: '10.78.0.2' };
    await waitUntil(
      'the other router',
      async () => (await node.report()).otherRouters.some(({ routerId }) => routerId === 9),
      soon,
    );
    expect((await node.report()).otherRouters).to.deep.equal([expected]);
  });

  it('lets another store order it only when root has said so', async () => {
    await node.order([instanceOn(1)]);
    const foreign = { store: 'store-2', revision: 1 };
    expect((await node.order([instanceOn(1)], foreign)).status).to.equal(409);
    expect((await node.ask('POST', '/node-local/adopt')).body).to.deep.equal({
      released: 'store-1',
    });
    expect((await node.order([instanceOn(1)], foreign)).status).to.equal(200);
    expect((await node.order([instanceOn(1)], { revision: 9 })).status).to.equal(409);
    expect((await node.report()).running).to.include({ store: 'store-2' });
  });

  it('makes keepalived end when it leaves, and forgets its store', async () => {
    await node.order([instanceOn(1)]);
    await untilState(node, 'vg_1', 'MASTER');
    const { running } = await node.report();
    const foreign = { ...running, store: 'store-2' };
    expect((await node.ask('POST', '/node/1.0/leave', { orders: foreign })).status).to.equal(409);
    expect((await node.ask('POST', '/node/1.0/leave', { orders: { ...running } })).status).to.equal(
      200,
    );
    expect(await node.addresses()).not.to.include('10.78.0.100/24');
    expect(await node.report()).to.deep.include({ running: null });
    expect((await node.ask('GET', '/node/1.0/')).body).to.deep.include({ adopted: null });
  });

  it('runs the former or the new configuration after a kill at any point', async () => {
    await node.order([instanceOn(1)], { revision: 1 });
    await untilState(node, 'vg_1', 'MASTER');
    const kills = Number(process.env['HA_TEST_KILLS'] ?? 8);
    // An order that a kill cut short may be finished only after the next one has come.
    const priorities: number[] = [];
    for (let kill = 0; kill < kills; kill += 1) {
      const former = await node.config();
      const priority = 100 + ((kill * 7) % 100);
      priorities.push(priority);
      const asked = node
        .order([instanceOn(1, { priority })], { revision: 10 + kill })
        .catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, (kill * 400) / kills));
      await node.kill('SIGKILL');
      await asked;
      const whole = await node.config();
      expect(whole.endsWith('}\n')).to.equal(true);
      const ordered = priorities.some((each) => whole.includes(`priority ${each}\n`));
      expect(whole === former || ordered, whole).to.equal(true);
      await node.start();
      await untilState(node, 'vg_1', 'MASTER');
      await untilWell();
    }
    const { status } = await node.order([instanceOn(1)], { revision: 1000 });
    expect(status).to.equal(200);
  });
});
