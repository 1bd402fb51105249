import { randomUUID } from 'node:crypto';

import { expect } from 'chai';

import { ofCases, unknown } from './networks.ts';
import {
  type Case,
  type Cases,
  done,
  immutable,
  keepBusy,
  listed,
  listenerOf,
  poolOf,
  refused,
  shown,
  type World,
} from './world.ts';

// Cases of load balancers, and of trees in one request.

const noSubnet = `${unknown}000000000001`;

function bad(title: string, sent: object, sentence: RegExp, hasTenant = true): Case {
  return [
    title,
    (world) =>
      refused(
        world,
        ['post', '/loadbalancers', { ...(hasTenant && { project_id: world.project }), ...sent }],
        400,
        sentence,
      ),
  ];
}

function good(
  title: string,
  sent: (world: World) => object,
  expected?: (body: Record<string, unknown>) => void,
): Case {
  return [
    title,
    async (world) => {
      world.host.deployer.hold();
      const wanted = {
        vip: { subnet_id: randomUUID() },
        project_id: world.project,
        ...sent(world),
      };
      const made = await world.bench.ask('post', '/loadbalancers', wanted);
      expect(made.status, made.text).to.equal(202);
      expect(made.body).to.include({
        provisioning_status: 'PENDING_CREATE',
        operating_status: 'OFFLINE',
        tenant_id: world.project,
      });
      expected?.(made.body);
      await world.host.finish(made.body.id);
      const now = await shown(world, `/loadbalancers/${made.body.id}`);
      expect(now).to.include({ provisioning_status: 'ACTIVE', project_id: world.project });
      expect(now['vip']).to.deep.include(wanted.vip);
    },
  ];
}

/** The parts of a sent tree are in its answer. */
function tree(title: string, listeners: readonly object[]): Case {
  return [
    title,
    async (world) => {
      const sent = {
        vip: { subnet_id: randomUUID() },
        project_id: world.project,
        name: 'tree',
        listeners,
      };
      const made = await world.bench.ask('post', '/loadbalancers', sent);
      expect(made.status, made.text).to.equal(202);
      expectWithin(made.body['listeners'], listeners);
      await world.host.finish(made.body.id);
      const now = await listed(world, `/loadbalancers/${made.body.id}/listeners`);
      expect(now.map((each) => each['provisioning_status'])).to.deep.equal(
        listeners.map(() => 'ACTIVE'),
      );
    },
  ];
}

function expectWithin(answered: unknown, sent: unknown): void {
  if (Array.isArray(sent)) {
    expect(answered).to.be.an('array').with.length(sent.length);
    for (const each of sent as unknown[])
      expect(
        (answered as unknown[]).some((one) => isWithin(one, each)),
        JSON.stringify(each),
      ).to.equal(true);
  } else expect(isWithin(answered, sent)).to.equal(true);
}

function isWithin(answered: unknown, sent: unknown): boolean {
  if (Array.isArray(sent))
    return (
      Array.isArray(answered) && sent.every((each) => answered.some((one) => isWithin(one, each)))
    );
  if (typeof sent !== 'object' || sent === null) return answered === sent;
  return Object.entries(sent).every(([key, value]) =>
    isWithin((answered as Record<string, unknown> | null)?.[key], value),
  );
}

const pool = {
  name: 'pool',
  protocol: 'HTTP',
  lb_algorithm: 'ROUND_ROBIN',
  session_persistence: { type: 'SOURCE_IP', cookie_name: null },
};
const member = { ip_address: '10.0.0.1', protocol_port: 80 };
const monitor = { type: 'PING', delay: 1, timeout: 1, fall_threshold: 1, rise_threshold: 1 };
const rule = { type: 'HOST_NAME', compare_type: 'EQUAL_TO', value: 'localhost', invert: false };
const listener = { name: 'listener', protocol: 'HTTP', protocol_port: 80 };
const toPool = { action: 'REDIRECT_TO_POOL', position: 1, enabled: false };

const pendings = (verb: 'update' | 'delete'): [string, Case][] => {
  const request = (world: World) =>
    verb === 'update'
      ? (['put', world.base, { name: 'b' }] as const)
      : (['delete', world.base] as const);
  const busy =
    (how: 'PENDING_UPDATE' | 'PENDING_DELETE'): Case[1] =>
    async (world) => {
      await keepBusy(world, how);
      await refused(world, request(world), 409, immutable(world));
    };
  return [
    [
      `load_balancer ${verb}_pending_create`,
      [
        `a load balancer that is being created is not to be ${verb}d`,
        async (world) => {
          world.host.deployer.hold();
          const { body } = await world.bench.ask('post', '/loadbalancers', {
            vip: { subnet_id: randomUUID() },
            project_id: world.project,
          });
          const path = `/loadbalancers/${body.id}`;
          await refused(
            world,
            verb === 'update' ? ['put', path, { name: 'b' }] : ['delete', path],
            409,
            immutable({ ...world, lb: body.id }),
          );
        },
      ],
    ],
    [
      `load_balancer ${verb}_pending_update`,
      [`a load balancer that is being updated is not to be ${verb}d`, busy('PENDING_UPDATE')],
    ],
    [
      `load_balancer ${verb}_pending_delete`,
      [`a load balancer that is being deleted is not to be ${verb}d`, busy('PENDING_DELETE')],
    ],
  ];
};

export const loadBalancerCases: Cases = {
  ...Object.fromEntries([...pendings('update'), ...pendings('delete')]),
  'load_balancer create': good(
    'a load balancer that is made is PENDING_CREATE, and then ACTIVE',
    () => ({ name: 'one', description: 'd', enabled: false }),
  ),
  'load_balancer create_over_quota': [
    'a load balancer above the quota is not made',
    async (world) => {
      await world.bench.ask('put', `/quotas/${world.project}`, { quota: { load_balancer: 1 } });
      await refused(
        world,
        ['post', '/loadbalancers', { vip: { subnet_id: randomUUID() }, project_id: world.project }],
        403,
        'Quota has been met for resources: Load Balancer',
      );
    },
  ],
  'load_balancer create_with_duplicate_id': [
    'an id that a load balancer has is not given to another',
    (world) =>
      refused(
        world,
        [
          'post',
          '/loadbalancers',
          {
            id: world.lb,
            name: 'other',
            vip: { subnet_id: randomUUID() },
            project_id: world.project,
          },
        ],
        409,
        'Already an entity with that specified id.',
      ),
  ],
  'load_balancer create_with_empty_vip': bad(
    'a load balancer needs more than an empty vip',
    { vip: {} },
    /VIP must contain one of: port_id, network_id, subnet_id\.$/,
  ),
  'load_balancer create_with_id': good('a load balancer has the id that was sent', () => ({
    id: randomUUID(),
  })),
  'load_balancer create_with_invalid_vip_network_subnet': bad(
    'a subnet that does not exist is refused with a network as well',
    { vip: { subnet_id: noSubnet, network_id: randomUUID() } },
    /^Subnet .* not found\.$/,
  ),
  'load_balancer create_with_invalid_vip_subnet': bad(
    'a subnet that does not exist is refused',
    { vip: { subnet_id: noSubnet } },
    /^Subnet .* not found\.$/,
  ),
  'load_balancer create_with_long_description': bad(
    'a description of 256 characters is refused',
    { description: 'n'.repeat(256), vip: {} },
    /maximum character requirement of 255$/,
    false,
  ),
  'load_balancer create_with_long_name': bad(
    'a name of 256 characters is refused',
    { name: 'n'.repeat(256), vip: {} },
    /maximum character requirement of 255$/,
    false,
  ),
  'load_balancer create_with_nonuuid_vip_attributes': bad(
    'a subnet whose id is no UUID is refused',
    { vip: { subnet_id: 'HI' } },
    /Value should be UUID format$/,
    false,
  ),
  'load_balancer create_with_project_id': good(
    'a load balancer says whose it is',
    ({ project }) => ({ project_id: project }),
  ),
  'load_balancer create_with_vip_full': good(
    'a load balancer has the whole vip that was sent',
    () => ({
      vip: { ip_address: '198.18.77.77', network_id: randomUUID(), subnet_id: randomUUID() },
    }),
  ),
  'load_balancer create_with_vip_network_has_no_subnet': bad(
    'a network without a subnet gives no vip',
    { vip: { network_id: ofCases.empty } },
    /^Validation failure: Supplied network does not contain a subnet\.$/,
  ),
  'load_balancer create_with_vip_network_picks_subnet_ipv4': good(
    'a vip in a network is in its first IPv4 subnet',
    () => ({ vip: { network_id: ofCases.both } }),
    ({ vip }) => {
      expect(vip).to.deep.include({ subnet_id: ofCases.ipv4Subnet });
      expect((vip as { ip_address: string }).ip_address).to.match(/^192\.0\.2\./);
    },
  ),
  'load_balancer create_with_vip_network_picks_subnet_ipv6': good(
    'a vip in a network without IPv4 is in its first IPv6 subnet',
    () => ({ vip: { network_id: ofCases.ipv6 } }),
    ({ vip }) => {
      expect(vip).to.deep.include({ subnet_id: ofCases.ipv6Subnet });
      expect((vip as { ip_address: string }).ip_address).to.match(/^2001:db8::/);
    },
  ),
  'load_balancer create_with_vip_subnet_fills_network': good(
    'a subnet alone fills the network in',
    () => ({}),
    (body) => {
      expect((body['vip'] as { network_id: string }).network_id).to.match(/^[0-9a-f-]{36}$/);
    },
  ),
  'load_balancer create_without_vip': bad(
    'a load balancer needs a vip',
    {},
    /attribute vip\. Value: 'None'\. Mandatory field missing\.$/,
    false,
  ),
  'load_balancer delete': [
    'a load balancer that is removed is PENDING_DELETE, and then DELETED',
    async (world) => {
      world.host.deployer.hold();
      expect((await world.bench.ask('delete', world.base)).status).to.equal(202);
      expect(await shown(world, world.base)).to.include({ provisioning_status: 'PENDING_DELETE' });
      await world.host.finish(world.lb);
      expect(await shown(world, world.base)).to.include({ provisioning_status: 'DELETED' });
      expect(await listed(world, `/loadbalancers?project_id=${world.project}`)).to.deep.equal([]);
    },
  ],
  'load_balancer delete_bad_lb_id': [
    'a load balancer whose id is none is not found by delete',
    (world) =>
      refused(
        world,
        ['delete', '/loadbalancers/bad_uuid'],
        404,
        'Load Balancer bad_uuid not found.',
      ),
  ],
  'load_balancer delete_with_error_status': [
    'a load balancer in ERROR can be removed',
    async (world) => {
      await world.host.force(world.lb, 'ERROR');
      await done(world, 'delete', world.base);
    },
  ],
  'load_balancer delete_with_listener': [
    'a load balancer with a listener is not removed',
    async (world) => {
      await listenerOf(world);
      await refused(
        world,
        ['delete', world.base],
        400,
        `Validation failure: Cannot delete Load Balancer ${world.lb} - it has children`,
      );
    },
  ],
  'load_balancer delete_with_pool': [
    'a load balancer with a pool is not removed',
    async (world) => {
      await poolOf(world);
      await refused(
        world,
        ['delete', world.base],
        400,
        `Validation failure: Cannot delete Load Balancer ${world.lb} - it has children`,
      );
    },
  ],
  'load_balancer empty_list': [
    'a tenant without load balancers has an empty list',
    async (world) => {
      expect(await listed(world, `/loadbalancers?project_id=${randomUUID()}`)).to.deep.equal([]);
    },
  ],
  'load_balancer get': [
    'a load balancer can be read by its id',
    async (world) => {
      expect(await shown(world, world.base)).to.include({
        id: world.lb,
        provisioning_status: 'ACTIVE',
      });
    },
  ],
  'load_balancer get_all': [
    'the list without a tenant has the load balancers of all',
    async (world) => {
      expect((await listed(world, '/loadbalancers')).map(({ id }) => id)).to.include(world.lb);
    },
  ],
  'load_balancer get_all_by_project_id': [
    'the list of a tenant has its load balancers alone',
    async (world) => {
      for (const key of ['project_id', 'tenant_id'])
        expect(
          (await listed(world, `/loadbalancers?${key}=${world.project}`)).map(({ id }) => id),
        ).to.deep.equal([world.lb]);
    },
  ],
  'load_balancer get_bad_lb_id': [
    'a load balancer whose id is none is not found by get',
    (world) => refused(world, ['get', '/loadbalancers/x-1'], 404, 'Load Balancer x-1 not found.'),
  ],
  'load_balancer update': [
    'a change of a load balancer shows it as it was, and afterwards as it was sent',
    async (world) => {
      world.host.deployer.hold();
      const { body } = await world.bench.ask('put', world.base, { name: 'b', enabled: false });
      expect(body).to.include({ name: null, enabled: true, provisioning_status: 'PENDING_UPDATE' });
      await world.host.finish(world.lb);
      expect(await shown(world, world.base)).to.include({
        name: 'b',
        enabled: false,
        provisioning_status: 'ACTIVE',
      });
    },
  ],
  'load_balancer update_bad_lb_id': [
    'a load balancer whose id is none is not found by put',
    (world) =>
      refused(
        world,
        ['put', '/loadbalancers/x-1', { name: 'b' }],
        404,
        'Load Balancer x-1 not found.',
      ),
  ],
  'load_balancer update_with_vip': [
    'the vip of a load balancer cannot be changed',
    (world) =>
      refused(
        world,
        ['put', world.base, { vip: { subnet_id: '1234' } }],
        400,
        'Unknown attribute for argument load_balancer: vip',
      ),
  ],
  'load_balancer with_l7policies_one_redirect_pool_one_rule': tree(
    'a tree may have policies of several kinds',
    [
      {
        ...listener,
        l7policies: [
          { ...toPool, redirect_pool: pool, l7rules: [rule] },
          { action: 'REDIRECT_TO_URL', redirect_url: 'http://127.0.0.1/', position: 2 },
        ],
      },
    ],
  ),
  'load_balancer with_l7policies_redirect_pools_no_rules': tree(
    'a tree may have several policies with pools',
    [
      {
        ...listener,
        l7policies: [
          { ...toPool, redirect_pool: pool },
          { action: 'REDIRECT_TO_POOL', position: 2, redirect_pool: pool },
        ],
      },
    ],
  ),
  'load_balancer with_l7policy_redirect_pool_bad_rule': bad(
    'a tree with a wrong rule is refused as a whole',
    {
      vip: { subnet_id: randomUUID() },
      listeners: [
        {
          ...listener,
          l7policies: [
            { ...toPool, redirect_pool: pool, l7rules: [{ ...rule, value: 'local host' }] },
          ],
        },
      ],
    },
    /^Error parsing L7Rule: Invalid characters in comparison value$/,
  ),
  'load_balancer with_l7policy_redirect_pool_no_rule': tree(
    'a tree may have a policy without rules',
    [{ ...listener, l7policies: [{ ...toPool, redirect_pool: pool }] }],
  ),
  'load_balancer with_l7policy_redirect_pool_one_rule': tree(
    'a tree may have a policy with a rule',
    [{ ...listener, l7policies: [{ ...toPool, redirect_pool: pool, l7rules: [rule] }] }],
  ),
  'load_balancer with_many_listeners': tree('a tree may have several listeners', [
    listener,
    { ...listener, name: 'b', protocol_port: 81 },
  ]),
  'load_balancer with_many_listeners_one_pool': tree(
    'a tree may have a listener with a pool next to one without',
    [listener, { ...listener, name: 'b', protocol_port: 81, default_pool: pool }],
  ),
  'load_balancer with_one_listener': tree('a tree may be one listener', [listener]),
  'load_balancer with_one_listener_one_hm': tree('a tree may have a monitor', [
    { ...listener, default_pool: { ...pool, health_monitor: monitor } },
  ]),
  'load_balancer with_one_listener_one_member': tree('a tree may have a member', [
    { ...listener, default_pool: { ...pool, members: [member] } },
  ]),
  'load_balancer with_one_listener_one_pool': tree('a tree may have a pool', [
    { ...listener, default_pool: pool },
  ]),
  'load_balancer with_one_listener_sni_containers': tree('a tree may have certificates', [
    {
      ...listener,
      protocol: 'TERMINATED_HTTPS',
      tls_certificate_id: 'a1b2',
      sni_containers: ['a', 'b'],
    },
  ]),
  'load_balancer with_one_of_everything': tree('a tree may have one of everything', [
    {
      ...listener,
      default_pool: { ...pool, members: [member], health_monitor: monitor },
      l7policies: [
        {
          ...toPool,
          redirect_pool: { ...pool, members: [{ ...member, protocol_port: 88 }] },
          l7rules: [rule],
        },
      ],
    },
  ]),
  'load_balancer_statistics get': [
    'the figures of a load balancer are the sums of its listeners',
    async (world) => {
      const id = await listenerOf(world);
      const figures = {
        bytes_in: 0,
        bytes_out: 0,
        active_connections: 0,
        total_connections: 0,
        request_errors: 0,
      };
      expect(await shown(world, `${world.base}/stats`)).to.deep.equal({
        loadbalancer: { ...figures, listeners: [{ id, ...figures }] },
      });
    },
  ],
};
