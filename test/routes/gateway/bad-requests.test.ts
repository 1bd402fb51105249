import { expect } from 'chai';
import request from 'supertest';

import {
  type AnsweredBody,
  type GatewayBench,
  gatewayBench,
  groupOf,
} from '../../support/controller/gateway-bench.ts';

type Refused = readonly [
  what: string,
  method: 'post' | 'put' | 'delete' | 'get' | 'patch',
  path: string,
  body: unknown,
  status: number,
  code: string,
  field?: string,
];

const groups = '/1/virtual_groups';
const one = `${groups}/1`;
const node = { node: 1, interface: 'eth0', priority: 150 };
const other = groupOf({ name: 'VG2', virtual_ip: '10.0.0.102' });

/** A POST of a group that differs in these fields. */
const posted = (what: string, more: object, code = 'invalid_request', status = 400): Refused => [
  what,
  'post',
  groups,
  { ...other, ...more },
  status,
  code,
];
/** A POST of a group with this node. */
const withNode = (what: string, more: object, code = 'invalid_request', status = 400): Refused =>
  posted(what, { real_nodes: [{ ...node, ...more }] }, code, status);
const withCheck = (what: string, more: object): Refused =>
  posted(what, { check: { type: 'http', port: 80, ...more } });

const bad: readonly Refused[] = [
  posted('a missing name', { name: undefined }),
  posted('an empty name', { name: '' }),
  posted('a name of 65 characters', { name: 'a'.repeat(65) }),
  posted('a name with a blank', { name: 'VG 2' }),
  posted('a name with a slash', { name: 'VG/2' }),
  posted('a name with a line break', { name: 'VG2\n' }),
  posted('a number as name', { name: 2 }),
  posted('null as name', { name: null }),
  posted('a name that is taken', { name: 'VG1' }, 'name_taken', 409),
  posted('no address', { virtual_ip: undefined }),
  posted('null as both addresses', { virtual_ip: null, virtual_ipv6: null }),
  posted('an address that is none', { virtual_ip: 'ten' }),
  posted('an address with five parts', { virtual_ip: '10.0.0.1.2' }),
  posted('an address with a leading zero', { virtual_ip: '10.0.0.010' }),
  posted('an address of IPv6 as virtual_ip', { virtual_ip: 'fd00::1' }),
  posted('an address of IPv4 as virtual_ipv6', { virtual_ipv6: '10.0.0.103' }),
  posted('an address with a zone', { virtual_ipv6: 'fe80::1%eth0' }),
  posted('a link-local address', { virtual_ipv6: 'fe80::1' }),
  posted('a link-local address of IPv4', { virtual_ip: '169.254.1.1' }),
  posted('a loopback address', { virtual_ip: '127.0.0.1' }),
  posted('a loopback address of IPv6', { virtual_ipv6: '::1' }),
  posted('a multicast address', { virtual_ip: '224.0.0.18' }),
  posted('a multicast address of IPv6', { virtual_ipv6: 'ff02::12' }),
  posted('the unspecified address', { virtual_ip: '0.0.0.0' }),
  posted('the broadcast address', { virtual_ip: '255.255.255.255' }),
  posted('a mapped address', { virtual_ipv6: '::ffff:10.0.0.5' }),
  posted('the address of a network', { virtual_ip: '10.0.0.0' }),
  posted('the broadcast address of a network', { virtual_ip: '10.0.0.255' }),
  posted('a prefix length of 33', { virtual_ip: '10.0.0.102/33' }),
  posted('a prefix length of 0', { virtual_ip: '10.0.0.102/0' }),
  posted('an empty prefix length', { virtual_ip: '10.0.0.102/' }),
  posted('a prefix length of 129', { virtual_ipv6: 'fd00::5/129' }),
  posted('a list as address', { virtual_ip: ['10.0.0.102'] }),
  posted('an address that another group has', { virtual_ip: '10.0.0.100' }, 'address_taken', 409),
  posted('that address with a prefix', { virtual_ip: '10.0.0.100/25' }, 'address_taken', 409),
  posted('an address of a node itself', { virtual_ip: '10.0.0.3' }, 'address_taken', 409),
  posted('a status of 3', { status: 3 }),
  posted('a status of -1', { status: -1 }),
  posted('a status in quotes', { status: '1' }),
  posted('null as status', { status: null }),
  posted('a router id of 0', { router_id: 0 }),
  posted('a router id of 256', { router_id: 256 }),
  posted('a router id of 1.5', { router_id: 1.5 }),
  posted('a router id that is taken', { router_id: 1 }, 'router_id_taken', 409),
  posted('a router id that another router uses', { router_id: 7 }, 'router_id_taken', 409),
  posted('a text as is_healthy', { is_healthy: 'yes' }),
  posted('a number as online_status', { online_status: 1 }),
  posted('a number as preempt', { preempt: 1 }),
  posted('a text as unicast', { unicast: 'true' }),
  posted('an unknown field', { virtualip: '10.0.0.103' }),
  posted('an object as real_nodes', { real_nodes: {} }),
  posted('null as real_nodes', { real_nodes: null }),
  posted('65 nodes', { real_nodes: Array(65).fill(node) }),
  posted('a number in real_nodes', { real_nodes: [1] }),
  posted('null in real_nodes', { real_nodes: [null] }),
  withNode('a node without an id', { node: undefined }),
  withNode('an unknown node', { node: 99 }, 'node_not_found', 400),
  withNode('a node of another gateway', { node: 3 }, 'node_not_found', 400),
  withNode('a text as node', { node: '1' }),
  withNode('a node 0', { node: 0 }),
  withNode('a node 1.5', { node: 1.5 }),
  withNode('a missing interface', { interface: undefined }),
  withNode('an interface with a slash', { interface: 'eth0/../x' }),
  withNode('an interface of 16 characters', { interface: 'e'.repeat(16) }),
  withNode('an interface with a brace', { interface: 'eth0}' }),
  withNode('an interface that the node lacks', { interface: 'eth9' }),
  withNode('an interface without an address', { interface: 'eth2' }),
  withNode('a missing priority', { priority: undefined }),
  withNode('a priority of 0', { priority: 0 }),
  withNode('a priority of 255', { priority: 255 }),
  withNode('a priority of 256', { priority: 256 }),
  withNode('a priority of 1.5', { priority: 1.5 }),
  withNode('a priority in quotes', { priority: '100' }),
  withNode('an interval of 0', { interval: 0 }),
  withNode('an interval of 41', { interval: 41 }),
  withNode('an interval of 0.005', { interval: 0.005 }),
  withNode('a text as interval', { interval: '1' }),
  withNode('a text as keepalived_managed', { keepalived_managed: 'true' }),
  withNode('a status of 4', { status: 4 }),
  withNode('a number as detail', { detail: 1 }),
  withNode('an unknown field of a node', { weight: 1 }),
  posted('two intervals', {
    real_nodes: [
      { ...node, interval: 1 },
      { ...node, node: 2, interval: 2 },
    ],
  }),
  posted('a node twice', { real_nodes: [node, node] }, 'node_twice', 409),
  posted('interfaces in two segments', {
    real_nodes: [node, { ...node, node: 2, interface: 'eth1' }],
  }),
  posted('interfaces without an address of IPv6', {
    virtual_ip: null,
    virtual_ipv6: 'fd00::9',
    real_nodes: [
      { ...node, interface: 'eth1' },
      { ...node, node: 2, interface: 'eth1' },
    ],
  }),
  withCheck('a check of another type', { type: 'udp' }),
  withCheck('a check without a port', { port: undefined }),
  withCheck('a check of port 0', { port: 0 }),
  withCheck('a check of port 65536', { port: 65536 }),
  withCheck('a path without a slash', { path: 'health' }),
  withCheck('a path with a blank', { path: '/a b' }),
  withCheck('a path with a quote', { path: '/"' }),
  withCheck('a path with a line break', { path: '/a\n' }),
  withCheck('a path for TCP', { type: 'tcp', path: '/' }),
  withCheck('a timeout over the interval', { interval: 2, timeout: 3 }),
  withCheck('a check that never falls', { fall: 0 }),
  withCheck('an unknown field of a check', { command: '/bin/sh' }),
  posted('a list as check', { check: [] }),
  ['a list as body', 'post', groups, [], 400, 'invalid_request'],
  ['a text as body', 'post', groups, '"VG2"', 400, 'invalid_request'],
  ['a body that is cut off', 'post', groups, '{"name": "VG2"', 400, 'invalid_request'],
  ['no body', 'post', groups, undefined, 400, 'invalid_request'],
  ['a gateway that is not there', 'post', '/9/virtual_groups', other, 404, 'gateway_not_found'],
  ['a gateway that is no number', 'post', '/x/virtual_groups', other, 400, 'invalid_request'],
  ['a gateway 0', 'post', '/0/virtual_groups', other, 400, 'invalid_request'],
  ['a wrong dry_run', 'post', `${groups}?dry_run=yes`, other, 400, 'invalid_request'],
  ['an unknown parameter', 'post', `${groups}?dryrun=true`, other, 400, 'invalid_request'],
  ['a PUT to the collection', 'put', groups, other, 405, 'method_not_allowed'],
  ['a PATCH', 'patch', one, {}, 405, 'method_not_allowed'],
  ['a group that is not there', 'put', `${groups}/9`, {}, 404, 'group_not_found'],
  ['a group of another gateway', 'put', '/2/virtual_groups/1', {}, 404, 'group_not_found'],
  ['a group that is no number', 'put', `${groups}/VG1`, {}, 400, 'invalid_request'],
  ['another router id in a PUT', 'put', one, { router_id: 2 }, 409, 'router_id_taken'],
  ['a PUT that takes the only address', 'put', one, { virtual_ip: null }, 400, 'invalid_request'],
  ['a PUT with the id of another group', 'put', one, { id: 2 }, 400, 'invalid_request'],
  ['a PUT with the name of another group', 'put', one, { name: 'used' }, 409, 'name_taken'],
  [
    'a PUT with the address of another',
    'put',
    one,
    { virtual_ip: '10.0.0.110' },
    409,
    'address_taken',
  ],
  [
    'a PUT with two intervals',
    'put',
    one,
    {
      real_nodes: [
        { ...node, interval: 1 },
        { ...node, node: 2, interval: 2 },
      ],
    },
    400,
    'invalid_request',
  ],
  [
    'a PUT with an unknown node',
    'put',
    one,
    { real_nodes: [{ ...node, node: 99 }] },
    400,
    'node_not_found',
  ],
  ['a DELETE of what is not there', 'delete', `${groups}/9`, undefined, 404, 'group_not_found'],
  ['a DELETE with a wrong force', 'delete', `${one}?force=1`, undefined, 400, 'invalid_request'],
  ['page 0', 'get', `${groups}?page=0`, undefined, 400, 'invalid_request'],
  ['a page that is no number', 'get', `${groups}?page=one`, undefined, 400, 'invalid_request'],
  ['1001 groups on a page', 'get', `${groups}?page_size=1001`, undefined, 400, 'invalid_request'],
  ['a gateway without a name', 'post', '/', {}, 400, 'invalid_request'],
  ['a gateway with a taken name', 'post', '/', { name: 'edge' }, 409, 'name_taken'],
  ['a gateway of an unknown node', 'post', '/', { name: 'x', nodes: [99] }, 400, 'node_not_found'],
  [
    'a gateway with a text as nodes',
    'post',
    '/',
    { name: 'x', nodes: '1' },
    400,
    'invalid_request',
  ],
  ['a gateway that loses a used node', 'put', '/1', { nodes: [2] }, 409, 'node_in_use'],
  ['a DELETE of a gateway with groups', 'delete', '/1', undefined, 409, 'gateway_in_use'],
  ['an unknown node in a gateway', 'post', '/1/nodes', { node: 99 }, 400, 'node_not_found'],
  ['a DELETE of a used node', 'delete', '/1/nodes/1', undefined, 409, 'node_in_use'],
  ['a DELETE of a node elsewhere', 'delete', '/1/nodes/3', undefined, 404, 'node_not_found'],
];

describe('a bad request about keepalived groups', () => {
  let bench: GatewayBench;
  let rows: string;
  const ordered = () => bench.nodes.of(1).orders.length + bench.nodes.of(2).orders.length;
  before(async () => {
    bench = await gatewayBench();
    await bench.ask('post', '/', { name: 'edge', nodes: [1, 2] });
    await bench.ask('post', '/', { name: 'other', nodes: [3] });
    await bench.ask('post', groups, groupOf());
    await bench.ask('post', groups, groupOf({ name: 'used', virtual_ip: '10.0.0.110' }));
    const seen = { interface: 'eth0', family: 'ipv4', routerId: 7, source: '10.0.0.9' } as const;
    bench.nodes.say(2, { ['otherRouters']: [seen] });
    rows = await bench.rows();
  });
  after(() => bench.stop());

  for (const [what, method, path, body, status, code] of bad) {
    it(`is refused if it has ${what}, and nothing is changed`, async () => {
      const orders = ordered();
      const answer = await bench.ask(method, path, body);
      expect(answer.text).to.include(`"code":"${code}"`);
      expect(answer.status).to.equal(status);
      const { msg, status: inBody } = answer.body;
      expect(inBody).to.equal(status);
      expect(msg).to.match(/\.$/);
      expect(await bench.rows()).to.equal(rows);
      expect(ordered()).to.equal(orders);
    });
  }

  it('is listed at least sixty times here', () => {
    expect(bad.length).to.be.greaterThan(60);
  });

  it('is one without a token, or with a role that may not change anything', async () => {
    const url = '/admin-api/gateway/1/virtual_groups';
    const without = await request(bench.app).post(url).send(other);
    const { code, status: inBody, msg } = without.body as AnsweredBody;
    expect([without.status, code, inBody]).to.deep.equal([401, 'unauthenticated', 401]);
    expect(msg).to.include('API-Token');
    const viewer = await bench.tokenOf('viewer');
    const refused = await request(bench.app).post(url).set('API-Token', viewer).send(other);
    expect([refused.status, (refused.body as AnsweredBody).code]).to.deep.equal([
      403,
      'role_required',
    ]);
    const read = await request(bench.app).get(url).set('Authorization', `Bearer ${viewer}`);
    expect(read.status).to.equal(200);
    expect(await bench.rows()).to.equal(rows);
  });

  it('is the 256th group of a segment', async function () {
    this.timeout(60_000);
    const full = await gatewayBench();
    await full.gateway();
    for (let id = 1; id <= 255; id += 1) {
      const more = { name: `g${id}`, virtual_ip: `10.0.0.${50 + (id % 200)}`, status: 2 };
      const address = id < 200 ? {} : { virtual_ip: `10.0.9.${id - 199}` };
      const { status } = await full.ask('post', groups, groupOf({ ...more, ...address }));
      expect(status).to.equal(200);
    }
    const before = await full.rows();
    const last = groupOf({ name: 'last', virtual_ip: '10.0.8.1', status: 2 });
    const refused = await full.ask('post', groups, last);
    expect([refused.status, refused.body.code]).to.deep.equal([409, 'router_ids_exhausted']);
    expect(await full.rows()).to.equal(before);
    await full.stop();
  });
});
