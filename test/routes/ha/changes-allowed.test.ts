import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import type { Role } from '../../../src/access/roles.ts';
import {
  type Call,
  changesBench,
  type Method,
  nodes,
  outcomeOf,
} from '../../support/changes-bench.ts';
import type { FakeCluster } from '../../support/fake-cluster.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const { local, other } = nodes;
const device = 'failoverMeasure_ipmi_bitcoin';

const resourceNamed = (action: string) => `resource/SMB/${action}`;
const nodeNamed = (action: string) => `node/${local}/${action}`;

const forOperators: readonly (readonly [method: Method, path: string])[] = [
  ...['stop', 'start', 'cleanup'].flatMap((action) => [
    ['GET', resourceNamed(action)] as const,
    ['POST', resourceNamed(action)] as const,
  ]),
  ...['restart', 'migrate'].map((action) => ['POST', resourceNamed(action)] as const),
  ...['standby', 'online', 'maintenance', 'unmaintenance'].flatMap((action) => [
    ['GET', nodeNamed(action)] as const,
    ['POST', nodeNamed(action)] as const,
  ]),
];

/** Routes that change something by a documented GET. Each also has a POST. */
const byGet = [
  resourceNamed('delete'),
  nodeNamed('delete'),
  nodeNamed('fence'),
  'destroy',
  'property/stonith-enabled/delete',
  'property/delete_all',
  'corosync/key/generate',
  'alphorn/liferaft/delete_all',
];

const forAdmins: readonly (readonly [method: Method, path: string])[] = [
  ...byGet.flatMap((path) => [['GET', path] as const, ['POST', path] as const]),
  ...[
    'order',
    'order_group',
    'colocation',
    'colocation_group',
    'location',
    'ticket',
    'nothing',
  ].map((type) => ['POST', `constraint/${type}`] as const),
  ...['resource', 'resource/group/set', 'resource/group/remove', 'stonith/create'].map(
    (path) => ['POST', path] as const,
  ),
  ...['update', 'ban', 'clear', 'manage', 'unmanage', 'clone', 'unclone'].map(
    (action) => ['POST', resourceNamed(action)] as const,
  ),
  ...['stonith/level/create', 'stonith/level/1/delete', `stonith/${device}/delete`].map(
    (path) => ['POST', path] as const,
  ),
  ...[`stonith/${device}/update`, 'property/batch-limit/set', 'constraint/startingSMB/delete'].map(
    (path) => ['POST', path] as const,
  ),
  ...['corosync', 'corosync/raw', 'corosync/key', 'reset_all'].map(
    (path) => ['POST', path] as const,
  ),
  ...['start', 'stop', 'restart', 'enable', 'disable'].map(
    (action) => ['POST', `services/pcsd.service/${action}`] as const,
  ),
  ...[
    'resource/SMB',
    'resource/group/SMB',
    `stonith/${device}`,
    'stonith/level/1',
    nodeNamed(''),
  ].map((path) => ['DELETE', path.replace(/\/$/, '')] as const),
  ...['constraint/startingSMB', 'property/stonith-enabled'].map(
    (path) => ['DELETE', path] as const,
  ),
  ...['resource/SMB', `stonith/${device}`].map((path) => ['PATCH', path] as const),
  ['PUT', 'property/batch-limit'],
  ...['alphorn', 'alphorn/liferaft/liferaft_1234abcd.tar/restore', 'alphorn/restore/undo'].map(
    (path) => ['POST', path] as const,
  ),
  ...['alphorn/liferaft', 'alphorn/liferaft/liferaft_1234abcd.tar'].map(
    (path) => ['DELETE', path] as const,
  ),
];

describe('who may change what', () => {
  const folder = temporaryFolder();
  /** The changes share one bench, because none of them is made. */
  async function as(role: Role): Promise<{ call: Call; cluster: FakeCluster }> {
    await mkdir(join(folder.path, role));
    return changesBench(join(folder.path, role), { role });
  }

  for (const [role, routes, needed] of [
    ['viewer', forOperators, 'operator'],
    ['viewer', forAdmins, 'admin'],
    ['operator', forAdmins, 'admin'],
  ] as const) {
    it(`the role ${role} may neither make nor try what needs the role ${needed}, and the answer says so`, async () => {
      const { call, cluster } = await as(role);
      for (const [method, path] of routes) {
        for (const query of ['', '?dry_run=true']) {
          const answer = await call(method, path + query);
          const what = `${method} ${path}${query}`;
          expect(outcomeOf(answer), what).to.deep.equal([403, 'role_required']);
          expect(answer.body, what).to.have.property('detail').that.includes(`needs ${needed}`);
        }
      }
      expect(cluster.calls).to.deep.equal([]);
    });
  }

  it('an operator may do what keeps the cluster running', async () => {
    const { call, cluster } = await as('operator');
    for (const [method, path] of forOperators) {
      const { status } = await call(method, path, path.endsWith('/migrate') ? { node: other } : {});
      expect(status, `${method} ${path}`).to.equal(200);
    }
    expect(cluster.changes()).not.to.deep.equal([]);
  });

  it('nobody may change anything without a token', async () => {
    const { app, cluster } = await changesBench(folder.path);
    const answer = await app.client.get('/api/v2/system/ha/destroy');
    expect(outcomeOf(answer)).to.deep.equal([401, 'unauthenticated']);
    expect(cluster.calls).to.deep.equal([]);
  });

  it('root may change everything on the socket', async () => {
    const { app, cluster } = await changesBench(folder.path);
    const { default: request } = await import('supertest');
    const answer = await request(app.apps.socket).get(
      `/api/v2/system/ha/${resourceNamed('delete')}`,
    );
    expect(answer.status).to.equal(200);
    expect(cluster.changes()).not.to.deep.equal([]);
  });

  it('nobody may change anything by HEAD, which is refused and starts nothing', async () => {
    const { call, cluster } = await as('admin');
    const changing = [...forOperators, ...forAdmins].map(([method, path]) => ({ method, path }));
    const posts = changing.filter(({ method }) => method === 'POST').map(({ path }) => path);
    const readable = /^(?:constraint\/\w+|resource|corosync(?:\/raw|\/key)?|alphorn)$/;
    for (const path of posts.filter((each) => !readable.test(each))) {
      const answer = await call('HEAD', path);
      expect(answer.status, path).to.equal(405);
      expect(answer.headers['allow'], path).to.match(/^(?:GET, )?POST$/);
    }
    expect(cluster.calls).to.deep.equal([]);
  });

  it('an unknown method is refused, and the answer lists the known ones', async () => {
    const { call, cluster } = await as('admin');
    for (const [method, path, allow] of [
      ['PUT', resourceNamed('stop'), 'GET, POST'],
      ['DELETE', nodeNamed('standby'), 'GET, POST'],
      ['GET', resourceNamed('migrate'), 'POST'],
      ['GET', 'stonith/create', 'POST'],
      ['GET', 'reset_all', 'POST'],
      ['POST', 'property/batch-limit', 'GET, HEAD, PUT, DELETE'],
      ['PUT', 'resource/SMB', 'GET, HEAD, DELETE, PATCH'],
      ['PUT', 'constraint/order', 'GET, HEAD, POST, DELETE'],
      ['POST', 'audit', 'GET, HEAD'],
    ] as const) {
      const answer = await call(method, path, {});
      expect([...outcomeOf(answer), answer.headers['allow']]).to.deep.equal([
        405,
        'method_not_allowed',
        allow,
      ]);
    }
    expect(cluster.calls).to.deep.equal([]);
  });

  it('the body of a documented GET is not read', async () => {
    const { app, cluster } = await changesBench(folder.path);
    for (const [body, type] of [
      ['{"dry_run":true,"name":"ZFS"}', 'application/json'],
      ['{ no JSON', 'application/json'],
      ['x=1', 'text/plain'],
      [`"${'x'.repeat(2_000_000)}"`, 'application/json'],
    ] as const) {
      const answer = await app.client
        .get(`/api/v2/system/ha/${resourceNamed('stop')}`)
        .set({ token: app.token, 'Content-Type': type })
        .send(body);
      expect([answer.status, answer.text], body.slice(0, 20)).to.deep.equal([
        200,
        '{"name":"SMB"}',
      ]);
    }
    // A resource that is stopped already needs no change.
    expect(cluster.cibs).to.have.lengthOf(2);
    expect(cluster.xml()).not.to.include('id="ZFS-meta_attributes-target-role"');
  });
});
