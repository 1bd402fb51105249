import { expect } from 'chai';

import {
  type GatewayBench,
  gatewayBench,
  groupOf,
} from '../../support/controller/gateway-bench.ts';

describe('gateways and their nodes', () => {
  let bench: GatewayBench;
  beforeEach(async () => {
    bench = await gatewayBench();
  });
  afterEach(() => bench.stop());

  const first = async (path: string) => (await bench.ask('get', path)).body.data.data[0];

  it('are made, changed, listed and removed', async () => {
    const made = await bench.ask('post', '/', { name: 'edge', nodes: [1, 'n2'] });
    expect(made.text).to.equal('{"data":{"id":1},"status":0}');
    expect(await first('/')).to.deep.equal({ id: 1, name: 'edge', nodes: [1, 2] });
    await bench.ask('put', '/1', { name: 'west', nodes: ['n3'] });
    expect(await first('/1')).to.deep.equal({ id: 1, name: 'west', nodes: [3] });
    expect((await bench.ask('get', '/?name=edge')).body.data.meta.count).to.equal(0);
    await bench.ask('delete', '/1');
    expect((await bench.ask('get', '/1')).body.code).to.equal('gateway_not_found');
  });

  it('do not give an id out again after it was removed', async () => {
    await bench.gateway();
    await bench.ask('delete', '/1');
    expect(await bench.gateway()).to.equal(2);
  });

  it('take nodes in by id or name, and let go of those that no group uses', async () => {
    await bench.ask('post', '/', { name: 'edge' });
    expect((await bench.ask('post', '/1/nodes', { node: 'n2' })).body.data.id).to.equal(2);
    await bench.ask('post', '/1/nodes', { node: 2 });
    expect((await bench.ask('get', '/1/nodes')).body.data.meta.count).to.equal(1);
    await bench.ask('delete', '/1/nodes/2');
    expect((await bench.ask('get', '/1/nodes')).body.data.meta.count).to.equal(0);
  });

  it('show a node as it has reported itself, and what is wrong with it', async () => {
    await bench.gateway();
    bench.nodes.say(1, { troubles: ['The disk is full.'] });
    expect(await first('/1/nodes/1')).to.deep.include({
      name: 'n1',
      address: '192.0.2.1:9443',
      is_reachable: true,
      detail: 'The disk is full.',
    });
    bench.nodes.of(2).isReachable = false;
    expect(await first('/1/nodes/2')).to.include({
      is_reachable: false,
      detail: 'It does not answer.',
    });
    bench.nodes.of(3).report = undefined;
    bench.nodes.of(3).refusal = 'It runs the orders of another store.';
    expect(await first('/1/nodes/3')).to.include({
      detail: 'It runs the orders of another store. It has not reported for 15 s.',
    });
  });

  it('leave out a node that was removed from the controller', async () => {
    await bench.gateway();
    bench.nodes.remove(3);
    expect(await first('/1')).to.deep.include({ nodes: [1, 2] });
    expect((await bench.ask('put', '/1', { nodes: [1, 2] })).status).to.equal(200);
  });

  it('say of a node which groups use it, so that it is not removed', async () => {
    await bench.gateway();
    await bench.ask('post', '/1/virtual_groups', groupOf({ status: 2 }));
    const uses = (node: number) =>
      bench.store.write((transaction) => bench.service.nodeUse.uses(node, transaction));
    expect(await uses(3)).to.deep.equal([]);
    expect((await uses(1))[0])
      .to.include("'VG1'")
      .and.include('hactl group remove VG1');
  });

  it('have no row about a node that was removed, except its orders', async () => {
    await bench.gateway();
    await bench.ask('post', '/1/virtual_groups', groupOf());
    await bench.ask('delete', '/1/virtual_groups/1');
    const count = async (table: string) =>
      (await bench.store.one(`SELECT COUNT(*) AS count FROM ${table} WHERE node = 1`))?.['count'];
    const counts = () => Promise.all(['gateway_nodes', 'vrrp_addresses', 'vrrp_orders'].map(count));
    expect(await counts()).to.deep.equal([1, 1, 1]);
    await bench.store.write(async (transaction) => {
      await bench.service.nodeUse.forget?.(1, transaction);
    });
    expect(await counts()).to.deep.equal([0, 0, 1]);
  });

  it('have a node run what the store says after a restore', async () => {
    await bench.gateway();
    const { status } = await bench.ask('post', '/1/nodes/1/adopt');
    expect(status).to.equal(200);
    bench.nodes.of(1).isReachable = false;
    await bench.ask('post', '/1/virtual_groups', groupOf());
    const refused = await bench.ask('post', '/1/nodes/1/adopt');
    expect([refused.status, refused.body.code]).to.deep.equal([503, 'nodes_unreachable']);
  });

  it('leave a node alone that runs something else since before a restore', async () => {
    const restored = await gatewayBench({ epoch: 2 });
    await restored.gateway();
    const former = { store: 'a', epoch: 1, revision: 9, digest: 'other' };
    restored.nodes.say(1, { running: former });
    const post = () => restored.ask('post', '/1/virtual_groups', groupOf());
    const refused = await post();
    expect([refused.status, refused.body.code]).to.deep.equal([409, 'node_refused']);
    expect(refused.body.msg).to.include('before the store was restored');
    expect(restored.nodes.of(1).orders).to.deep.equal([]);
    await restored.ask('post', '/1/virtual_groups', groupOf({ status: 2 }));
    const { data } = (await restored.ask('get', '/1/virtual_groups')).body.data;
    expect(data[0]).to.include({ router_id: 98 });
    await restored.ask('delete', '/1/virtual_groups/2');
    expect((await restored.ask('post', '/1/nodes/1/adopt')).status).to.equal(200);
    expect((await post()).status).to.equal(200);
    await restored.stop();
  });
});
