import { join } from 'node:path';

import { expect } from 'chai';

import { renewalOf } from '../../../src/controller/certificates/life.ts';
import { makeRemoval } from '../../../src/controller/nodes/removal.ts';
import type { NodeUse } from '../../../src/controller/nodes/nodes.ts';
import type { Orders } from '../../../src/keepalived/report.ts';
import type { WantedKeepalived } from '../../../src/keepalived/wanted.ts';
import { makeLog } from '../../../src/kit/log.ts';
import { waitUntil } from '../../lab/wait.ts';
import { type Ground, makeGround, shortTimes } from '../../support/controller/ground.ts';
import { faultOf } from '../../support/faults.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const everyMs = 10;
const nothing: WantedKeepalived = { instances: [] };

describe('the links to nodes', () => {
  const folder = temporaryFolder();
  let ground: Ground;
  beforeEach(async () => {
    ground = await makeGround(folder.path);
  });
  afterEach(() => ground.stop());

  const orders = (more: Partial<Orders> = {}): Orders => ({
    store: ground.store.identity.id,
    epoch: 1,
    revision: 1,
    digest: 'ab'.repeat(32),
    ...more,
  });

  async function linked() {
    const added = await ground.addNode();
    await ground.links.refresh();
    await waitUntil('the node answers', () => ground.links.isReachable(added.joined.id), {
      everyMs,
    });
    return added;
  }

  it('know nothing of a node before its first word', async () => {
    const { joined } = await ground.addNode();
    expect(ground.links.word(joined.id)).to.equal(undefined);
    expect(ground.links.isReachable(joined.id)).to.equal(false);
  });

  it('carry each new report, and tell listeners until they end', async () => {
    const { node, joined } = await linked();
    const heard: number[] = [];
    const end = ground.links.onWord((id) => heard.push(id));
    const instance = {
      name: 'vg_1',
      state: 'MASTER' as const,
      since: 1,
      effectivePriority: 150,
      addresses: ['192.0.2.9'],
    };
    node.change({ instances: [instance] });
    await waitUntil('the report came', () => ground.links.word(joined.id)?.report.sequence === 2, {
      everyMs,
    });
    expect(ground.links.word(joined.id)?.report.instances).to.deep.equal([instance]);
    expect(heard).to.include(joined.id);
    end();
    heard.length = 0;
    node.change({ instances: [] });
    await waitUntil('the report came', () => ground.links.word(joined.id)?.report.sequence === 3, {
      everyMs,
    });
    expect(heard).to.deep.equal([]);
  });

  it('show the certificate of the controller, and write down the interfaces of the node', async () => {
    const { node, joined } = await linked();
    expect([...node.clients]).to.deep.equal(['CN=ha-controller']);
    await waitUntil(
      'the interfaces are there',
      async () => (await ground.registrations.get(joined.id))?.interfaces.length === 2,
      { everyMs },
    );
  });

  it('order a configuration with the interfaces to watch', async () => {
    const { node, joined } = await linked();
    await ground.links.order(joined.id, orders(), nothing);
    expect(node.ordered).to.deep.equal([{ orders: orders(), wanted: nothing, watch: ['eth0'] }]);
  });

  it('report the refusal of an order with the sentence of the node', async () => {
    const { node, joined } = await linked();
    node.intercept = (what) =>
      what.startsWith('PUT')
        ? { status: 409, body: { code: 'node_orders_stale', detail: 'Too old.' } }
        : undefined;
    const fault = await faultOf('node_refused', ground.links.order(joined.id, orders(), nothing));
    expect(fault.message).to.equal('Too old.');
    expect(ground.links.refusal(joined.id)).to.equal('Too old.');
    node.intercept = undefined;
    const asked = node.asked.length;
    const isAskedWho = () => node.asked.slice(asked).includes('GET /node/1.0');
    await waitUntil('it was asked who it is', isAskedWho, { everyMs });
    expect(ground.links.refusal(joined.id)).to.equal('Too old.');
    await ground.links.order(joined.id, orders(), nothing);
    expect(ground.links.refusal(joined.id)).to.equal(undefined);
    node.intercept = (what) =>
      what.startsWith('PUT')
        ? { status: 409, body: { code: 'node_orders_foreign', detail: 'Another.' } }
        : undefined;
    await faultOf('node_refused', ground.links.order(joined.id, orders(), nothing));
    node.adopted = { store: ground.store.identity.id, epoch: 1 };
    await waitUntil('it takes orders', () => ground.links.refusal(joined.id) === undefined, {
      everyMs,
    });
  });

  it('report a node that runs something else than it was sent', async () => {
    const { node, joined } = await linked();
    node.intercept = (what) =>
      what.startsWith('PUT')
        ? { status: 200, body: { running: orders({ digest: 'cd'.repeat(32) }) } }
        : undefined;
    await faultOf('node_refused', ground.links.order(joined.id, orders(), nothing));
  });

  it('end an order that the node does not answer in time', async () => {
    await ground.links.stop();
    await ground.store.close();
    ground = await makeGround(join(folder.path, 'other'), {
      times: { ...shortTimes, orderMs: 100 },
    });
    const { node, joined } = await linked();
    node.intercept = (what) => (what.startsWith('PUT') ? 'be silent' : undefined);
    const order = ground.links.order(joined.id, orders(), nothing);
    expect((await faultOf('node_unreachable', order)).message).to.include('it took too long');
  });

  it('say that a node runs the orders of another store, or of a later epoch, until it does not', async () => {
    const { node, joined } = await linked();
    const refusal = () => ground.links.refusal(joined.id) ?? '';
    node.adopted = { store: 'another', epoch: 1 };
    await waitUntil('the refusal is seen', () => refusal().includes('another store'), { everyMs });
    node.adopted = { store: ground.store.identity.id, epoch: 2 };
    await waitUntil('the refusal is seen', () => refusal().includes('former copy'), { everyMs });
    node.adopted = { store: ground.store.identity.id, epoch: 1 };
    await waitUntil('the refusal is over', () => refusal() === '', { everyMs });
  });

  it('notice that a node has gone and come back', async () => {
    const { node, joined } = await linked();
    const before = ground.links.word(joined.id)?.receivedAt;
    await node.stop();
    await waitUntil('it is gone', () => !ground.links.isReachable(joined.id), { everyMs });
    const fault = await faultOf(
      'node_unreachable',
      ground.links.order(joined.id, orders(), nothing),
    );
    expect(fault.message).to.include('nothing listens there');
    await node.start();
    await waitUntil('it is back', () => ground.links.isReachable(joined.id), { everyMs });
    expect(ground.links.word(joined.id)?.receivedAt).to.be.greaterThan(before ?? Infinity);
  });

  it('ask a MASTER again when another node becomes MASTER, and drop it at once if it is silent', async () => {
    const instance = {
      name: 'vg_1',
      state: 'MASTER' as const,
      since: 1,
      effectivePriority: 150,
      addresses: [],
    };
    const first = await linked();
    const second = await ground.addNode('n2', 'machine-2');
    await ground.links.refresh();
    const { id } = second.joined;
    await waitUntil('both answer', () => ground.links.isReachable(id), { everyMs });
    const wordOf = (node: number) => ground.links.word(node);
    const isMaster = (node: number) => wordOf(node)?.masterSince?.has('vg_1') === true;
    first.node.pollMs = 60_000;
    first.node.change({ instances: [instance] });
    await waitUntil('the first is MASTER', () => isMaster(first.joined.id), { everyMs });
    second.node.change({ instances: [instance] });
    await waitUntil('the second is MASTER', () => isMaster(id), { everyMs });
    const since = wordOf(id)?.masterSince?.get('vg_1') ?? Infinity;
    // Its long poll alone would wait for 9 s.
    await waitUntil(
      'the first has confirmed',
      () => {
        return (wordOf(first.joined.id)?.receivedAt ?? 0) > since;
      },
      { everyMs, deadlineMs: 6000 },
    );
    second.node.change({ instances: [] });
    await waitUntil('the second is none', () => !isMaster(id), { everyMs });
    first.node.intercept = () => 'hang up';
    second.node.change({ instances: [instance] });
    await waitUntil('the first is gone', () => !ground.links.isReachable(first.joined.id), {
      everyMs,
      deadlineMs: 6000,
    });
  });

  it('ask a node that is gone seldom', async () => {
    const { node } = await linked();
    node.intercept = () => 'hang up';
    node.asked.length = 0;
    const startedAt = Date.now();
    await waitUntil('it was asked', () => node.asked.length > 10, { everyMs });
    // The pauses grow to 100 ms, each shortened by a quarter at the most.
    expect(Date.now() - startedAt).to.be.greaterThan(400);
  });

  it('refuse a node that shows the certificate of another node', async () => {
    const { joined, node } = await linked();
    const other = await ground.addNode('n2', 'machine-2');
    node.certify(other.joined.certificate, other.made.key, joined.authority);
    await node.stop();
    await node.start();
    const why = () => ground.lines.map((line) => String(line['why'])).join('\n');
    await waitUntil('it is refused', () => why().includes('the certificate of node-2'), {
      everyMs,
    });
    expect(ground.links.isReachable(joined.id)).to.equal(false);
  });

  it('refuse a certificate of the node that is not its latest, except after a restore', async () => {
    const { joined, node, made } = await linked();
    const subject = { common: 'node-1', names: [], addresses: [], usage: 'serverAuth' } as const;
    const { authority } = ground.certificates;
    const later = await ground.signer.sign(authority, made.request, subject);
    node.certify(later, made.key, joined.authority);
    await node.stop();
    await node.start();
    const why = () => ground.lines.map((line) => String(line['why'])).join('\n');
    await waitUntil('it is refused', () => why().includes('revoked or replaced'), { everyMs });
    expect(ground.links.isReachable(joined.id)).to.equal(false);
    await ground.store.write((transaction) => transaction.run('UPDATE nodes SET pinned_epoch = 0'));
    await ground.links.stop();
    await ground.relink();
    await waitUntil('it is accepted', () => ground.links.isReachable(joined.id), { everyMs });
    // It is written down beside the first request.
    const isPinned = async () => (await ground.registrations.get(joined.id))?.pinnedEpoch === 1;
    await waitUntil('it is written down', isPinned, { everyMs });
  });

  it('refuse a node whose certificate another authority has signed', async () => {
    const { joined, node, made } = await linked();
    const authority = await ground.signer.makeAuthority();
    const subject = { common: 'node-1', names: [], addresses: [], usage: 'serverAuth' } as const;
    const foreign = await ground.signer.sign(authority, made.request, subject);
    node.certify(foreign, made.key, joined.authority);
    await node.stop();
    await node.start();
    const why = () => ground.lines.map((line) => String(line['why'])).join('\n');
    await waitUntil('it is refused', () => why().includes('has not signed'), { everyMs });
  });

  it('refuse a clone of a node by its machine', async () => {
    const { joined, node } = await linked();
    node.machine = 'machine-2';
    await waitUntil('it is refused', () => !ground.links.isReachable(joined.id), { everyMs });
    expect(JSON.stringify(ground.lines)).to.include('Another machine answers');
  });

  it('bear answers that are no reports', async () => {
    const { joined, node } = await linked();
    for (const body of [null, [], { sequence: 'x' }, { ...node.report, instances: [{}] }]) {
      node.intercept = (what) => (what.endsWith('keepalived') ? { status: 200, body } : undefined);
      node.change({});
      await waitUntil('it is refused', () => !ground.links.isReachable(joined.id), { everyMs });
      node.intercept = undefined;
      await waitUntil('it is back', () => ground.links.isReachable(joined.id), { everyMs });
    }
    node.intercept = (what) =>
      what.endsWith('keepalived') ? { status: 200, body: 'x'.repeat(3_000_000) } : undefined;
    node.change({});
    await waitUntil('it is refused', () => !ground.links.isReachable(joined.id), { everyMs });
  });

  it('take no name and no address from a node that other nodes could not use', async () => {
    const { joined, node } = await linked();
    const good = { name: 'eth0', addresses: ['10.0.0.1/24', 'x } vrrp_script y {', 'fd00::1/64'] };
    const many = Array.from({ length: 300 }, (_each, at) => ({ name: `v${at}`, addresses: [] }));
    const interfaces = [good, { name: 'a b', addresses: [] }, ...many];
    const facts = { name: 'n1', machine: node.machine, adopted: null, keepalived: '2.2.7' };
    node.intercept = (what) =>
      what === 'GET /node/1.0' ? { status: 200, body: { ...facts, interfaces } } : undefined;
    const other = { interface: 'eth0', family: 'ipv4', routerId: 1 } as const;
    const others = ['10.0.0.9', 'nobody'].map((source) => ({ ...other, source }));
    node.change({ otherRouters: others });
    const learnt = () => ground.registrations.get(joined.id).then((found) => found?.interfaces);
    await waitUntil('it is learnt', async () => (await learnt())?.length === 256, { everyMs });
    expect((await learnt())?.slice(0, 2)).to.deep.equal([
      { name: 'eth0', addresses: ['10.0.0.1/24', 'fd00::1/64'] },
      { name: 'v0', addresses: [] },
    ]);
    const sources = () =>
      ground.links
        .word(joined.id)
        ?.report.otherRouters.map(({ source }) => source)
        .join();
    await waitUntil('its report is there', () => sources() === '10.0.0.9', { everyMs });
  });

  it('renew the certificate of a node after two thirds of its life, and go on with it', async () => {
    const { joined, made, node } = await linked();
    const before = await ground.registrations.get(joined.id);
    expect(before?.renewAt).to.equal(renewalOf(joined.certificate));
    await ground.store.write((transaction) => transaction.run('UPDATE nodes SET renew_at = 1'));
    await ground.links.stop();
    await ground.relink();
    await waitUntil(
      'the new certificate is shown',
      async () => {
        const now = await ground.registrations.get(joined.id);
        return now?.fingerprint !== before?.fingerprint && now?.nextFingerprint === undefined;
      },
      { everyMs },
    );
    await waitUntil('it answers', () => ground.links.isReachable(joined.id), { everyMs });
    // The former certificate is of no use any more.
    node.certify(joined.certificate, made.key, joined.authority);
    await node.stop();
    await node.start();
    await waitUntil('it is refused', () => !ground.links.isReachable(joined.id), { everyMs });
  });
});

describe('a request of a family to a node', () => {
  const folder = temporaryFolder();
  let ground: Ground;
  beforeEach(async () => {
    ground = await makeGround(folder.path);
  });
  afterEach(() => ground.stop());

  async function linked() {
    const added = await ground.addNode();
    await ground.links.refresh();
    const { id } = added.joined;
    await waitUntil('the node answers', () => ground.links.isReachable(id), { everyMs });
    return { ...added, id };
  }

  it('carries any text by any method, and brings back the status, the headers and the text', async () => {
    const { node, id } = await linked();
    const seen: unknown[] = [];
    node.agent = (request) => {
      const { method, path, headers, text } = request;
      seen.push([method, path, headers['content-type'], headers['x-own'], text]);
      const headersOf = { ETag: 'abc', 'Content-Type': 'application/octet-stream' };
      return Promise.resolve({ status: 409, headers: headersOf, text: 'grün\n' });
    };
    const request = { method: 'DELETE', path: '/1.0/a?b=c', text: 'ä\n' } as const;
    const answer = await ground.links.request(
      id,
      { ...request, type: 'text/plain', headers: { 'x-own': 'yes' } },
      1000,
    );
    expect([answer.status, answer.text]).to.deep.equal([409, 'grün\n']);
    expect(answer.headers).to.include({ etag: 'abc', 'content-type': 'application/octet-stream' });
    await ground.links.request(id, { method: 'GET', path: '/1.0/a' }, 1000);
    expect(seen).to.deep.equal([
      ['DELETE', '/1.0/a?b=c', 'text/plain', 'yes', 'ä\n'],
      ['GET', '/1.0/a', undefined, undefined, ''],
    ]);
  });

  it('waits while four others are under way, and the orders of keepalived do not wait for it', async () => {
    const { node, id } = await linked();
    const waiting: (() => void)[] = [];
    node.agent = async () => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return { status: 200, text: '' };
    };
    const get = () => ground.links.request(id, { method: 'GET', path: '/1.0/a' }, 30_000);
    const asked = Array.from({ length: 10 }, get);
    await waitUntil('four are there', () => waiting.length === 4, { everyMs });
    const digest = 'ab'.repeat(32);
    const orders = { store: ground.store.identity.id, epoch: 1, revision: 1, digest };
    await ground.links.order(id, orders, nothing);
    expect(waiting).to.have.length(4);
    let released = 0;
    while (released < 10) {
      await waitUntil('another is there', () => waiting.length > released, { everyMs });
      expect(waiting.length).to.be.most(released + 4);
      waiting[released]?.();
      released += 1;
    }
    expect((await Promise.all(asked)).map(({ status }) => status)).to.deep.equal(
      Array.from({ length: 10 }, () => 200),
    );
  });

  it('fails at its deadline, whether it waits for its turn or for the answer', async () => {
    const { node, id } = await linked();
    node.agent = () => Promise.resolve('hang');
    const get = () => ground.links.request(id, { method: 'GET', path: '/1.0/a' }, 200);
    const asked = await Promise.allSettled(Array.from({ length: 6 }, get));
    expect(
      asked.map((each) => each.status === 'rejected' && (each.reason as Error).message),
    ).to.satisfy((all: unknown[]) => all.every((each) => typeof each === 'string'));
    const fault = await faultOf('node_unreachable', get());
    expect(fault.message).to.include('it took too long');
  });

  it('ends when its signal is aborted', async () => {
    const { node, id } = await linked();
    node.agent = () => Promise.resolve('hang');
    const giving = new AbortController();
    const request = { method: 'GET', path: '/1.0/a' } as const;
    const asked = ground.links.request(id, request, 60_000, giving.signal);
    giving.abort();
    await faultOf('node_unreachable', asked);
  });

  it('fails at once while the link does not reach the node, and is refused without a link', async () => {
    const { node, id } = await linked();
    node.agent = () => Promise.resolve({ status: 200, text: 'here' });
    const get = () => ground.links.request(id, { method: 'GET', path: '/1.0/a' }, 5000);
    await node.stop();
    await waitUntil('it is gone', () => !ground.links.isReachable(id), { everyMs });
    expect(ground.links.isAnswering(id)).to.equal(false);
    expect((await faultOf('node_unreachable', get())).message).to.include('nothing listens there');
    await node.start();
    await waitUntil('it is back', () => ground.links.isReachable(id), { everyMs });
    expect((await get()).text).to.equal('here');
    await faultOf('node_unreachable', ground.links.request(99, { method: 'GET', path: '/' }, 1000));
  });

  it('is answered by an agent that knows no nodes, however often the link asks', async () => {
    const { node, id } = await linked();
    node.intercept = () => ({ status: 404, body: { error: 'Not Found', http_code: 404 } });
    node.agent = () => Promise.resolve({ status: 200, text: 'here' });
    node.change({});
    expect(ground.links.hasNodePart(id)).to.equal(true);
    await waitUntil('it is no node', () => !ground.links.isReachable(id), { everyMs });
    expect(ground.links.isAnswering(id)).to.equal(true);
    expect(ground.links.hasNodePart(id)).to.equal(false);
    node.agent = async () => {
      const asked = node.asked.length;
      await waitUntil('the link asked again', () => node.asked.length > asked + 2, { everyMs });
      return { status: 200, text: 'here' };
    };
    const answer = await ground.links.request(id, { method: 'GET', path: '/1.0/a' }, 9000);
    expect(answer.text).to.equal('here');
  });

  it('refuses an answer of more than 8 MiB', async () => {
    const { node, id } = await linked();
    const answerOf = (size: number) => {
      node.agent = () => Promise.resolve({ status: 200, text: 'x'.repeat(size) });
      return ground.links.request(id, { method: 'GET', path: '/1.0/a' }, 9000);
    };
    const size = 8 * 1024 * 1024;
    expect((await answerOf(size)).text).to.have.length(size);
    await faultOf('node_unreachable', answerOf(size + 1));
  });
});

describe('the removal of a node', () => {
  const folder = temporaryFolder();
  let ground: Ground;
  beforeEach(async () => {
    ground = await makeGround(folder.path);
  });
  afterEach(() => ground.stop());

  const removal = (uses: NodeUse[] = []) =>
    makeRemoval({ ...ground, uses, log: makeLog('silent') });

  it('empties the node, and then forgets it', async () => {
    const { node, joined } = await ground.addNode();
    await ground.links.refresh();
    const forgotten: number[] = [];
    const use: NodeUse = {
      uses: () => Promise.resolve([]),
      forget: (id) => Promise.resolve(void forgotten.push(id)),
    };
    await removal([use])(joined.id, { isLost: false });
    expect(forgotten).to.deep.equal([joined.id]);
    expect(node.hasLeft).to.equal(true);
    expect(await ground.registrations.all()).to.deep.equal([]);
    expect(ground.links.isReachable(joined.id)).to.equal(false);
    await faultOf('controller_node_not_found', removal()(joined.id, { isLost: false }));
  });

  it('is refused while a family uses the node', async () => {
    const { node, joined } = await ground.addNode();
    await ground.links.refresh();
    const use = { uses: (id: number) => Promise.resolve([`Group 3 is on node ${id}.`]) };
    const fault = await faultOf('node_in_use', removal([use])(joined.id, { isLost: true }));
    expect(fault.message).to.include('Group 3 is on node 1.');
    expect(node.hasLeft).to.equal(false);
    expect(await ground.registrations.all()).to.have.length(1);
  });

  it('is made without the node only if it is said to be lost', async () => {
    const { node, joined } = await ground.addNode();
    await node.stop();
    await ground.links.refresh();
    const fault = await faultOf('node_unreachable', removal()(joined.id, { isLost: false }));
    expect(fault.message).to.include('--lost');
    expect(await ground.registrations.all()).to.have.length(1);
    await removal()(joined.id, { isLost: true });
    expect(await ground.registrations.all()).to.deep.equal([]);
  });
});
