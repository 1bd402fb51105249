import { expect } from 'chai';
import request from 'supertest';

import { base, type GatewayBench, gatewayBench } from '../../support/controller/gateway-bench.ts';

/** The body of the document's own POST. */
const documentedPost = `{
      "name": "VG1",
      "virtual_ip": "10.0.0.100",
      "status": 0,
      "real_nodes": [
          {"node": 1, "interface": "eth0", "priority": 254, "status": 2}
      ]
  }`;
const documentedPut = `{
      "name": "VG1",
      "virtual_ip": "10.0.0.100",
      "status": 1
  }`;
/** curl sends `-d` with this type. */
const asCurl = { 'Content-Type': 'application/x-www-form-urlencoded' };

describe('the documented calls of keepalived groups', () => {
  let bench: GatewayBench;
  beforeEach(async () => {
    bench = await gatewayBench();
    await bench.gateway();
  });
  afterEach(() => bench.stop());

  const send = async (method: 'post' | 'put' | 'get' | 'delete', path: string, body = '') => {
    const client = request(bench.app);
    const url = `${base}/1/virtual_groups${path}`;
    const headers = { 'API-Token': await bench.tokenOf('admin'), ...asCurl };
    return client[method](url).set(headers).send(body);
  };

  it('are answered byte by byte as in the document', async () => {
    const made = await send('post', '', documentedPost);
    expect(made.text).to.equal('{"data":{"id":1},"status":0}');
    const changed = await send('put', '/1', documentedPut);
    expect(changed.text).to.equal('{"status":0}');
    bench.nodes.sayStates(1, 'MASTER');
    for (const path of ['', '/1']) {
      const read = await send('get', path);
      expect(read.text).to.match(
        /^\{"data":\{"data":\[\{"name":"VG1","status":1,"virtual_ip":"10\.0\.0\.100","id":1,"online_status":true,"router_id":1,.*\}\],"meta":\{"count":1\}\},"status":0\}$/,
      );
    }
    const removed = await send('delete', '/1');
    expect(removed.text).to.equal('{"status":0}');
    expect(removed.status).to.equal(200);
  });

  it('have our keys after the documented ones', async () => {
    await send('post', '', documentedPost);
    const { body } = await send('get', '');
    const [group] = (body as { data: { data: object[] } }).data.data;
    expect(Object.keys(group ?? {})).to.deep.equal([
      'name',
      'status',
      'virtual_ip',
      'id',
      'online_status',
      'router_id',
      'virtual_ipv6',
      'is_healthy',
      'real_nodes',
      'preempt',
      'check',
      'unicast',
    ]);
    const [node] = (group as { real_nodes: object[] }).real_nodes;
    expect(Object.keys(node ?? {})).to.deep.equal([
      'node',
      'status',
      'keepalived_managed',
      'interface',
      'interval',
      'priority',
      'detail',
    ]);
  });

  it('do not believe the status that a caller sends of a node', async () => {
    await send('post', '', documentedPost.replace('"status": 2}', '"status": 1}'));
    const { body } = await send('get', '/1');
    const [group] = (body as { data: { data: { real_nodes: { status: number }[] }[] } }).data.data;
    // The scripted node reports BACKUP.
    expect(group?.real_nodes[0]?.status).to.equal(2);
  });

  it('take back what a read has answered', async () => {
    await send('post', '', documentedPost);
    const { body } = await send('get', '/1');
    const [group] = (body as { data: { data: object[] } }).data.data;
    const before = bench.nodes.of(1).orders.length;
    const { status, text } = await send('put', '/1', JSON.stringify(group));
    expect([status, text]).to.deep.equal([200, '{"status":0}']);
    expect(bench.nodes.of(1).orders).to.have.length(before);
  });
});
