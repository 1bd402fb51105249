import { randomUUID } from 'node:crypto';

import { expect } from 'chai';

import { type OperatorHost, operatorHost } from '../../support/balancer/operator-host.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const vip = { network_id: '6e000000-0000-4000-8000-000000000001' };
const listener = { protocol: 'HTTP', protocol_port: 80 };

describe('a change of the operator API', () => {
  const folder = temporaryFolder();
  let bench: OperatorHost;

  beforeEach(async () => {
    bench = await operatorHost(folder.path);
  });
  afterEach(() => bench.stop());

  const list = async (path: string) =>
    (await bench.ask('get', path)).body as unknown as Readonly<Record<string, unknown>>[];
  const idIn = (path: string) => path.split('/').at(-1) ?? '';

  it('with wait is answered when the nodes run it, with the new values', async () => {
    const lb = await bench.balancer();
    const made = await bench.change('post', `${lb}/listeners?wait=30s`, listener);
    expect(made.body).to.include({ provisioning_status: 'ACTIVE' });
    const changed = await bench.change('put', `${lb}?wait=30s`, { name: 'new' });
    expect(changed.body).to.include({ provisioning_status: 'ACTIVE', name: 'new' });
    const gone = await bench.change(
      'delete',
      `${lb}/listeners/${made.body.id}?wait=30s`,
      undefined,
    );
    expect(gone.text).to.equal('');
    expect(await list(`${lb}/listeners`)).to.deep.equal([]);
  });

  it('with wait shows what the nodes have refused as an error', async () => {
    const lb = await bench.balancer();
    bench.host.deployer.answer = 'refused';
    const made = await bench.change('post', `${lb}/listeners?wait=30s`, listener);
    expect(made.body).to.include({ provisioning_status: 'ERROR' });
  });

  it('with wait is answered after the time all the same, with a warning', async () => {
    const lb = await bench.balancer();
    bench.host.deployer.hold();
    const { body, headers } = await bench.change('put', `${lb}?wait=1s`, { name: 'new' });
    expect(body).to.include({ provisioning_status: 'PENDING_UPDATE', name: null });
    expect(headers['x-ha-warnings']).to.match(/was not done within the time/);
  });

  it('without wait is answered at once, with the former values', async () => {
    const lb = await bench.balancer();
    bench.host.deployer.hold();
    const { body } = await bench.change('put', lb, { name: 'new' });
    expect(body).to.include({ provisioning_status: 'PENDING_UPDATE', name: null });
    await bench.host.finish(idIn(lb));
    expect((await bench.ask('get', lb)).body).to.include({ name: 'new' });
  });

  it('is refused with a wait that is none', async () => {
    const lb = await bench.balancer();
    for (const wait of ['0', '301', '6m', '-1s', '1h', 'x', '', '1.5s']) {
      const { status, body } = await bench.ask('put', `${lb}?wait=${wait}`, { name: 'new' });
      expect(status, wait).to.equal(400);
      expect(body.faultstring).to.match(/wait/);
    }
    expect((await bench.ask('get', lb)).body).to.include({ name: null });
  });

  it('with Prefer: queue waits for its turn, and changes what the one before has left', async () => {
    const lb = await bench.balancer();
    bench.host.deployer.hold();
    await bench.change('put', lb, { name: 'first' });
    const second = { description: 'second' };
    expect((await bench.ask('put', lb, second)).headers['x-ha-code']).to.equal(
      'balancer_immutable',
    );
    const queued = bench.change('put', `${lb}?wait=30s`, second, {
      Prefer: 'respond-async, queue',
    });
    bench.host.deployer.release();
    expect((await queued).body).to.include({ name: 'first', description: 'second' });
  });

  it('with Prefer: queue does not wait for a load balancer in ERROR', async () => {
    const lb = await bench.balancer();
    bench.host.deployer.answer = 'refused';
    await bench.change('put', `${lb}?wait=30s`, { name: 'first' });
    expect((await bench.ask('get', lb)).body).to.include({ provisioning_status: 'ERROR' });
    const { status, body } = await bench.ask('put', lb, { name: 'x' }, { Prefer: 'queue' });
    expect(status).to.equal(409);
    expect(body.faultstring).to.equal(
      `Load Balancer ${idIn(lb)} is immutable and cannot be updated.`,
    );
  });

  it('repeated 100 times with one Idempotency-Key makes one object, and has one answer', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, () =>
        bench.ask('post', '/loadbalancers', { vip, tenant_id: 'blue' }, { 'Idempotency-Key': 'k' }),
      ),
    );
    const made = answers.filter(({ status }) => status === 202);
    expect(made).to.have.length(100);
    expect(new Set(made.map(({ text }) => text)).size).to.equal(1);
    expect(await list('/loadbalancers')).to.have.length(1);
  });

  it('is refused with an Idempotency-Key of another request, and changes nothing', async () => {
    const key = { 'Idempotency-Key': 'k' };
    await bench.change('post', '/loadbalancers', { vip, tenant_id: 'blue' }, key);
    const { status } = await bench.ask('post', '/loadbalancers', { vip, tenant_id: 'red' }, key);
    expect(status).to.be.within(400, 499);
    expect(await list('/loadbalancers')).to.have.length(1);
  });

  it('that was refused can be sent again with its Idempotency-Key', async () => {
    const lb = await bench.balancer();
    const key = { 'Idempotency-Key': 'k' };
    bench.host.deployer.hold();
    await bench.change('put', lb, { name: 'first' });
    expect((await bench.ask('post', `${lb}/listeners`, listener, key)).status).to.equal(409);
    await bench.host.finish(idIn(lb));
    expect((await bench.ask('post', `${lb}/listeners`, listener, key)).status).to.equal(202);
  });

  it('repeated 100 times with one id makes one object of each kind', async () => {
    const [lb, li, po, me, l7, rule] = Array.from({ length: 6 }, () => randomUUID());
    const base = `/loadbalancers/${lb}`;
    const pool = `${base}/pools/${po}`;
    const rules = `${base}/listeners/${li}/l7policies/${l7}/l7rules`;
    const kinds = [
      ['/loadbalancers', { id: lb, vip, tenant_id: 'blue' }],
      [`${base}/listeners`, { id: li, ...listener }],
      [`${base}/pools`, { id: po, protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN' }],
      [`${pool}/members`, { id: me, ip_address: '10.0.0.1', protocol_port: 80 }],
      [`${base}/listeners/${li}/l7policies`, { id: l7, action: 'REJECT' }],
      [rules, { id: rule, type: 'PATH', compare_type: 'EQUAL_TO', value: '/a' }],
    ] as const;
    for (const [path, body] of kinds) {
      const answers = await Promise.all(
        Array.from({ length: 100 }, () => bench.ask('post', path, body)),
      );
      expect(new Set(answers.map(({ status }) => status)), path).to.deep.equal(new Set([202]));
      expect(new Set(answers.map(({ body: shown }) => shown.id)), path).to.deep.equal(
        new Set([body.id]),
      );
      await bench.host.domain.loadBalancers.settled(lb ?? '', 200_000);
      expect(await list(path), path).to.have.length(1);
    }
  });

  it('with a given id and another body is a conflict', async () => {
    const sent = { id: randomUUID(), vip, tenant_id: 'blue' };
    await bench.change('post', '/loadbalancers', sent);
    const { status, body } = await bench.ask('post', '/loadbalancers', { ...sent, name: 'x' });
    expect(status).to.equal(409);
    expect(body.faultstring).to.equal('Already an entity with that specified id.');
  });

  it('with If-Match is made only if the load balancer has not changed since the read', async () => {
    const lb = await bench.balancer();
    const { headers } = await bench.ask('get', lb);
    const ifMatch = { 'If-Match': headers['etag'] ?? '' };
    await bench.change('put', `${lb}?wait=30s`, { name: 'first' }, ifMatch);
    for (const [method, path, body] of [
      ['put', lb, { name: 'second' }],
      ['post', `${lb}/listeners`, listener],
      ['delete', lb],
    ] as const) {
      const answer = await bench.ask(method, path, body, ifMatch);
      expect(answer.status, `${method} ${path}`).to.equal(412);
      expect(answer.headers['x-ha-code']).to.equal('version_changed');
    }
    expect((await bench.ask('get', lb)).body).to.include({
      name: 'first',
      provisioning_status: 'ACTIVE',
    });
    expect(await list(`${lb}/listeners`)).to.deep.equal([]);
    expect((await bench.ask('delete', lb, undefined, { 'If-Match': 'x' })).status).to.equal(400);
    expect((await bench.ask('delete', lb, undefined, { 'If-Match': '*' })).status).to.equal(202);
  });

  it('is in the audit log with its outcome and the revision that it made', async () => {
    const lb = await bench.balancer();
    await bench.change('put', `${lb}?wait=30s`, { name: 'new' });
    const [entry] = await bench.audit.list(1);
    expect(entry).to.include({ caller: 'admin', outcome: 'success', after: '2' });
  });

  it('is not needed for a client that reads again with If-None-Match', async () => {
    const lb = await bench.balancer();
    const { headers } = await bench.ask('get', lb);
    const same = await bench.ask('get', lb, undefined, { 'If-None-Match': headers['etag'] ?? '' });
    expect(same.status).to.equal(304);
    await bench.change('put', `${lb}?wait=30s`, { name: 'new' });
    const other = await bench.ask('get', lb, undefined, { 'If-None-Match': headers['etag'] ?? '' });
    expect(other.status).to.equal(200);
  });
});
