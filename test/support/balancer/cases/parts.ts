import { randomUUID } from 'node:crypto';

import { expect } from 'chai';

import { secretOfTest } from '../domain.ts';
import { unknown } from './networks.ts';
import {
  type Case,
  type Cases,
  done,
  immutable,
  listed,
  listenerOf,
  poolOf,
  refused,
  shown,
  type World,
} from './world.ts';

// Cases of listeners, pools, members, monitors, quotas and lists.

const noSubnet = `${unknown}000000000002`;
const ofListener = { protocol: 'HTTP', protocol_port: 80 };
const ofPool = { protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN' };
const ofMember = { ip_address: '10.0.0.1', protocol_port: 80 };
const ofMonitor = { type: 'HTTP', delay: 2, timeout: 1, fall_threshold: 1, rise_threshold: 1 };
const cookie = { type: 'HTTP_COOKIE', cookie_name: 'one' };
const noListener = 'Listener SEAN-CONNERY not found.';

const members = (world: World, pool: string) => `${world.base}/pools/${pool}/members`;

/** Below a pool with or without a listener the same is made. */
function madeBelow(
  title: string,
  hasListener: boolean,
  part: 'members' | 'healthmonitor',
  sent: object,
): Case {
  return [
    title,
    async (world) => {
      const listener = hasListener ? await listenerOf(world) : undefined;
      const pool = await poolOf(world, listener === undefined ? {} : { listener_id: listener });
      const path = `${world.base}/pools/${pool}/${part}`;
      world.host.deployer.hold();
      const made = await world.bench.ask('post', path, sent);
      expect(made.status, made.text).to.equal(202);
      expect(await shown(world, world.base)).to.include({ provisioning_status: 'PENDING_UPDATE' });
      if (listener !== undefined)
        expect(await shown(world, `${world.base}/listeners/${listener}`)).to.include({
          provisioning_status: 'PENDING_UPDATE',
        });
      await world.host.finish(world.lb);
      expect(await shown(world, part === 'members' ? `${path}/${made.body.id}` : path)).to.include(
        sent,
      );
    },
  ];
}

function badListener(title: string, sent: object, status: number, sentence: RegExp): Case {
  return [
    title,
    (world) =>
      refused(
        world,
        ['post', `${world.base}/listeners`, { ...ofListener, ...sent }],
        status,
        sentence,
      ),
  ];
}

function goodListener(title: string, sent: (world: World) => Promise<object>): Case {
  return [
    title,
    async (world) => {
      const wanted = await sent(world);
      const id = await listenerOf(world, wanted);
      expect(await shown(world, `${world.base}/listeners/${id}`)).to.deep.include(wanted);
    },
  ];
}

function unknownListener(method: 'get' | 'put' | 'delete'): Case {
  return [
    `a listener whose id is none is not found by ${method}`,
    (world) =>
      refused(
        world,
        [
          method,
          `${world.base}/listeners/SEAN-CONNERY`,
          ...(method === 'put' ? [{}] : []),
        ] as never,
        404,
        new RegExp(noListener, 'i'),
      ),
  ];
}

function persistence(
  title: string,
  first: object | null,
  change: object,
  after: object | null,
): Case {
  return [
    title,
    async (world) => {
      const id = await poolOf(world, { session_persistence: first });
      const { body } = await done(world, 'put', `${world.base}/pools/${id}`, change);
      expect(body['session_persistence']).to.deep.equal(first);
      expect(
        (await shown(world, `${world.base}/pools/${id}`))['session_persistence'],
      ).to.deep.equal(after);
    },
  ];
}

async function setQuota(world: World, quota: object): Promise<Record<string, unknown>> {
  const answer = await world.bench.ask('put', `/quotas/${world.project}`, { quota });
  expect(answer.status, answer.text).to.equal(202);
  expect(await shown(world, `/quotas/${world.project}`)).to.deep.equal(answer.body);
  return answer.body['quota'] as Record<string, unknown>;
}

const thirty = { load_balancer: 30, listener: 30, pool: 30, health_monitor: 30, member: 30 };

/** Pages forwards and backwards, in both directions, have each object once. */
async function paged(world: World, path: string, query = ''): Promise<void> {
  const url = (more: string) => `${path}?${query}${more}`;
  const all = (await listed(world, url('sort=name:asc,id'))).map(({ id }) => id);
  const down = (await listed(world, url('sort=name:desc,id:desc'))).map(({ id }) => id);
  expect(down).to.deep.equal([...all].reverse());
  const first = (await listed(world, url('sort_key=name&sort_key=id&limit=2'))).map(({ id }) => id);
  expect(first).to.deep.equal(all.slice(0, 2));
  const second = await listed(world, url(`sort=name,id&limit=2&marker=${String(first[1])}`));
  expect(second.map(({ id }) => id)).to.deep.equal(all.slice(2, 4));
  const back = await listed(
    world,
    url(`sort=name,id&limit=1&page_reverse=true&marker=${String(all[2])}`),
  );
  expect(back.map(({ id }) => id)).to.deep.equal([all[1]]);
  expect(await listed(world, url('limit=infinite'))).to.have.length(all.length);
}

export const partCases: Cases = {
  'api_sort invalid_limit': [
    'a limit that is no number is refused',
    (world) =>
      refused(
        world,
        ['get', '/loadbalancers?limit=a'],
        400,
        "Supplied pagination limit 'a' is not valid.",
      ),
  ],
  'api_sort invalid_marker': [
    'a marker that is no id is refused',
    (world) =>
      refused(
        world,
        ['get', '/loadbalancers?marker=not_a_valid_uuid'],
        400,
        "Supplied pagination marker 'not_a_valid_uuid' is not valid.",
      ),
  ],
  'api_sort invalid_sort_key': [
    'a sort key with two directions is refused',
    (world) =>
      refused(
        world,
        ['get', '/loadbalancers?sort=name%3Adesc%3Aasc'],
        400,
        "Supplied sort key '['name', 'desc', 'asc']' is not valid.",
      ),
  ],
  'api_sort lb_keysort': [
    'load balancers are sorted by their names',
    async (world) => {
      for (const name of ['c', 'a', 'b'])
        await world.bench.ask('post', '/loadbalancers', {
          vip: { subnet_id: randomUUID() },
          project_id: world.project,
          name,
        });
      const found = await listed(
        world,
        `/loadbalancers?sort=name:desc&project_id=${world.project}`,
      );
      expect(found.map(({ name }) => name).filter((name) => name !== null)).to.deep.equal([
        'c',
        'b',
        'a',
      ]);
    },
  ],
  'api_sort listeners_sorting_and_pagination': [
    'listeners are read in pages',
    async (world) => {
      for (const [at, name] of ['c', 'a', 'b', 'd'].entries())
        await listenerOf(world, { name, protocol_port: 80 + at });
      await paged(world, `${world.base}/listeners`);
    },
  ],
  'api_sort loadbalancer_sorting_and_pagination': [
    'load balancers are read in pages',
    async (world) => {
      await done(world, 'put', world.base, { name: 'b' });
      for (const name of ['c', 'a', 'd']) {
        const { body } = await world.bench.ask('post', '/loadbalancers', {
          vip: { subnet_id: randomUUID() },
          project_id: world.project,
          name,
        });
        await world.host.finish(body.id);
      }
      await paged(world, '/loadbalancers', `project_id=${world.project}&`);
    },
  ],
  'api_sort members_sorting_and_pagination': [
    'members are read in pages',
    async (world) => {
      const path = members(world, await poolOf(world));
      const ids: string[] = [];
      for (const port of [83, 81, 82])
        ids.push((await done(world, 'post', path, { ...ofMember, protocol_port: port })).body.id);
      const found = await listed(world, `${path}?sort=protocol_port:asc&limit=2`);
      expect(found.map((each) => each['protocol_port'])).to.deep.equal([81, 82]);
      const rest = await listed(
        world,
        `${path}?sort=protocol_port:asc&marker=${String(found[1]?.['id'])}`,
      );
      expect(rest.map((each) => each['protocol_port'])).to.deep.equal([83]);
    },
  ],
  'health_monitor create_sans_listener': madeBelow(
    'a monitor may be below a pool that no listener uses',
    false,
    'healthmonitor',
    ofMonitor,
  ),
  'health_monitor create_with_listener': madeBelow(
    'a new monitor makes the listener of its pool PENDING',
    true,
    'healthmonitor',
    ofMonitor,
  ),
  'health_monitor duplicate_create': [
    'a pool has at most one monitor',
    async (world) => {
      const path = `${world.base}/pools/${await poolOf(world)}/healthmonitor`;
      await done(world, 'post', path, ofMonitor);
      await refused(
        world,
        ['post', path, ofMonitor],
        409,
        'This pool already has a health monitor',
      );
    },
  ],
  'listener create_defaults': goodListener('a listener needs a protocol and a port alone', () =>
    Promise.resolve({
      name: null,
      description: null,
      enabled: true,
      connection_limit: null,
      default_pool_id: null,
      sni_containers: [],
      insert_headers: {},
    }),
  ),
  'listener create_listener_bad_protocol': badListener(
    'a listener of an unknown protocol is not made',
    { protocol: 'SEAN_CONNERY' },
    400,
    /one of: TCP, HTTP, HTTPS, TERMINATED_HTTPS$/,
  ),
  'listener create_listeners_same_port': [
    'two listeners of a load balancer do not share a port',
    async (world) => {
      await listenerOf(world);
      await refused(
        world,
        ['post', `${world.base}/listeners`, ofListener],
        409,
        'Another Listener on this Load Balancer is already using protocol_port 80',
      );
    },
  ],
  'listener create_with_bad_default_pool_id': badListener(
    'a listener is not made for a pool that does not exist',
    { default_pool_id: randomUUID() },
    404,
    /^Pool .* not found\.$/,
  ),
  'listener create_with_bad_insert_headers': badListener(
    'a listener inserts no other headers',
    { insert_headers: { 'X-Forwarded-Four': 'true' } },
    400,
    /^\{'X-Forwarded-Four': 'true'\} is not a valid option for insert_headers$/,
  ),
  'listener create_with_default_pool_id': goodListener(
    'a listener may use a pool that is there',
    async (world) => ({ default_pool_id: await poolOf(world) }),
  ),
  'listener create_with_shared_default_pool_id': goodListener(
    'two listeners may share a pool',
    async (world) => {
      const pool = await poolOf(world);
      await listenerOf(world, { protocol_port: 81, default_pool_id: pool });
      return { default_pool_id: pool };
    },
  ),
  'listener create_with_tls_termination_data': [
    'a certificate that comes with a listener is not shown',
    async (world) => {
      const id = await listenerOf(world, {
        protocol: 'TERMINATED_HTTPS',
        tls_termination: {
          certificate: 'cert',
          private_key: 'private key',
          intermediate_certificate: 'more',
          passphrase: 'a phrase',
        },
      });
      const now = await shown(world, `${world.base}/listeners/${id}`);
      expect(now).not.to.have.property('tls_termination');
      expect(JSON.stringify(now)).not.to.match(/private key|a phrase/);
    },
  ],
  'listener update_with_tls_termination_data': [
    'a certificate that comes with a change of a listener takes the place of the former one, and is not shown',
    async (world) => {
      const sent = {
        tls_termination: {
          certificate: 'cert',
          private_key: 'private key',
          intermediate_certificate: 'more',
          passphrase: 'a phrase',
        },
      };
      const plain = `${world.base}/listeners/${await listenerOf(world)}`;
      const secure = await listenerOf(world, {
        protocol: 'TERMINATED_HTTPS',
        protocol_port: 443,
        default_tls_container_id: randomUUID(),
      });
      for (const path of [plain, `${world.base}/listeners/${secure}`]) {
        await done(world, 'put', path, sent);
        const now = await shown(world, path);
        expect(JSON.stringify(now)).not.to.match(/private key|a phrase|tls_termination/);
        expect(now['default_tls_container_id']).to.equal(path === plain ? null : secretOfTest);
      }
      const rows = await world.host.store.all('SELECT * FROM balancer_listeners');
      expect(JSON.stringify(rows)).not.to.match(/private key|a phrase/);
    },
  ],
  'listener create_with_valid_insert_headers': goodListener(
    'a listener may insert X-Forwarded-For',
    () => Promise.resolve({ insert_headers: { 'X-Forwarded-For': 'true' } }),
  ),
  'listener delete_bad_listener_id': unknownListener('delete'),
  'listener get_bad_listener_id': unknownListener('get'),
  'listener update_bad_listener_id': unknownListener('put'),
  'listener get_all_bad_lb_id': [
    'the listeners of a load balancer that does not exist are not found',
    (world) =>
      refused(world, ['get', '/loadbalancers/x-1/listeners'], 404, 'Load Balancer x-1 not found.'),
  ],
  'listener update_listener_bad_protocol': [
    'a listener is not changed to an unknown protocol',
    async (world) =>
      refused(
        world,
        ['put', `${world.base}/listeners/${await listenerOf(world)}`, { protocol: 'SEAN_CONNERY' }],
        400,
        /one of: TCP, HTTP/,
      ),
  ],
  'listener update_listeners_same_port': [
    'a listener is not moved onto a port that is taken',
    async (world) => {
      await listenerOf(world);
      const other = await listenerOf(world, { protocol_port: 81 });
      await refused(
        world,
        ['put', `${world.base}/listeners/${other}`, { protocol_port: 80 }],
        409,
        'Another Listener on this Load Balancer is already using protocol_port 80',
      );
    },
  ],
  'listener update_pending_create': [
    'a second listener is refused while the first one is being made',
    async (world) => {
      world.host.deployer.hold();
      expect(
        (await world.bench.ask('post', `${world.base}/listeners`, ofListener)).status,
      ).to.equal(202);
      await refused(
        world,
        ['post', `${world.base}/listeners`, { ...ofListener, protocol_port: 81 }],
        409,
        immutable(world),
      );
    },
  ],
  'listener update_with_bad_default_pool_id': [
    'a listener is not changed to a pool that does not exist',
    async (world) => {
      const path = `${world.base}/listeners/${await listenerOf(world)}`;
      await refused(
        world,
        ['put', path, { default_pool_id: randomUUID() }],
        404,
        /^Pool .* not found\.$/,
      );
      expect(await shown(world, path)).to.include({
        provisioning_status: 'ACTIVE',
        default_pool_id: null,
      });
    },
  ],
  'listener_statistics get': [
    'the figures of a listener are bare and wrapped',
    async (world) => {
      const figures = {
        bytes_in: 0,
        bytes_out: 0,
        active_connections: 0,
        total_connections: 0,
        request_errors: 0,
      };
      expect(
        await shown(world, `${world.base}/listeners/${await listenerOf(world)}/stats`),
      ).to.deep.equal({ ...figures, listener: figures });
    },
  ],
  'load_balancer db_create_failure': [
    'a tree that is above the quota of members makes nothing',
    async (world) => {
      await setQuota(world, { member: 0 });
      const before = await listed(world, `/loadbalancers?project_id=${world.project}`);
      await refused(
        world,
        [
          'post',
          '/loadbalancers',
          {
            vip: { subnet_id: randomUUID() },
            project_id: world.project,
            listeners: [{ ...ofListener, default_pool: { ...ofPool, members: [ofMember] } }],
          },
        ],
        403,
        'Quota has been met for resources: Member',
      );
      expect(await listed(world, `/loadbalancers?project_id=${world.project}`)).to.deep.equal(
        before,
      );
    },
  ],
  'member create_sans_listener': madeBelow(
    'a member may be below a pool that no listener uses',
    false,
    'members',
    ofMember,
  ),
  'member create_with_attached_listener': madeBelow(
    'a new member makes the listener of its pool PENDING',
    true,
    'members',
    ofMember,
  ),
  'member create_with_monitor_address_and_port': madeBelow(
    'a member may be checked at another address',
    true,
    'members',
    { ...ofMember, monitor_address: '192.0.2.3', monitor_port: 80 },
  ),
  'member create_with_valid_subnet': madeBelow('a member may be in a subnet', false, 'members', {
    ...ofMember,
    subnet_id: randomUUID(),
  }),
  'member create_with_bad_subnet': [
    'a member is not in a subnet that does not exist',
    async (world) =>
      refused(
        world,
        ['post', members(world, await poolOf(world)), { ...ofMember, subnet_id: noSubnet }],
        400,
        `Subnet ${noSubnet} not found.`,
      ),
  ],
  'member duplicate_create': [
    'two members of a pool do not share address and port',
    async (world) => {
      const path = members(world, await poolOf(world));
      await done(world, 'post', path, ofMember);
      await refused(
        world,
        ['post', path, ofMember],
        409,
        'Another member on this pool is already using ip 10.0.0.1 on protocol_port 80',
      );
    },
  ],
  'member duplicate_update': [
    'a member is not moved onto a port that is taken',
    async (world) => {
      const path = members(world, await poolOf(world));
      await done(world, 'post', path, ofMember);
      const { body } = await done(world, 'post', path, { ...ofMember, protocol_port: 81 });
      await refused(
        world,
        ['put', `${path}/${body.id}`, { protocol_port: 80 }],
        409,
        'Another member on this pool is already using ip 10.0.0.1 on protocol_port 80',
      );
    },
  ],
  'pool add_session_persistence': persistence(
    'a pool may get a persistence later',
    null,
    { session_persistence: cookie },
    cookie,
  ),
  'pool delete_session_persistence': persistence(
    'null takes the persistence away',
    cookie,
    { session_persistence: null },
    null,
  ),
  'pool update_preserve_session_persistence': persistence(
    'a change of a name leaves the persistence',
    cookie,
    { name: 'b' },
    cookie,
  ),
  'pool update_session_persistence': persistence(
    'a part of a persistence changes this part',
    cookie,
    { session_persistence: { cookie_name: 'two' } },
    { ...cookie, cookie_name: 'two' },
  ),
  'pool update_bad_session_persistence': [
    'a persistence is not changed to an unknown type',
    async (world) =>
      refused(
        world,
        [
          'put',
          `${world.base}/pools/${await poolOf(world, { session_persistence: cookie })}`,
          { session_persistence: { type: 'fake' } },
        ],
        400,
        /attribute type\. .*one of/,
      ),
  ],
  'pool create_bad_protocol': [
    'a pool of an unknown protocol is not made',
    (world) =>
      refused(
        world,
        ['post', `${world.base}/pools`, { ...ofPool, protocol: 'STUPID' }],
        400,
        /one of: TCP, HTTP, HTTPS, PROXY$/,
      ),
  ],
  'pool create_sans_listener': [
    'a pool needs no listener',
    async (world) => {
      const id = await poolOf(world);
      expect((await listed(world, `${world.base}/pools`)).map((each) => each['id'])).to.deep.equal([
        id,
      ]);
    },
  ],
  'pool create_with_bad_session_persistence': [
    'a pool with a persistence of an unknown type is not made',
    (world) =>
      refused(
        world,
        ['post', `${world.base}/pools`, { ...ofPool, session_persistence: { type: 'fake' } }],
        400,
        /attribute type\. .*one of/,
      ),
  ],
  'pool create_with_listener_id_in_pool_dict': [
    'a pool may name the listener that is to use it',
    async (world) => {
      const listener = await listenerOf(world);
      const id = await poolOf(world, { listener_id: listener });
      expect(await shown(world, `${world.base}/listeners/${listener}`)).to.include({
        default_pool_id: id,
      });
    },
  ],
  'pool create_with_listener_with_default_pool_id_set': [
    'a listener has at most one default pool',
    async (world) => {
      const path = `${world.base}/listeners/${await listenerOf(world)}`;
      await poolOf(world, {}, path);
      await refused(
        world,
        ['post', `${path}/pools`, ofPool],
        409,
        'This listener already has a default pool',
      );
    },
  ],
  'pool create_with_proxy_protocol': [
    'a pool may speak the PROXY protocol',
    async (world) => {
      expect(
        await shown(world, `${world.base}/pools/${await poolOf(world, { protocol: 'PROXY' })}`),
      ).to.include({ protocol: 'PROXY' });
    },
  ],
  'pool create_with_session_persistence': [
    'a pool may have a persistence from the beginning',
    async (world) => {
      expect(
        (
          await shown(
            world,
            `${world.base}/pools/${await poolOf(world, { session_persistence: cookie })}`,
          )
        )['session_persistence'],
      ).to.deep.equal(cookie);
    },
  ],
  'pool delete_with_l7policy': [
    'a pool to which a policy points is not removed',
    async (world) => {
      const id = await poolOf(world);
      const path = `${world.base}/listeners/${await listenerOf(world)}/l7policies`;
      const { body } = await done(world, 'post', path, {
        action: 'REDIRECT_TO_POOL',
        redirect_pool_id: id,
      });
      await refused(
        world,
        ['delete', `${world.base}/pools/${id}`],
        409,
        `Pool ${id} is in use by L7 policy ${body.id}`,
      );
    },
  ],
  'pool delete_with_session_persistence': [
    'a pool is removed with its persistence',
    async (world) => {
      await done(
        world,
        'delete',
        `${world.base}/pools/${await poolOf(world, { session_persistence: cookie })}`,
      );
      expect(await listed(world, `${world.base}/pools`)).to.deep.equal([]);
    },
  ],
  'pool get_all_with_bad_listener': [
    'the pools of a listener that does not exist are not found',
    (world) =>
      refused(
        world,
        ['get', `${world.base}/pools?listener_id=bad_id`],
        404,
        'Listener bad_id not found.',
      ),
  ],
  'pool get_all_with_listener': [
    'the pools of a load balancer can be read by listener',
    async (world) => {
      const listener = await listenerOf(world);
      const id = await poolOf(world, { listener_id: listener });
      await poolOf(world);
      expect(
        (await listed(world, `${world.base}/pools?listener_id=${listener}`)).map(
          (each) => each['id'],
        ),
      ).to.deep.equal([id]);
    },
  ],
  'quotas custom_missing_quotas': [
    'what is not sent of a quota stays the default',
    async (world) => {
      expect(await setQuota(world, { load_balancer: 30, member: 30 })).to.include({
        load_balancer: 30,
        member: 30,
        listener: -1,
      });
    },
  ],
  'quotas custom_partial_quotas': [
    'null in a quota means the default',
    async (world) => {
      expect(await setQuota(world, { ...thirty, listener: null })).to.include({
        load_balancer: 30,
        listener: -1,
      });
    },
  ],
  'quotas custom_quotas': [
    'a tenant has the quota that was set',
    async (world) => {
      expect(await setQuota(world, thirty)).to.deep.equal(thirty);
    },
  ],
  'quotas delete_custom_quotas': [
    'a quota that is removed is the default again',
    async (world) => {
      await setQuota(world, thirty);
      expect((await world.bench.ask('delete', `/quotas/${world.project}`)).status).to.equal(202);
      expect((await shown(world, `/quotas/${world.project}`))['quota']).to.include({
        load_balancer: -1,
        member: -1,
      });
    },
  ],
  'quotas delete_non_existent_custom_quotas': [
    'a quota that was never set is not found by delete',
    (world) => refused(world, ['delete', '/quotas/bogus'], 404, 'Quotas bogus not found.'),
  ],
  'quotas get_all_quotas_no_quotas': [
    'a tenant without a quota of its own is not in the list',
    async (world) => {
      const { quotas } = (await shown(world, '/quotas')) as unknown as {
        quotas: { project_id: string }[];
      };
      expect(quotas.map((each) => each.project_id)).not.to.include(world.project);
    },
  ],
  'quotas get_all_quotas_with_quotas': [
    'the list of quotas has those that were set',
    async (world) => {
      await setQuota(world, thirty);
      const { quotas } = (await shown(world, '/quotas')) as unknown as {
        quotas: { project_id: string }[];
      };
      expect(quotas).to.deep.include({
        project_id: world.project,
        tenant_id: world.project,
        ...thirty,
      });
    },
  ],
  'quotas get_default_quotas': [
    'the default quota can be read',
    async (world) => {
      expect((await shown(world, `/quotas/${world.project}/default`))['quota']).to.deep.equal({
        load_balancer: -1,
        listener: -1,
        member: -1,
        pool: -1,
        health_monitor: -1,
      });
    },
  ],
};
