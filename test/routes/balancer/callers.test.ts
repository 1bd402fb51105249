import { expect } from 'chai';
import request from 'supertest';

import type { Role } from '../../../src/access/roles.ts';
import { type OperatorHost, operatorHost } from '../../support/balancer/operator-host.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const id = '6c1d9f52-0b8e-4f6d-8a35-9e2f7b1c4d01';
const vip = { network_id: '6e000000-0000-4000-8000-000000000001' };

describe('a caller of the operator API', () => {
  const folder = temporaryFolder();
  let bench: OperatorHost;

  beforeEach(async () => {
    bench = await operatorHost(folder.path);
  });
  afterEach(() => bench.stop());

  const as = async (role: Role, tenant?: string) => ({ token: await bench.tokenOf(role, tenant) });

  it('needs the role of each route', async () => {
    const ranks: readonly Role[] = ['viewer', 'operator', 'admin'];
    const rows = bench.family.rows.filter(({ methods }) => methods.length > 0);
    for (const { methods, path, role } of rows) {
      const url = path.replace(/:(\w+)/g, id).replace(/^\/$/, '');
      for (const method of methods.map((each) => each.toLowerCase() as 'get')) {
        for (const own of ranks) {
          const { status, headers } = await bench.ask(method, url, undefined, await as(own));
          const mayNot = ranks.indexOf(own) < ranks.indexOf(role as Role);
          const what = `${own}: ${method} ${path} answers ${status}`;
          expect(headers['x-ha-code'] === 'role_required', what).to.equal(mayNot);
        }
      }
    }
  });

  it('is refused without a token, and with one that is not known', async () => {
    for (const headers of [{}, { token: 'x' }, { 'X-Auth-Token': 'x' }]) {
      const answer = await request(bench.app).get('/v1/loadbalancers').set(headers);
      expect(answer.status).to.equal(401);
      expect(answer.headers['x-ha-code']).to.equal('unauthenticated');
      expect(Object.keys(answer.body as object)).to.deep.equal([
        'faultcode',
        'faultstring',
        'debuginfo',
      ]);
    }
  });

  it('may send its token in any of three headers', async () => {
    const token = await bench.tokenOf('viewer');
    const headers = [{ token }, { 'X-Auth-Token': token }, { Authorization: `Bearer ${token}` }];
    for (const each of headers) {
      const { status } = await request(bench.app).get('/v1/loadbalancers').set(each);
      expect(status, Object.keys(each).join()).to.equal(200);
    }
  });

  it('with a token of a tenant sees only what is its own', async () => {
    const mine = await bench.balancer({ tenant_id: 'blue' });
    const other = await bench.balancer({ tenant_id: 'red' });
    const blue = await as('operator', 'blue');
    const list = await bench.ask('get', '/loadbalancers', undefined, blue);
    expect((list.body as unknown as { id: string }[]).map((each) => each.id)).to.deep.equal([
      mine.split('/').at(-1),
    ]);
    const foreign = await bench.ask('get', '/loadbalancers?tenant_id=red', undefined, blue);
    expect(foreign.text).to.equal('[]');
    const gone = `Load Balancer ${other.split('/').at(-1) ?? ''} not found.`;
    for (const [method, path, body] of [
      ['get', other],
      ['get', `${other}/status`],
      ['get', `${other}/stats`],
      ['get', `${other}/listeners`],
      ['put', other, { name: 'x' }],
      ['post', `${other}/listeners`, { protocol: 'HTTP', protocol_port: 80 }],
      ['post', `${other}/repair`],
      ['delete', other],
      ['delete', `${other}/delete_cascade`],
    ] as const) {
      const answer = await bench.ask(method, path, body, blue);
      expect(answer.status, `${method} ${path}`).to.equal(404);
      expect(answer.body.faultstring).to.equal(gone);
    }
    expect((await bench.ask('get', other)).body).to.include({
      name: null,
      provisioning_status: 'ACTIVE',
    });
  });

  it('with a token of a tenant makes objects of this tenant, and of no other one', async () => {
    const blue = await as('operator', 'blue');
    const made = await bench.change('post', '/loadbalancers', { vip }, blue);
    expect(made.body).to.include({ tenant_id: 'blue', project_id: 'blue' });
    await bench.host.finish(made.body.id);
    const before = await bench.ask('get', '/loadbalancers');
    const foreign = await bench.ask('post', '/loadbalancers', { vip, tenant_id: 'red' }, blue);
    expect(foreign.status, foreign.text).to.be.within(400, 404);
    expect((await bench.ask('get', '/loadbalancers')).text).to.equal(before.text);
  });

  it('with a token of a tenant has nothing of what belongs to none', async () => {
    const admin = await as('admin', 'blue');
    for (const [method, path] of [
      ['get', '/secrets'],
      ['delete', `/secrets/${id}`],
      ['get', '/nodes'],
      ['post', '/nodes/1/drain'],
      ['get', '/orphans'],
      ['delete', `/orphans/1/${id}`],
      ['get', '/quotas/red'],
      ['delete', '/quotas/red'],
    ] as const) {
      const answer = await bench.ask(method, path, undefined, admin);
      expect(answer.status, `${method} ${path} ${answer.text}`).to.equal(404);
    }
    const put = await bench.ask('put', '/quotas/red', { quota: { pool: 1 } }, admin);
    expect(put.status).to.equal(404);
    expect((await bench.ask('get', '/quotas')).body).to.deep.equal({ quotas: [] });
  });

  it('that is bound to no tenant has to name one for a new load balancer', async () => {
    const { status, body } = await bench.ask('post', '/loadbalancers', { vip });
    expect(status).to.equal(400);
    expect(body.faultstring).to.equal(
      'Validation failure: Missing project ID in request where one is required.',
    );
  });
});
