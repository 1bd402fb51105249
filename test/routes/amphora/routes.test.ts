import { join } from 'node:path';

import { expect } from 'chai';
import request from 'supertest';

import { openAuditLog } from '../../../src/changes/audit/audit.ts';
import { makeLock } from '../../../src/changes/lock.ts';
import { makeChangePipeline } from '../../../src/changes/pipeline.ts';
import { Fault, type FaultCode } from '../../../src/kit/fault.ts';
import { makeKnownSecrets } from '../../../src/kit/secrets/known-secrets.ts';
import { failureStatuses, makeAnswerFault } from '../../../src/routes/amphora/errors.ts';
import { amphoraFaults } from '../../../src/routes/amphora/faults.ts';
import {
  amphoraFamily,
  type AmphoraOptions,
  type AmphoraParts,
} from '../../../src/routes/amphora/index.ts';
import { serverFaults } from '../../../src/server/faults.ts';
import { makeApp } from '../../../src/server/table/serve.ts';
import type { Row } from '../../../src/server/table/row.ts';
import {
  activeListener,
  certificateOf,
  md5,
  standInDomain,
  type StandIn,
  stoppedListener,
  unrecordedChanges,
} from '../../support/amphora/stand-in.ts';
import { keepingLog } from '../../support/keeping-log.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const amphora = '6e2bc8a0-2548-4fb7-a5f0-fb1ef4a696ce';
const id = '85e2111b-29c4-44be-94f3-e72045805801';
const mac = '78:31:C1:CE:0B:3C';

function serve(
  results: StandIn = {},
  {
    subject = { CN: 'controller' },
    ...more
  }: AmphoraOptions & Partial<AmphoraParts> & { subject?: object } = {},
) {
  const { domain, calls } = standInDomain(results);
  const { log } = keepingLog();
  const family = amphoraFamily({ domain, changes: unrecordedChanges, log, ...more }, more);
  const before = [certificateOf(subject)];
  return { family, calls, app: makeApp({ log, families: [family], before, elsewhere: family }) };
}

/** The path of a row with values for its parameters. */
function pathOf({ path }: Row, values: Readonly<Record<string, string>> = {}): string {
  const known = { amphora, id, file: 'a.pem', action: 'start', ip: '203.0.113.2', ...values };
  return path.replace(/:(\w+)/g, (_all, name: keyof typeof known) => known[name]);
}

/** A body that the checks of a row accept. */
function bodyOf({ path }: Row): object | undefined {
  if (path.includes('/plug/')) {
    return { mac_address: mac, ...(path.includes('vip') && { subnet_cidr: '203.0.113.0/24' }) };
  }
  return path.endsWith('/topology') ? { topology: 'SINGLE' } : undefined;
}

const send = (app: ReturnType<typeof serve>['app'], each: Row, path = pathOf(each)) => {
  const [method = 'GET'] = each.methods;
  const name = method.toLowerCase() as 'get' | 'put' | 'post' | 'delete';
  const asked = request(app)[name](path);
  return method === 'GET' ? asked : asked.send(bodyOf(each));
};

describe('the routes of the amphora', () => {
  describe('know the caller by the client certificate:', () => {
    it('a name that is not accepted is 401 in the format of the API', async () => {
      const { app } = serve({}, { clients: ['octavia'] });
      const { status, type, body } = await request(app).get('/');
      expect([status, type]).to.deep.equal([401, 'application/json']);
      expect(body).to.include({ message: 'Unauthorized', code: 'client_refused' });
      const accepted = serve({}, { clients: ['octavia', 'controller'] });
      expect((await request(accepted.app).get('/')).status).to.equal(200);
    });

    it('a certificate without a common name is 401', async () => {
      const { status } = await request(serve({}, { subject: {} }).app).get('/');
      expect(status).to.equal(401);
    });

    it('each change is in the audit log with that name, from its beginning on', async () => {
      const file = join(folder.path, 'audit.jsonl');
      const audit = openAuditLog(file);
      const changes = makeChangePipeline({
        lock: makeLock(),
        audit,
        secrets: makeKnownSecrets(),
        run: () => Promise.reject(new Error('no command is expected')),
        changeDeadlineMs: 1000,
      });
      const fault = new Fault('haproxy_not_stopped', 'It hangs.');
      const started = await request(serve({}, { changes }).app).put(
        `/1.0/loadbalancer/${id}/START`,
      );
      expect(started.status).to.equal(202);
      await request(serve({ fault }, { changes }).app).put(`/1.0/loadbalancer/${id}/stop`);
      const entries = await audit.list(10);
      const route = (action: string) => `/1.0/loadbalancer/${id}/${action}`;
      expect(
        entries.map((each) => [each.caller, each.method, each.route, each.outcome]),
      ).to.deep.equal([
        ['controller', 'PUT', route('stop'), 'haproxy_not_stopped'],
        ['controller', 'PUT', route('START'), 'success'],
      ]);
    });
    const folder = temporaryFolder();
  });

  describe('answer errors as the drivers expect them:', () => {
    it('each fault has one of the statuses that are failures to a driver', () => {
      const answer = makeAnswerFault();
      const codes = Object.keys({ ...serverFaults, ...amphoraFaults }) as FaultCode[];
      for (const code of codes) {
        const { status, headers, body } = answer(new Fault(code, 'Do this next.'));
        expect(failureStatuses, code).to.include(status);
        expect(headers['Content-Type']).to.equal('application/json; charset=utf-8');
        expect(JSON.parse(body)).to.include({ code, details: 'Do this next.' });
      }
    });

    it('bodies that are too large or compressed are 400, a full disk is 500, and an overload is 503', () => {
      const answer = makeAnswerFault();
      const statuses = (
        [
          'body_too_large',
          'change_too_large',
          'unsupported_media_type',
          'malformed_request',
          'no_space',
          'tool_timeout',
          'internal_error',
          'overloaded',
          'stopping',
        ] as const
      ).map((code) => answer(new Fault(code, 'x')).status);
      expect(statuses).to.deep.equal([400, 400, 400, 400, 500, 500, 500, 503, 503]);
    });

    it('known secrets are masked in the message and in the details', () => {
      const secrets = makeKnownSecrets();
      secrets.hold(['b20e06cf1abcf29c']);
      const fault = new Fault('keepalived_not_started', 'bad auth_pass b20e06cf1abcf29c here');
      const { body } = makeAnswerFault(secrets)(fault);
      expect(body).to.include('Failed to start keepalived service: bad auth_pass ********');
      expect(body).not.to.include('b20e06');
    });

    it('unknown routes are 404 and wrong methods 405, both as JSON with a message', async () => {
      const { app } = serve();
      for (const [asked, status] of [
        [request(app).get('/2.0/info'), 404],
        [request(app).get('/1.0/topology'), 404],
        [request(app).put('/v0.1/config'), 404],
        [request(app).get(`/1.0/listeners/${id}`), 405],
        [request(app).post('/'), 405],
        [request(app).put(`/1.0/loadbalancer/${id}/haproxy`), 405],
      ] as const) {
        const answer = await asked;
        expect([answer.status, answer.type]).to.deep.equal([status, 'application/json']);
        expect(answer.body).to.have.keys('message', 'details', 'code');
      }
    });
  });

  describe('take the order of a controller with each change of a load balancer:', () => {
    const order = { store: 'f3a1', epoch: 1, revision: 42 };
    const changes = [
      ['put', `/1.0/loadbalancer/${amphora}/${id}/haproxy`],
      ['put', `/1.0/loadbalancer/${id}/certificates/a.pem`],
      ['delete', `/1.0/loadbalancer/${id}/certificates/a.pem`],
      ['put', `/1.0/loadbalancer/${id}/reload`],
      ['delete', `/1.0/listeners/${id}`],
    ] as const;

    for (const [method, path] of changes) {
      it(`${method} ${path.replace(amphora, 'A').replace(id, 'B')}`, async () => {
        const { app, calls } = serve();
        const sent = request(app)[method](path).set('X-HA-Fencing', 'f3a1 1 42');
        expect((await sent).status).to.be.below(300);
        expect(calls.at(-1)?.at(-1)).to.deep.equal(order);
        const stale = new Fault('amphora_order_stale', 'It runs later orders.');
        const refused = await request(serve({ fault: stale }).app)
          [method](path)
          .set('X-HA-Fencing', 'f3a1 1 41');
        expect([refused.status, refused.body.code]).to.deep.equal([409, stale.code]);
      });
    }

    for (const text of ['', 'f3a1', 'f3a1 1', 'f3a1 1 -1', 'f3a1 1 1 1', 'ä 1 1', 'a 1 1e3']) {
      it(`an order like ${JSON.stringify(text)} is 400, and nothing is done`, async () => {
        const { app, calls } = serve();
        const { status, body } = await request(app)
          .put(`/1.0/loadbalancer/${id}/reload`)
          .set('X-HA-Fencing', Buffer.from(text).toString('latin1'));
        expect([status, body.code]).to.deep.equal([400, 'amphora_request_invalid']);
        expect(calls).to.deep.equal([]);
      });
    }
  });

  it('show what a host has of one load balancer, and of all, in 1.0 only', async () => {
    const balancer = {
      id,
      sha256: 'ab'.repeat(32),
      process: 'former' as const,
      certificates: [{ file: 'a.pem', md5 }],
    };
    const document = {
      uuid: id,
      sha256: balancer.sha256,
      process: 'former',
      certificates: [{ file: 'a.pem', md5sum: md5 }],
    };
    const { app } = serve({ balancer });
    expect((await request(app).get(`/1.0/loadbalancer/${id}/state`)).body).to.deep.equal(document);
    expect((await request(app).get('/1.0/loadbalancers')).body).to.deep.equal([document]);
    const unknown = await request(serve().app).get(`/1.0/loadbalancer/${id}/state`);
    const nothing = { uuid: id, sha256: null, process: 'stopped', certificates: [] };
    expect(unknown.body).to.deep.equal(nothing);
    for (const path of ['/0.5/loadbalancers', '/v0.1/loadbalancers']) {
      expect((await request(app).get(path)).status).to.equal(404);
    }
  });

  describe('offer the versions that are configured:', () => {
    it('discovery answers 1.0 on one slash and on two', async () => {
      const { app } = serve();
      for (const path of ['/', '//']) {
        const { status, body } = await request(app).get(path);
        expect([status, body]).to.deep.equal([200, { api_version: '1.0' }]);
      }
    });

    it('without 1.0, discovery is 404, which drivers take for 0.5', async () => {
      const { app } = serve({}, { versions: ['0.5'] });
      for (const path of ['/', '//', '/1.0/info', '/v0.1/info']) {
        expect((await request(app).get(path)).status, path).to.equal(404);
      }
      const { body } = await request(app).get('/info');
      expect(body).to.deep.include({ api_version: '0.5', api_versions: ['0.5'] });
    });
  });

  describe('refuse hostile ids and names with 400 before the domain sees them:', () => {
    const hostile = [
      '..',
      '%2e%2e',
      '%2E%2e%2f%2e%2e',
      'a%2fb',
      'a%00',
      'a%0ab',
      'a%0a',
      'certs',
      'lvs',
      'vrrp',
      'a'.repeat(65),
      '%252e',
    ];
    for (const name of ['amphora', 'id', 'file'] as const) {
      it(`as ${name}, in each route that has one`, async () => {
        const { app, family, calls } = serve();
        const rows = family.rows.filter(({ path }) => path.includes(`:${name}`));
        expect(rows).not.to.have.length(0);
        for (const each of rows) {
          for (const value of [
            ...hostile,
            ...(name === 'file' ? ['a.pem.sh', '.pem', 'a..pem'] : []),
          ]) {
            const path = pathOf(each, { [name]: value });
            const { status, body } = await send(app, each, path);
            expect(status, `${each.methods.join()} ${path} ${JSON.stringify(body)}`).to.equal(400);
          }
        }
        expect(calls).to.deep.equal([]);
      });
    }
  });

  it('answer 503 to each change of every version while the topology changes', async () => {
    const transition = new Fault('topology_transition', 'Try again in a minute.');
    const { app, family, calls } = serve({ transition });
    const changing = family.rows.filter(({ isChange }) => isChange);
    expect(changing).to.have.length.above(30);
    for (const each of changing.filter(({ path }) => !path.endsWith('/topology'))) {
      const { status, body } = await send(app, each);
      expect([status, body], pathOf(each)).to.deep.equal([
        503,
        {
          message: 'Topology transition in progress',
          details: 'Try again in a minute.',
          code: 'topology_transition',
        },
      ]);
    }
    expect(calls).to.deep.equal([]);
    for (const each of family.rows.filter(({ isChange }) => !isChange)) {
      expect((await send(app, each)).status, pathOf(each)).to.equal(200);
    }
  });

  describe('take uploads,', () => {
    const uploads = [
      [`/0.5/listeners/${amphora}/${id}/haproxy`, 201, ['upload', { kind: 'listener', id }]],
      [`/0.5/listeners/${id}/haproxy`, 201, ['upload', { kind: 'listener', id }]],
      [`/1.0/loadbalancer/${amphora}/${id}/haproxy`, 201, ['upload', { kind: 'loadbalancer', id }]],
      [`/1.0/listeners/${amphora}/${id}/udp_listener`, 200, ['lvs.upload', id]],
      [
        `/1.0/loadbalancer/${id}/certificates/a.pem`,
        201,
        ['certificates.upload', { kind: 'loadbalancer', id }, 'a.pem'],
      ],
      ['/1.0/vrrp/upload', 200, ['vrrp.upload']],
      ['/0.5/certificate', 202, ['certify']],
      ['/1.0/config', 202, ['configure']],
    ] as const;

    it('any bytes without a Content-Type, and answer their MD5 without quotes', async () => {
      const bytes = Buffer.from([0, 0xff, 13, 10, 0x80, ...Buffer.from('{"a":1}')]);
      for (const [path, status, call] of uploads) {
        const { app, calls } = serve();
        const answer = await request(app).put(path).unset('Content-Type').send(bytes);
        expect([answer.status, answer.body, answer.get('ETag')], path).to.deep.equal([
          status,
          { message: 'OK' },
          md5,
        ]);
        expect(calls).to.deep.equal([[...call, bytes]]);
      }
    });

    it('up to 8 MiB for haproxy.cfg, 4 MiB for certificates and 1 MiB for others, and refuse more with 400', async () => {
      for (const [path, status] of uploads) {
        const mib = path.includes('haproxy') ? 8 : path.includes('certificate') ? 4 : 1;
        const { app, calls } = serve();
        const put = (bytes: number) => request(app).put(path).send(Buffer.alloc(bytes, 'a'));
        expect((await put(mib * 1024 * 1024)).status, path).to.equal(status);
        const { status: refused, body } = await put(mib * 1024 * 1024 + 1);
        expect([refused, (body as { code: string }).code]).to.deep.equal([400, 'body_too_large']);
        // chai would print the bodies.
        expect(calls.length).to.equal(1);
      }
    });

    it('that are not compressed, and refuse others with 400', async () => {
      const { app, calls } = serve();
      const { status } = await request(app)
        .put('/1.0/vrrp/upload')
        .set('Content-Encoding', 'gzip')
        .send('x');
      expect([status, calls]).to.deep.equal([400, []]);
    });

    it('certificates even before their owner exists, except in v0.1', async () => {
      const pem = (path: string, owners: StandIn['owners']) =>
        request(serve({ ...(owners && { owners }) }).app)
          .put(`${path}/${id}/certificates/a.pem`)
          .send('x');
      expect((await pem('/0.5/listeners', undefined)).status).to.equal(201);
      expect((await pem('/v0.1/listeners', undefined)).status).to.equal(404);
      const known = await pem('/v0.1/listeners', () => Promise.resolve([{ kind: 'listener', id }]));
      expect(known.status).to.equal(201);
    });
  });

  describe('carry out actions', () => {
    it('in any case, and echo an unknown one as it was sent', async () => {
      const { app, calls } = serve();
      for (const action of ['start', 'START', 'ReLoad', 'stop']) {
        expect((await request(app).put(`/0.5/listeners/${id}/${action}`)).status).to.equal(202);
      }
      expect(calls.map(([, , action]) => action)).to.deep.equal([
        'start',
        'start',
        'reload',
        'stop',
      ]);
      for (const path of [`/0.5/listeners/${id}`, `/1.0/loadbalancer/${id}`, '/1.0/vrrp']) {
        const { status, body } = await request(app).put(`${path}/ReStart`);
        expect([status, body]).to.deep.equal([
          400,
          {
            message: 'Invalid Request',
            details: 'Unknown action: ReStart',
            code: 'action_unknown',
          },
        ]);
      }
      expect(calls).to.have.length(4);
    });

    it('and say what was done: a reload that was a start is answered as a start', async () => {
      const details = async (results: StandIn, path: string) => {
        const { body } = await request(serve(results).app).put(path);
        return (body as { details: string }).details;
      };
      const started = `Configuration file is valid\nhaproxy daemon for ${id} started`;
      const path = `/1.0/loadbalancer/${id}`;
      expect(await details({ done: 'start' }, `${path}/reload`)).to.equal(started);
      expect(await details({}, `${path}/reload`)).to.equal(`Listener ${id} reloaded`);
      expect(await details({}, `${path}/stop`)).to.equal(`Listener ${id} stopped`);
      expect(await details({ done: 'reload' }, '/1.0/vrrp/start')).to.equal('keepalived reloaded');
    });

    it('for an LVS listener by its own process, in each version', async () => {
      const lvsListeners = [{ ...activeListener, id, type: 'UDP' as const }];
      for (const path of [`/0.5/listeners/${id}`, `/1.0/loadbalancer/${id}`]) {
        const { app, calls } = serve({ lvsListeners });
        const { body } = await request(app).put(`${path}/reload`);
        expect((body as { details: string }).details).to.equal(
          `keepalivedlvs listener ${id} reloaded`,
        );
        await request(app).delete(`/1.0/listeners/${id}`);
        expect(calls).to.deep.equal([
          ['lvs.act', id, 'reload'],
          ['lvs.remove', id],
        ]);
      }
    });

    it('and DELETE in 1.0 removes a load balancer by its id', async () => {
      const { app, calls } = serve({
        owners: () => Promise.resolve([{ kind: 'loadbalancer', id }]),
      });
      expect((await request(app).delete(`/1.0/listeners/${id}`)).status).to.equal(200);
      expect(calls).to.deep.equal([['remove', { kind: 'loadbalancer', id }]]);
    });
  });

  describe('plug', () => {
    const routes = [{ destination: '198.51.100.0/24', nexthop: '203.0.113.254' }];
    const ofDriver = {
      subnet_cidr: '203.0.113.0/24',
      gateway: '203.0.113.1',
      mac_address: mac,
      vrrp_ip: '203.0.113.5',
      mtu: 1450,
      host_routes: routes,
      additional_vips: [
        { ip_address: '2001:db8::2', subnet_cidr: '2001:db8::/64', gateway: null, host_routes: [] },
      ],
      is_sriov: false,
    };

    it('a VIP with every field of the drivers, and with null for what is missing', async () => {
      const { app, calls } = serve();
      const { status, body } = await request(app).post('/1.0/plug/vip/203.0.113.2').send(ofDriver);
      expect([status, body]).to.deep.equal([
        202,
        { message: 'OK', details: 'VIP 203.0.113.2, 2001:db8::2 plugged on interface eth1' },
      ]);
      const hostRoutes = routes;
      const first = { address: '203.0.113.2', cidr: '203.0.113.0/24', gateway: '203.0.113.1' };
      const second = { address: '2001:db8::2', cidr: '2001:db8::/64', gateway: undefined };
      expect(calls).to.deep.equal([
        [
          'plugVip',
          {
            vips: [
              { ...first, hostRoutes },
              { ...second, hostRoutes: [] },
            ],
            mac: mac.toLowerCase(),
            vrrpIp: '203.0.113.5',
            mtu: 1450,
          },
        ],
      ]);
      const nulls = {
        gateway: null,
        vrrp_ip: null,
        mtu: null,
        host_routes: null,
        additional_vips: null,
      };
      const other = serve();
      const answer = await request(other.app)
        .post('/0.5/plug/vip/203.0.113.2')
        .send({ ...ofDriver, ...nulls });
      expect(answer.status).to.equal(202);
      expect(other.calls).to.deep.equal([
        [
          'plugVip',
          {
            vips: [{ ...first, gateway: undefined, hostRoutes: [] }],
            mac: mac.toLowerCase(),
            vrrpIp: undefined,
            mtu: undefined,
          },
        ],
      ]);
    });

    it('nothing with a wrong or unknown field, which is "Invalid VIP" or "Invalid network port"', async () => {
      const { app, calls } = serve();
      for (const wrong of [
        { subnet_cidr: '203.0.113.0/33' },
        { subnet_cidr: undefined },
        { mac_address: '78:31:c1:ce:0b' },
        { gateway: 'fe80::1%eth0' },
        { vrrp_ip: 7 },
        { mtu: '1450' },
        { host_routes: [{ destination: '198.51.100.0/24' }] },
        { host_routes: {} },
        { additional_vips: [{ ip_address: '1.2.3.4' }] },
        { additional_vips: [null] },
        { subnet_cdir: '203.0.113.0/24' },
      ]) {
        const { status, body } = await request(app)
          .post('/1.0/plug/vip/203.0.113.2')
          .send({ ...ofDriver, ...wrong });
        expect(
          [status, (body as { message: string }).message],
          JSON.stringify(wrong),
        ).to.deep.equal([400, 'Invalid VIP']);
      }
      for (const wrong of [{}, { mac_address: mac, fixed_ips: [{}] }, { mac_address: mac, x: 1 }]) {
        const { status, body } = await request(app).post('/1.0/plug/network').send(wrong);
        expect([status, (body as { message: string }).message]).to.deep.equal([
          400,
          'Invalid network port',
        ]);
      }
      expect(calls).to.deep.equal([]);
    });

    it('a port, with a slash at the end or without, and update one that is plugged', async () => {
      const port = {
        mac_address: mac,
        fixed_ips: [{ ip_address: '10.0.0.5', subnet_cidr: '10.0.0.0/24', host_routes: [] }],
        mtu: 1450,
        vip_net_info: { subnet_cidr: '203.0.113.0/24', anything: [1] },
        is_sriov: true,
      };
      const plug = (path: string, isNew: boolean) =>
        request(serve({ interface: 'eth2', isNew }).app)
          .post(path)
          .send(port);
      const isNew = { message: 'OK', details: 'Plugged interface eth2' };
      for (const path of ['/1.0/plug/network', '/1.0/plug/network/', '/0.5/plug/network/']) {
        expect((await plug(path, true)).body).to.deep.equal(isNew);
      }
      const updated = await plug('/1.0/plug/network', false);
      expect([updated.status, (updated.body as { details: string }).details]).to.deep.equal([
        202,
        'Updated existing interface eth2',
      ]);
      const { status, body } = await plug('/0.5/plug/network', false);
      expect([status, (body as { code: string }).code]).to.deep.equal([409, 'interface_exists']);
    });
  });

  it('give a listener in the shape of its version', async () => {
    const { app } = serve({ listeners: [activeListener, stoppedListener] });
    const get = async (path: string) =>
      (await request(app).get(path)).body as Record<string, unknown>;
    expect(await get(`/0.5/listeners/${activeListener.id}`)).to.deep.equal({
      status: 'ACTIVE',
      uuid: activeListener.id,
      type: 'HTTP',
      pools: activeListener.pools.map((pool) => ({
        uuid: pool.id,
        status: pool.status,
        members: Object.fromEntries(pool.members.map((member) => [member.id, member.status])),
      })),
    });
    const stopped = { status: 'STOPPED', uuid: stoppedListener.id };
    expect(await get(`/0.5/listeners/${stoppedListener.id}`)).to.deep.equal({
      ...stopped,
      type: '',
    });
    expect(await get(`/v0.1/listeners/${stoppedListener.id}`)).to.deep.equal({
      ...stopped,
      type: 'TERMINATED_HTTPS',
      pools: [],
    });
  });

  it('give configurations as text with their MD5', async () => {
    const { app } = serve({ configuration: 'global\n  daemon\n' });
    for (const path of [`loadbalancer/${id}/haproxy`, `listeners/${id}/udp_listener`]) {
      const { status, type, text, headers } = await request(app).get(`/1.0/${path}`);
      expect([status, type, text]).to.deep.equal([200, 'text/plain', 'global\n  daemon\n']);
      expect(headers['etag']).to.equal(md5);
    }
  });
});
