import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';
import request from 'supertest';

import { Fault } from '../../../src/kit/fault.ts';
import {
  base,
  type GatewayBench,
  gatewayBench,
  groupOf,
} from '../../support/controller/gateway-bench.ts';

const groups = '/1/virtual_groups';
const one = `${groups}/1`;

interface Shown {
  name: string;
  status: number;
  virtual_ip: string;
  virtual_ipv6: string;
  id: number;
  router_id: number;
  is_healthy: boolean;
  online_status: boolean;
  real_nodes: { node: number; status: number; interval: number; detail: string }[];
  preempt: boolean;
  check: object | null;
  unicast: boolean | null;
}

describe('changes of keepalived groups', () => {
  let bench: GatewayBench;
  beforeEach(async () => {
    bench = await gatewayBench();
    await bench.gateway();
  });
  afterEach(() => bench.stop());

  const shown = async (path = one): Promise<Shown> => {
    const { body } = await bench.ask('get', path);
    return body.data.data[0] as Shown;
  };
  /** @param numbers the transactions from now on that fail, from 1 */
  const failTransactions = (...numbers: number[]) => {
    const write = bench.store.write.bind(bench.store);
    let calls = 0;
    bench.store.write = (work) => {
      calls += 1;
      if (!numbers.includes(calls)) return write(work);
      return Promise.reject(new Fault('no_space', 'Its disk is full. Nothing was changed.'));
    };
  };
  const wantedOn = (node: number) => bench.nodes.of(node).orders.at(-1)?.wanted.instances ?? [];

  it('are answered when the nodes run them', async () => {
    await bench.ask('post', groups, groupOf());
    expect(wantedOn(1)).to.deep.equal([
      {
        name: 'vg_1',
        family: 'ipv4',
        interface: 'eth0',
        routerId: 1,
        priority: 150,
        interval: 1,
        addresses: ['10.0.0.100/24'],
        peers: ['10.0.0.2'],
        source: '10.0.0.1',
        preempt: true,
        syncGroup: null,
        check: null,
      },
    ]);
    expect(bench.nodes.of(3).orders).to.deep.equal([]);
  });

  it('make two instances of a group with both families, which move together', async () => {
    await bench.ask('post', groups, groupOf({ virtual_ipv6: 'fd00::100' }));
    const instances = wantedOn(2);
    expect(instances.map(({ name }) => name)).to.deep.equal(['vg_1', 'vg_1_v6']);
    expect(new Set(instances.map(({ syncGroup }) => syncGroup))).to.deep.equal(new Set(['vs_1']));
    expect(new Set(instances.map(({ routerId }) => routerId)).size).to.equal(1);
    expect(instances[1]).to.deep.include({ source: 'fd00::2', addresses: ['fd00::100/64'] });
    await bench.ask('put', one, { virtual_ipv6: null });
    expect(wantedOn(2).map(({ name, syncGroup }) => [name, syncGroup])).to.deep.equal([
      ['vg_1', null],
    ]);
  });

  it('have the documented defaults', async () => {
    const { virtual_ip, name } = groupOf();
    await bench.ask('post', groups, {
      virtual_ip,
      name,
      real_nodes: [{ node: 1, interface: 'eth0', priority: 1 }],
    });
    const group = await shown();
    expect(group).to.deep.include({ status: 2, preempt: true, check: null, unicast: null });
    expect(group.real_nodes[0]).to.include({ interval: 1, keepalived_managed: true, status: 0 });
    expect(bench.nodes.of(1).orders).to.deep.equal([]);
  });

  it('pass the extras on to the nodes', async () => {
    const check = { type: 'http', port: 8080, path: '/health' };
    await bench.ask('post', groups, groupOf({ preempt: false, check, unicast: false }));
    expect(wantedOn(1)[0]).to.deep.include({
      preempt: false,
      peers: null,
      source: null,
      check: {
        type: 'http',
        port: 8080,
        path: '/health',
        intervalSeconds: 2,
        timeoutSeconds: 1,
        fall: 3,
        rise: 2,
      },
    });
    expect((await shown()).check).to.deep.equal({
      ...check,
      interval: 2,
      timeout: 1,
      fall: 3,
      rise: 2,
    });
  });

  it('take a group off its nodes with status 2, and leave others there', async () => {
    await bench.ask('post', groups, groupOf());
    await bench.ask('post', groups, groupOf({ name: 'VG2', virtual_ip: '10.0.0.101' }));
    await bench.ask('put', one, { status: 2 });
    expect(wantedOn(1).map(({ name }) => name)).to.deep.equal(['vg_2']);
    const group = await shown();
    expect(group).to.include({ online_status: false, is_healthy: false, router_id: 1 });
    expect(group.real_nodes[0]?.detail).to.equal('The group is offline.');
  });

  it('give a group another router id only if it moves to where its own is taken', async () => {
    const moved = (name: string, virtual_ip: string) => ({
      name,
      virtual_ip,
      real_nodes: [{ node: 1, interface: 'eth1', priority: 150 }],
    });
    await bench.ask('post', groups, groupOf({ router_id: 5 }));
    await bench.ask('put', one, moved('VG1', '10.1.0.100'));
    expect((await shown()).router_id).to.equal(5);
    await bench.ask('post', groups, groupOf({ name: 'VG2', router_id: 6 }));
    await bench.ask('post', groups, { ...groupOf(moved('VG3', '10.1.0.101')), router_id: 6 });
    await bench.ask('put', `${groups}/2`, moved('VG2', '10.1.0.102'));
    expect((await shown(`${groups}/2`)).router_id).to.equal(1);
    const refused = await bench.ask('put', one, { router_id: 9 });
    expect([refused.status, refused.body.code]).to.deep.equal([409, 'router_id_taken']);
  });

  it('keep the router id of a group until it is removed, and let it rest after that', async () => {
    await bench.ask('post', groups, groupOf({ router_id: 5 }));
    await bench.ask('put', one, { status: 2 });
    await bench.ask('put', one, { status: 1, name: 'renamed', router_id: 5 });
    expect((await shown()).router_id).to.equal(5);
    await bench.ask('delete', one);
    const again = await bench.ask('post', groups, groupOf({ router_id: 5 }));
    expect([again.status, again.body.code]).to.deep.equal([409, 'router_id_taken']);
    expect(again.body.msg).to.include('10 minutes');
  });

  it('remove a group from its nodes before its rows', async () => {
    await bench.ask('post', groups, groupOf());
    let seen: unknown;
    bench.nodes.of(1).onOrder = async () => {
      seen = await bench.store.one('SELECT status, virtual_ip FROM gateway_groups');
    };
    await bench.ask('delete', one);
    expect(seen).to.include({ status: 2, virtual_ip: '10.0.0.100' });
    expect(await bench.rows()).not.to.include('10.0.0.100');
    expect(wantedOn(1)).to.deep.equal([]);
    expect((await bench.ask('get', one)).status).to.equal(404);
  });

  for (const [what, method, path, body] of [
    ['a POST', 'post', groups, groupOf({ name: 'VG2', virtual_ip: '10.0.0.101' })],
    ['a PUT', 'put', one, { virtual_ip: '10.0.0.105', status: 0 }],
    [
      'a PUT with other nodes',
      'put',
      one,
      { real_nodes: [{ node: 2, interface: 'eth0', priority: 9 }] },
    ],
    ['a DELETE', 'delete', one, undefined],
  ] as const) {
    it(`are taken back if a node refuses ${what}, and the answer says why`, async () => {
      await bench.ask('post', groups, groupOf());
      const [before, running] = [await bench.rows(), JSON.stringify(wantedOn(1))];
      let isRefusing = true;
      bench.nodes.of(2).onOrder = () => {
        if (!isRefusing) return;
        isRefusing = false;
        throw new Fault('node_refused', "keepalived says: 'Unknown keyword'.");
      };
      const answer = await bench.ask(method, path, body);
      expect([answer.status, answer.body.code]).to.deep.equal([409, 'node_refused']);
      expect(answer.body.msg).to.include('n2').and.include('Unknown keyword');
      expect(await bench.rows()).to.equal(before);
      expect(JSON.stringify(wantedOn(1))).to.equal(running);
    });

    it(`are refused if no node can be reached for ${what}, and nothing is changed`, async () => {
      await bench.ask('post', groups, groupOf());
      const ordered = () => bench.store.all('SELECT * FROM vrrp_orders');
      const [before, orders] = [await bench.rows(), await ordered()];
      for (const id of [1, 2]) bench.nodes.of(id).isReachable = false;
      const answer = await bench.ask(method, path, body);
      expect(await ordered()).to.deep.equal(orders);
      expect([answer.status, answer.body.code]).to.deep.equal([503, 'nodes_unreachable']);
      expect(answer.headers['retry-after']).to.equal('5');
      expect(await bench.rows()).to.equal(before);
    });
  }

  it('are not said to be taken back if the store fails meanwhile, and the refusal is still named', async () => {
    await bench.ask('post', groups, groupOf());
    bench.nodes.of(2).onOrder = () => {
      bench.store.fail(new Fault('store_unavailable', 'It is read-only. Nothing was changed.'));
      throw new Fault('node_refused', "keepalived says: 'Unknown keyword'.");
    };
    const { status, body } = await bench.ask('put', one, { virtual_ip: '10.0.0.105' });
    expect([status, body.code]).to.deep.equal([409, 'outcome_unknown']);
    expect(body.msg).to.include('Unknown keyword').and.not.include('Nothing was changed');
    expect((await shown()).virtual_ip).to.equal('10.0.0.105');
  });

  it('are taken back if the store fails before the nodes get them, and the store is named', async () => {
    const before = await bench.rows();
    // The first one has the rows, and the next ones have the orders of the two nodes.
    failTransactions(2, 3);
    const { status, body } = await bench.ask('post', groups, groupOf());
    expect([status, body.code]).to.deep.equal([503, 'store_unavailable']);
    expect(await bench.rows()).to.equal(before);
  });

  it('say that a removed group is still there if the store fails at the end', async () => {
    await bench.ask('post', groups, groupOf());
    // The rows go after the orders of the two nodes.
    failTransactions(4);
    const { status, body } = await bench.ask('delete', one);
    expect([status, body.code]).to.deep.equal([409, 'outcome_unknown']);
    expect(body.msg).to.include('still there, offline').and.not.include('Nothing was changed');
    expect((await bench.ask('delete', one)).status).to.equal(200);
  });

  it('are taken if some nodes cannot be reached, and the detail of these says so', async () => {
    bench.nodes.of(2).isReachable = false;
    const made = await bench.ask('post', groups, groupOf());
    expect(made.status).to.equal(200);
    expect(made.headers['x-ha-warnings']).to.include('n2');
    const { real_nodes: nodes } = await shown();
    expect(nodes[1]).to.include({ status: 0 });
    expect(nodes[1]?.detail).to.include('does not answer');
    bench.nodes.of(2).isReachable = true;
    while (wantedOn(2).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('can take a group offline whose interface is gone from a node', async () => {
    await bench.ask('post', groups, groupOf());
    bench.nodes.of(2).node = { ...bench.nodes.of(2).node, interfaces: [] };
    expect((await bench.ask('put', one, { preempt: false })).status).to.equal(200);
    expect((await bench.ask('put', one, { status: 2 })).status).to.equal(200);
    expect(wantedOn(1)).to.deep.equal([]);
    const refused = await bench.ask('put', one, { status: 1 });
    expect([refused.status, refused.body.code]).to.deep.equal([400, 'invalid_request']);
  });

  it('need no node if only the name changes', async () => {
    await bench.ask('post', groups, groupOf());
    for (const id of [1, 2]) bench.nodes.of(id).isReachable = false;
    expect((await bench.ask('put', one, { name: 'x', status: 0 })).status).to.equal(200);
    expect(bench.nodes.of(1).orders).to.have.length(1);
  });

  it('from unicast to multicast are taken back unless all nodes run them', async () => {
    await bench.ask('post', groups, groupOf());
    const before = await bench.rows();
    bench.nodes.of(2).isReachable = false;
    const refused = await bench.ask('put', one, { unicast: false });
    expect([refused.status, refused.body.code]).to.deep.equal([503, 'nodes_unreachable']);
    expect(refused.body.msg).to.include('n2').and.include('multicast');
    expect(await bench.rows()).to.equal(before);
    expect(wantedOn(1)[0]?.peers).to.deep.equal(['10.0.0.2']);
    expect((await bench.ask('put', one, { preempt: false })).status).to.equal(200);
    expect((await bench.ask('put', `${one}?force=true`, { unicast: false })).status).to.equal(200);
  });

  it('remove a group of dead nodes only by force', async () => {
    await bench.ask('post', groups, groupOf());
    for (const id of [1, 2]) bench.nodes.of(id).isReachable = false;
    expect((await bench.ask('delete', one)).status).to.equal(503);
    expect((await bench.ask('delete', `${one}?force=true`)).status).to.equal(200);
    expect((await bench.ask('get', groups)).body.data.meta.count).to.equal(0);
  });

  it('do not let a node that leaves a group hold up the others', async () => {
    await bench.ask('post', groups, groupOf());
    bench.nodes.of(2).onOrder = () => {
      throw new Fault('node_refused', 'It belongs to another store.');
    };
    const real_nodes = [{ node: 1, interface: 'eth0', priority: 9 }];
    const { status, headers } = await bench.ask('put', one, { real_nodes });
    expect(status).to.equal(200);
    expect(headers['x-ha-warnings']).to.include('another store');
  });

  it('are refused if the group has changed since it was read', async () => {
    await bench.ask('post', groups, groupOf());
    const { headers } = await bench.ask('get', one);
    const etag = String(headers['etag']);
    expect(etag).to.match(/^"1-[\w-]{12}"$/);
    const changed = await bench.ask('put', one, { name: 'first' }, { 'If-Match': etag });
    expect([changed.status, changed.headers['etag']]).to.deep.equal([200, '"2"']);
    const late = await bench.ask('put', one, { name: 'second' }, { 'If-Match': etag });
    expect([late.status, late.body.code]).to.deep.equal([412, 'version_changed']);
    expect((await shown()).name).to.equal('first');
    for (const wrong of ['first', '"x"', '1']) {
      const refused = await bench.ask('put', one, { name: 'x' }, { 'If-Match': wrong });
      expect([refused.status, refused.body.code]).to.deep.equal([400, 'invalid_request']);
    }
    expect((await bench.ask('delete', one, undefined, { 'If-Match': '*' })).status).to.equal(200);
  });

  it('give the ETag of a read another value when the word of a node changes', async () => {
    await bench.ask('post', groups, groupOf());
    const first = (await bench.ask('get', one)).headers['etag'];
    expect(
      (await bench.ask('get', one, undefined, { 'If-None-Match': String(first) })).status,
    ).to.equal(304);
    bench.nodes.sayStates(1, 'MASTER');
    const second = await bench.ask('get', one, undefined, { 'If-None-Match': String(first) });
    expect(second.status).to.equal(200);
  });

  it('are made once if they are repeated with the same key', async () => {
    const key = { 'Idempotency-Key': 'k1' };
    const answers = await Promise.all(
      [1, 2, 3].map(() => bench.ask('post', groups, groupOf(), key)),
    );
    expect(answers.map(({ text }) => text)).to.deep.equal(
      Array(3).fill('{"data":{"id":1},"status":0}'),
    );
    const other = await bench.ask('post', groups, groupOf({ name: 'x' }), key);
    expect([other.status, other.body.code]).to.deep.equal([409, 'idempotency_key_reused']);
  });

  it('may be repeated with the same key after a refusal', async () => {
    for (const id of [1, 2]) bench.nodes.of(id).isReachable = false;
    const key = { 'Idempotency-Key': 'k2' };
    expect((await bench.ask('post', groups, groupOf(), key)).status).to.equal(503);
    for (const id of [1, 2]) bench.nodes.of(id).isReachable = true;
    expect((await bench.ask('post', groups, groupOf(), key)).status).to.equal(200);
  });

  it('can be tried, as the diff of the file of each node', async () => {
    await bench.ask('post', groups, groupOf());
    const before = await bench.rows();
    const tried = await bench.ask('put', `${one}?dry_run=true`, { virtual_ip: '10.0.0.105' });
    const { dry_run: isTried, nodes } = tried.body.data as unknown as {
      dry_run: boolean;
      nodes: { node: number; diff: string }[];
    };
    expect(isTried).to.equal(true);
    expect(nodes.map(({ node }) => node)).to.deep.equal([1, 2]);
    expect(nodes[0]?.diff).to.include(
      '-  virtual_ipaddress 10.0.0.100/24\n+  virtual_ipaddress 10.0.0.105/24',
    );
    for (const [method, path, body] of [
      ['post', `${groups}?dry_run=true`, groupOf({ name: 'x', virtual_ip: '10.0.0.9' })],
      ['delete', `${one}?dry_run=true`, undefined],
    ] as const) {
      const { text } = await bench.ask(method, path, body);
      expect(text).to.include('"name":"n2"');
    }
    const refused = await bench.ask('post', `${groups}?dry_run=true`, groupOf());
    expect(refused.body.code).to.equal('name_taken');
    expect(await bench.rows()).to.equal(before);
    expect(bench.nodes.of(1).orders).to.have.length(1);
  });

  it('are in the audit log, with their outcome and the revisions of the group', async () => {
    await bench.ask('post', groups, groupOf());
    await bench.ask('put', one, { name: 'x' });
    bench.nodes.of(1).onOrder = () => {
      throw new Fault('node_refused', 'No.');
    };
    await bench.ask('put', one, { status: 2 });
    const entries = await bench.audit.list(10);
    expect(
      entries.map(({ method, outcome, before, after }) => [method, outcome, before, after]),
    ).to.deep.equal([
      ['PUT', 'node_refused', undefined, undefined],
      ['PUT', 'success', '1', '2'],
      ['POST', 'success', undefined, '1'],
      ['POST', 'success', undefined, undefined],
    ]);
    expect(entries[0]).to.include({
      caller: 'admin',
      route: '/admin-api/gateway/1/virtual_groups/1',
    });
  });

  it('are refused as a whole if the disk is full', async () => {
    await bench.ask('post', groups, groupOf());
    bench.store.fail(new Fault('no_space', 'The store could not be written: its disk is full.'));
    const refused = await bench.ask('post', groups, groupOf({ name: 'x', virtual_ip: '10.0.0.9' }));
    expect([refused.status, refused.body.code]).to.deep.equal([507, 'no_space']);
    expect((await bench.ask('get', groups)).body.data.meta.count).to.equal(1);
  });

  it('are read in pages, and by name', async () => {
    for (const id of [1, 2, 3]) {
      await bench.ask('post', groups, groupOf({ name: `g${id}`, virtual_ip: `10.0.0.10${id}` }));
    }
    const list = async (query: string) => {
      const { data, meta } = (await bench.ask('get', `${groups}?${query}`)).body.data;
      return [data.map((each) => (each as Shown).name), meta.count];
    };
    expect(await list('page=2&page_size=2')).to.deep.equal([['g3'], 3]);
    expect(await list('page=3&page_size=2')).to.deep.equal([[], 3]);
    expect(await list('name=g2')).to.deep.equal([['g2'], 1]);
    expect(await list('name=g9')).to.deep.equal([[], 0]);
  });

  it('give 20 clients at once all 255 router ids of a segment, none of them twice', async function () {
    this.timeout(120_000);
    const left = Array.from({ length: 260 }, (_, at) => at + 1);
    const refusals: string[] = [];
    const client = async () => {
      for (let id = left.shift(); id !== undefined; id = left.shift()) {
        const virtual_ip = id < 200 ? `10.0.0.${id + 50}` : `10.0.9.${id - 199}`;
        const { status, body } = await bench.ask(
          'post',
          groups,
          groupOf({ name: `g${id}`, virtual_ip, status: 2 }),
        );
        if (status !== 200) refusals.push(body.code);
      }
    };
    await Promise.all(Array.from({ length: 20 }, client));
    expect(refusals).to.deep.equal(Array(5).fill('router_ids_exhausted'));
    const { data } = (await bench.ask('get', groups)).body.data;
    const ids = data.map((each) => (each as Shown).router_id).sort((a, b) => a - b);
    expect(ids).to.deep.equal(Array.from({ length: 255 }, (_, at) => at + 1));
  });

  it('give the first group 2 if another router on the wire has 1', async () => {
    const seen = { interface: 'eth0', family: 'ipv4', routerId: 1, source: '10.0.0.9' } as const;
    bench.nodes.say(3, { ['otherRouters']: [seen] });
    await bench.ask('post', groups, groupOf());
    expect((await shown()).router_id).to.equal(2);
  });

  it('are made by root without a token on the Unix socket', async () => {
    const { status } = await request(bench.socketApp).post(`${base}${groups}`).send(groupOf());
    expect(status).to.equal(200);
  });
});

describe('the names of keepalived groups', () => {
  it('are in the file while a group has status 0', async () => {
    const folder = (await gatewayBench()).folder;
    const path = join(folder, 'hosts');
    const bench = await gatewayBench({
      dns: { type: 'file', path, format: 'hosts', domain: 'example.org', ttl: 60 },
    });
    await bench.gateway();
    const names = async () => (await readFile(path, 'utf8')).split('\n').slice(1, -1);
    const real_nodes = [
      { node: 1, interface: 'eth0', priority: 150 },
      { node: 2, interface: 'eth0', priority: 100, keepalived_managed: false },
    ];
    await bench.ask('post', groups, groupOf({ status: 0, virtual_ipv6: 'fd00::100', real_nodes }));
    expect(await names()).to.deep.equal([
      '10.0.0.100\tvg1.edge.example.org',
      'fd00::100\tvg1.edge.example.org',
      '10.0.0.2\tvg1.edge.example.org',
      'fd00::2\tvg1.edge.example.org',
    ]);
    await bench.ask('put', '/1', { name: 'west' });
    expect((await names())[0]).to.equal('10.0.0.100\tvg1.west.example.org');
    await bench.ask('put', one, { status: 1 });
    expect(await names()).to.deep.equal([]);
    await bench.stop();
  });

  it('follow the own address of a node that serves by it too', async () => {
    const folder = (await gatewayBench()).folder;
    const path = join(folder, 'hosts');
    const bench = await gatewayBench({
      dns: { type: 'file', path, format: 'hosts', domain: null, ttl: 60 },
    });
    await bench.service.domain.start();
    await bench.gateway();
    const real_nodes = [{ node: 2, interface: 'eth0', priority: 100, keepalived_managed: false }];
    await bench.ask('post', groups, groupOf({ status: 0, real_nodes }));
    const { node } = bench.nodes.of(2);
    const moved = { name: 'eth0', addresses: ['10.0.0.77/24'] };
    bench.nodes.of(2).node = { ...node, interfaces: [moved] };
    bench.nodes.say(2);
    const text = '10.0.0.100\tvg1.edge\n10.0.0.77\tvg1.edge\n';
    while (!(await readFile(path, 'utf8')).endsWith(text))
      await new Promise((resolve) => setTimeout(resolve, 5));
    await bench.stop();
  });

  it('are of one published group each, in whatever case', async () => {
    const bench = await gatewayBench();
    await bench.gateway('edge');
    await bench.gateway('b.edge');
    await bench.ask('post', groups, groupOf({ name: 'a.b', status: 0 }));
    const another = (name: string) => groupOf({ name, status: 0, virtual_ip: '10.0.0.101' });
    for (const [path, name] of [
      [groups, 'A.b'],
      ['/2/virtual_groups', 'a'],
    ] as const) {
      const { status, body } = await bench.ask('post', path, another(name));
      expect([status, body.code]).to.deep.equal([409, 'name_taken']);
      expect(body.msg).to.include("'a.b.edge'");
    }
    await bench.ask('put', '/2', { name: 'other' });
    expect((await bench.ask('post', '/2/virtual_groups', another('a'))).status).to.equal(200);
    const renamed = await bench.ask('put', '/2', { name: 'B.edge' });
    expect([renamed.status, renamed.body.code]).to.deep.equal([409, 'name_taken']);
    await bench.stop();
  });

  it('are not in the file of a group that was taken back', async () => {
    const folder = (await gatewayBench()).folder;
    const path = join(folder, 'hosts');
    const bench = await gatewayBench({
      dns: { type: 'file', path, format: 'hosts', domain: null, ttl: 60 },
    });
    await bench.gateway();
    const names = async () => (await readFile(path, 'utf8')).split('\n').slice(1, -1);
    bench.nodes.of(2).onOrder = async () => {
      bench.nodes.of(2).onOrder = () => undefined;
      await bench.ask('put', '/1', { name: 'west' });
      expect(await names()).to.deep.equal(['10.0.0.100\tvg1.west']);
      throw new Fault('node_refused', 'No.');
    };
    expect((await bench.ask('post', groups, groupOf({ status: 0 }))).status).to.equal(409);
    expect(await names()).to.deep.equal([]);
    await bench.stop();
  });

  it('are a warning of the change if the file cannot be written', async () => {
    const bench = await gatewayBench({
      dns: { type: 'file', path: '/nonexistent/hosts', format: 'zone', domain: null, ttl: 60 },
    });
    await bench.gateway();
    const { status, headers } = await bench.ask('post', groups, groupOf({ status: 0 }));
    expect(status).to.equal(200);
    expect(headers['x-ha-warnings']).to.include('/nonexistent/hosts');
    const renamed = await bench.ask('put', '/1', { name: 'west' });
    expect(renamed.headers['x-ha-warnings']).to.include('/nonexistent/hosts');
    await bench.stop();
  });
});
