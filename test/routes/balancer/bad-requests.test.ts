import { expect } from 'chai';
import fc from 'fast-check';

import {
  type Method,
  operatorBench,
  type OperatorBench,
} from '../../support/balancer/operator-bench.ts';
import {
  changesIn,
  type DomainCall,
  recordingDomain,
} from '../../support/balancer/recording-domain.ts';

const id = '95bdcc1f-b2f9-493a-ada5-5323b97b10c9';
const lb = `/loadbalancers/${id}`;
const li = `${lb}/listeners/${id}`;
const po = `${lb}/pools/${id}`;
const policies = `${li}/l7policies`;
const rules = `${policies}/${id}/l7rules`;
const long = 'n'.repeat(256);

const ofLb = { vip: { network_id: id }, project_id: 'blue' };
const ofListener = { protocol: 'HTTP', protocol_port: 80 };
const ofPool = { protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN' };
const ofMember = { ip_address: '10.0.0.1', protocol_port: 80 };
const ofMonitor = { type: 'HTTP', delay: 5, timeout: 3, fall_threshold: 3, rise_threshold: 2 };
const ofRule = { type: 'PATH', compare_type: 'STARTS_WITH', value: '/a' };
const pem = { certificate: 'c', private_key: 'k' };

type BadRow = readonly [
  what: string,
  method: Method,
  path: string,
  body: unknown,
  faultstring: string | RegExp,
  status?: number,
];

/** The same wrong values of one attribute of one kind of object. */
function each(
  method: Method,
  path: string,
  good: object,
  key: string,
  values: readonly unknown[],
  faultstring: RegExp,
): BadRow[] {
  return values.map((value) => [
    `${method} ${path.replaceAll(id, 'ID')} with ${key} ${JSON.stringify(value).slice(0, 60)}`,
    method,
    path,
    { ...good, [key]: value },
    faultstring,
  ]);
}

const notBoolean = /Value not an unambiguous boolean: |Value should be true or false$/;
const notNumber =
  /invalid literal for int\(\)|whole number$|a number was expected|Mandatory field missing|greater or equal|lower or equal/;
const notOneOf = /Value should be one of: |Mandatory field missing/;
const notUuid = /Value should be UUID format$/;
const notAddress = /Value should be IPv4 or IPv6 format$|Mandatory field missing/;
const names = [5, true, {}, [], long, 'a\nb', 'a\u0000b', 'a\u0085b', 'a\u2028b'];
const named = /Value should be string$|requirement of 255$|no control characters$/;
const ports = [0, -5, 65536, 70000, 80.5, '80x', '', null, true, [], {}, '1e3', '0x50'];

const kinds: readonly (readonly [string, object])[] = [
  ['/loadbalancers', ofLb],
  [`${lb}/listeners`, ofListener],
  [`${lb}/pools`, ofPool],
  [policies, { action: 'REJECT' }],
];

const rows: BadRow[] = [
  // Each kind of object.
  ...kinds.flatMap(([path, good]) => [
    ...each('post', path, good, 'name', names, named),
    ...each('post', path, good, 'description', [7, long, 'a\rb'], named),
    ...each('post', path, good, 'enabled', [null, 'True', 'maybe', 2, [], {}], notBoolean),
    ...each('post', path, good, 'id', ['x', 5, '', `${id}0`], notUuid),
  ]),
  ...['/loadbalancers', `${lb}/listeners`, `${lb}/pools`, `${po}/members`].flatMap((path) => {
    const good =
      path === '/loadbalancers'
        ? { vip: { network_id: id } }
        : path.endsWith('listeners')
          ? ofListener
          : path.endsWith('pools')
            ? ofPool
            : ofMember;
    return [
      ...each(
        'post',
        path,
        good,
        'tenant_id',
        [5, 'x'.repeat(37), 'a\tb'],
        /string$|requirement of 36$|control characters$/,
      ),
      ...each(
        'post',
        path,
        good,
        'operating_status',
        ['ONLINE'],
        /^Unknown attribute for argument \w+: operating_status$/,
      ),
    ] as BadRow[];
  }),
  ['two tenants', 'post', '/loadbalancers', { ...ofLb, tenant_id: 'red' }, /that of project_id/],
  // Bodies.
  ['no body', 'post', '/loadbalancers', undefined, 'Missing argument: "load_balancer"'],
  ['an empty body', 'put', lb, '', 'Missing argument: "load_balancer"'],
  ['an empty body of a listener', 'post', `${lb}/listeners`, '', 'Missing argument: "listener"'],
  [
    'a body that is cut short',
    'post',
    '/loadbalancers',
    '{"vip":',
    'Request is not in valid JSON format',
  ],
  ['a text as body', 'post', '/loadbalancers', '"x"', 'Request is not in valid JSON format'],
  ['null as body', 'post', '/loadbalancers', 'null', 'Request is not in valid JSON format'],
  ['a number as body', 'post', `${lb}/pools`, '5', 'Request is not in valid JSON format'],
  ['an array as body', 'post', '/loadbalancers', '[]', /array/],
  [
    'an unknown attribute before a missing one',
    'post',
    '/loadbalancers',
    { a: 1 },
    'Unknown attribute for argument load_balancer: a',
  ],
  [
    'the prototype as attribute',
    'post',
    '/loadbalancers',
    '{"__proto__":{}}',
    'Unknown attribute for argument load_balancer: __proto__',
  ],
  // Load balancers.
  [
    'no vip',
    'post',
    '/loadbalancers',
    {},
    "Invalid input for field/attribute vip. Value: 'None'. Mandatory field missing.",
  ],
  [
    'a vip that is null',
    'post',
    '/loadbalancers',
    { vip: null },
    "Invalid input for field/attribute vip. Value: 'None'. Mandatory field missing.",
  ],
  [
    'an unknown attribute of the vip',
    'post',
    '/loadbalancers',
    { vip: { a: 1 } },
    'Unknown attribute for argument load_balancer.vip: a',
  ],
  ...each('post', '/loadbalancers', ofLb, 'vip', ['x', [], 5], /Value not a valid object/),
  ...['port_id', 'network_id', 'subnet_id'].flatMap((key) =>
    [5, 'x', ''].map((value): BadRow => [
      `a vip with ${key} ${JSON.stringify(value)}`,
      'post',
      '/loadbalancers',
      { vip: { [key]: value } },
      notUuid,
    ]),
  ),
  [
    'a vip whose address is none',
    'post',
    '/loadbalancers',
    { vip: { ip_address: '10.0.0' } },
    notAddress,
  ],
  [
    'a vip with a zone',
    'post',
    '/loadbalancers',
    { vip: { ip_address: 'fe80::1%eth0' } },
    notAddress,
  ],
  [
    'a load balancer without tenant',
    'post',
    '/loadbalancers',
    { vip: { network_id: id } },
    'Validation failure: Missing project ID in request where one is required.',
  ],
  [
    'a vip with an address alone',
    'post',
    '/loadbalancers',
    { vip: { ip_address: '192.0.2.1' }, project_id: 'a' },
    'Validation failure: VIP must contain one of: port_id, network_id, subnet_id.',
  ],
  [
    'an empty vip',
    'post',
    '/loadbalancers',
    { vip: {}, project_id: 'a' },
    'Validation failure: VIP must contain one of: port_id, network_id, subnet_id.',
  ],
  [
    'listeners that are no list',
    'post',
    '/loadbalancers',
    { ...ofLb, listeners: {} },
    /not a valid list/,
  ],
  [
    'a listener that is null',
    'post',
    '/loadbalancers',
    { ...ofLb, listeners: [null] },
    /Mandatory field missing/,
  ],
  [
    'a wrong port inside of a tree',
    'post',
    '/loadbalancers',
    { ...ofLb, listeners: [{ ...ofListener, protocol_port: 0 }] },
    /greater or equal to 1$/,
  ],
  [
    'an unknown attribute inside of a tree',
    'post',
    '/loadbalancers',
    {
      ...ofLb,
      listeners: [{ ...ofListener, default_pool: { ...ofPool, members: [{ ...ofMember, a: 1 }] } }],
    },
    'Unknown attribute for argument load_balancer.listeners.default_pool.members: a',
  ],
  [
    'a rule inside of a tree that splits a line',
    'post',
    '/loadbalancers',
    {
      ...ofLb,
      listeners: [
        {
          ...ofListener,
          l7policies: [
            {
              action: 'REJECT',
              l7rules: [{ type: 'HOST_NAME', compare_type: 'EQUAL_TO', value: 'local host' }],
            },
          ],
        },
      ],
    },
    'Error parsing L7Rule: Invalid characters in comparison value',
  ],
  ...['vip', 'tenant_id', 'project_id', 'id', 'provisioning_status', 'listeners'].map(
    (key): BadRow => [
      `a PUT of ${key} of a load balancer`,
      'put',
      lb,
      { [key]: {} },
      `Unknown attribute for argument load_balancer: ${key}`,
    ],
  ),
  // Listeners.
  ...each(
    'post',
    `${lb}/listeners`,
    ofListener,
    'protocol',
    ['http', 'UDP', 'SEAN_CONNERY', null, 5, [], 'HTTP\n'],
    notOneOf,
  ),
  ...each('post', `${lb}/listeners`, ofListener, 'protocol_port', ports, notNumber),
  ...each('put', li, {}, 'protocol_port', [0, 65536, 80.5, 'ten'], notNumber),
  ...each('put', li, {}, 'protocol', ['http', 'SEAN_CONNERY'], notOneOf),
  ...each(
    'post',
    `${lb}/listeners`,
    ofListener,
    'connection_limit',
    [-2, 1.5, 'x', 2 ** 31],
    notNumber,
  ),
  ...each('post', `${lb}/listeners`, ofListener, 'default_pool_id', ['x', 5], notUuid),
  ...each('post', `${lb}/listeners`, ofListener, 'tls_certificate_id', [5, long, 'a\nb'], named),
  ...each(
    'post',
    `${lb}/listeners`,
    ofListener,
    'default_tls_container_id',
    [5, long, 'a\nb'],
    named,
  ),
  ...each(
    'post',
    `${lb}/listeners`,
    ofListener,
    'sni_containers',
    ['x', [5], [''], [long]],
    /not a valid list|string$|requirement of/,
  ),
  ...each(
    'post',
    `${lb}/listeners`,
    ofListener,
    'insert_headers',
    ['x', [], { 'X-Foo': 'true' }, { 'X-Forwarded-For': 5 }, { 'X-Forwarded-For': 'a\nb' }],
    /not a valid dict|is not a valid option for insert_headers$|string$|control characters$/,
  ),
  ...each(
    'post',
    `${lb}/listeners`,
    ofListener,
    'tls_termination',
    ['x', {}, { ...pem, private_key: 5 }, { ...pem, certificate: 'x'.repeat(65537) }],
    /not a valid object|Mandatory|string$|requirement of/,
  ),
  [
    'two certificates of a listener',
    'post',
    `${lb}/listeners`,
    { ...ofListener, tls_certificate_id: 'a', default_tls_container_id: 'b' },
    /that of tls_certificate_id/,
  ],
  [
    'two default pools of a listener',
    'post',
    `${lb}/listeners`,
    { ...ofListener, default_pool_id: id, default_pool: ofPool },
    /left out where default_pool is sent/,
  ],
  [
    'a listener without protocol',
    'post',
    `${lb}/listeners`,
    { protocol_port: 80 },
    /attribute protocol\. Value: 'None'/,
  ],
  [
    'a listener without port',
    'post',
    `${lb}/listeners`,
    { protocol: 'TCP' },
    /attribute protocol_port\. Value: 'None'/,
  ],
  ...['id', 'project_id', 'default_pool', 'l7policies'].map((key): BadRow => [
    `a PUT of ${key} of a listener`,
    'put',
    li,
    { [key]: id },
    `Unknown attribute for argument listener: ${key}`,
  ]),
  [
    'a PUT of another tenant of a listener',
    'put',
    li,
    { tenant_id: 'red' },
    'Unknown attribute for argument listener: tenant_id',
  ],
  // Pools.
  ...each(
    'post',
    `${lb}/pools`,
    ofPool,
    'protocol',
    ['UDP', 'TERMINATED_HTTPS', 'tcp', null, 1],
    notOneOf,
  ),
  ...each('post', `${li}/pools`, ofPool, 'lb_algorithm', ['RANDOM', null, 3], notOneOf),
  ...each('post', `${lb}/pools`, ofPool, 'listener_id', ['x', 5], notUuid),
  ...each(
    'post',
    `${lb}/pools`,
    ofPool,
    'session_persistence',
    [
      'x',
      [],
      { type: 'X' },
      { cookie_name: 'x' },
      { type: 'APP_COOKIE' },
      { type: 'HTTP_COOKIE', a: 1 },
    ],
    /not a valid object|one of|Mandatory|needs the name|Unknown attribute for argument pool\.session_persistence: a$/,
  ),
  ...['a b', 'a\r\nb', 'a\u0000', 'a"b', "a'b", 'a#b', 'a\\b', 'a=b', 'a;b', 'a,b', 'ü', ''].map(
    (value): BadRow => [
      `a cookie named ${JSON.stringify(value)}`,
      'post',
      `${lb}/pools`,
      { ...ofPool, session_persistence: { type: 'APP_COOKIE', cookie_name: value } },
      /name of a cookie|control characters|needs the name/,
    ],
  ),
  [
    'a PUT of a persistence of an unknown type',
    'put',
    po,
    { session_persistence: { type: 'X' } },
    notOneOf,
  ],
  [
    'a PUT of the members of a pool',
    'put',
    po,
    { members: [] },
    'Unknown attribute for argument pool: members',
  ],
  // Members.
  ...each(
    'post',
    `${po}/members`,
    ofMember,
    'ip_address',
    ['x', '10.0.0.256', '', null, 5, '10.0.0.1/24', 'fe80::1%1', '10.0.0.1\n'],
    notAddress,
  ),
  ...each('post', `${po}/members`, ofMember, 'protocol_port', ports, notNumber),
  ...each('post', `${po}/members`, ofMember, 'weight', [-1, 257, 300, 1.5, 'x'], notNumber),
  ...each('post', `${po}/members`, ofMember, 'subnet_id', ['x', 5], notUuid),
  ...each('post', `${po}/members`, ofMember, 'monitor_port', [0, 70000, 'x'], notNumber),
  ...each('post', `${po}/members`, ofMember, 'monitor_address', ['x', 5], notAddress),
  ...each('put', `${po}/members/${id}`, {}, 'protocol_port', ['ten', 0], notNumber),
  [
    'a PUT of the address of a member',
    'put',
    `${po}/members/${id}`,
    { ip_address: '10.0.0.2' },
    'Unknown attribute for argument member: ip_address',
  ],
  [
    'a member with a name',
    'post',
    `${po}/members`,
    { name: 'a' },
    'Unknown attribute for argument member: name',
  ],
  // Monitors.
  ...each('post', `${po}/healthmonitor`, ofMonitor, 'type', ['X', null, 'UDP-CONNECT'], notOneOf),
  ...each('put', `${po}/health_monitor`, {}, 'type', ['X'], notOneOf),
  ...['delay', 'timeout', 'fall_threshold', 'rise_threshold'].flatMap((key) =>
    each(
      'post',
      `${po}/health_monitor`,
      ofMonitor,
      key,
      [null, 0, -1, 1.5, 'x', 2 ** 31],
      notNumber,
    ),
  ),
  ...each('post', `${po}/health_monitor`, ofMonitor, 'fall_threshold', [11], notNumber),
  ...each(
    'post',
    `${po}/health_monitor`,
    ofMonitor,
    'timeout',
    [6],
    /lower or equal to the delay, 5$/,
  ),
  ...each(
    'post',
    `${po}/health_monitor`,
    ofMonitor,
    'http_method',
    ['get', 'BREW', 5, 'GET /'],
    notOneOf,
  ),
  ...each(
    'post',
    `${po}/health_monitor`,
    ofMonitor,
    'url_path',
    [
      'a',
      '',
      '/a b',
      '/a\r\nb',
      '/a\u0000',
      '/a"b',
      "/a'b",
      '/a#b',
      '/a\\b',
      '/%zz',
      '/ü',
      `/${long}`,
    ],
    /path of a URL|control characters|requirement of 255/,
  ),
  ...each(
    'post',
    `${po}/health_monitor`,
    ofMonitor,
    'expected_codes',
    ['', 'x', '99', '600', '200-', '204-200', '200,,201', '200\n', '200 OK', '2xx'],
    /HTTP codes and ranges|control characters/,
  ),
  [
    'a monitor with a name',
    'post',
    `${po}/healthmonitor`,
    { name: 'a' },
    'Unknown attribute for argument health_monitor: name',
  ],
  // L7.
  ...each('post', policies, {}, 'action', ['X', null, 5], notOneOf),
  ['a policy without action', 'post', policies, { name: 'a' }, /attribute action\. Value: 'None'/],
  [
    'a redirect without URL',
    'post',
    policies,
    { action: 'REDIRECT_TO_URL' },
    'Invalid L7 Policy arguments: redirect_url must not be None',
  ],
  [
    'a redirect without prefix',
    'post',
    policies,
    { action: 'REDIRECT_PREFIX' },
    'Invalid L7 Policy arguments: redirect_prefix must not be None',
  ],
  [
    'a redirect without pool',
    'post',
    policies,
    { action: 'REDIRECT_TO_POOL' },
    'Invalid L7 Policy arguments: redirect_pool_id or redirect_pool must not be None',
  ],
  ...['redirect_url', 'redirect_prefix'].flatMap((key) =>
    each(
      'put',
      `${policies}/${id}`,
      {},
      key,
      [
        'bad url',
        'ftp://a',
        '/a',
        'http://',
        'http://a b',
        'http://a/\r\nb',
        'http://a/"',
        "http://a/'",
        'http://a/#b',
        'http://a/%[src]',
        'http://a/\\',
        5,
      ],
      /valid URL string|control characters|string$/,
    ),
  ),
  ...each(
    'post',
    policies,
    { action: 'REJECT' },
    'position',
    [0, -1, 1.5, 'x', 2 ** 31],
    notNumber,
  ),
  ...each('post', rules, ofRule, 'type', ['X', null], notOneOf),
  ...each('put', `${rules}/${id}`, {}, 'type', ['bad type'], notOneOf),
  ...each('post', rules, ofRule, 'compare_type', ['X', null], notOneOf),
  ...each(
    'post',
    rules,
    ofRule,
    'value',
    [null, '', 5, 'a b', 'a"b', 'a\\b', 'a\nb', 'a\u0000', 'ü', '"a', long],
    /Mandatory|requirement of|string$|Invalid characters in comparison value|control characters/,
  ),
  ...each(
    'post',
    rules,
    { ...ofRule, type: 'HEADER' },
    'key',
    [null, '', 'a b', 'a:b', 'a\nb', 'a#', "a'", 'a"', 'a('],
    /requires a key|Invalid characters in key|control characters/,
  ),
  ...each(
    'post',
    rules,
    { ...ofRule, compare_type: 'REGEX' },
    'value',
    ['(', '[a', 'bad\\', 'ü'],
    /Unable to parse regular expression: |Invalid characters/,
  ),
  [
    'a file type that begins with something',
    'post',
    rules,
    { ...ofRule, type: 'FILE_TYPE' },
    'Error parsing L7Rule: Invalid L7 Rule: invalid comparison type for rule type',
  ],
  [
    'a rule that becomes one without expression',
    'put',
    `${rules}/${id}`,
    { compare_type: 'REGEX', value: 'bad string\\' },
    /Unable to parse regular expression: /,
  ],
  ['a rule that becomes one without key', 'put', `${rules}/${id}`, { key: null }, /requires a key/],
  // Lists.
  ...['x', '1.5', ''].map((value): BadRow => [
    `the limit ${value || 'of nothing'}`,
    'get',
    `/loadbalancers?limit=${value}`,
    undefined,
    `Supplied pagination limit '${value}' is not valid.`,
  ]),
  [
    'a marker that is no id',
    'get',
    `${lb}/listeners?marker=x`,
    undefined,
    "Supplied pagination marker 'x' is not valid.",
  ],
  [
    'an unknown sort key',
    'get',
    '/loadbalancers?sort=bad',
    undefined,
    "Supplied sort key 'bad' is not valid.",
  ],
  [
    'an unknown direction',
    'get',
    '/loadbalancers?sort=name:up',
    undefined,
    "Supplied sort direction 'up' is not valid.",
  ],
  [
    'a sort key with two directions',
    'get',
    '/loadbalancers?sort=name:desc:asc',
    undefined,
    "Supplied sort key '['name', 'desc', 'asc']' is not valid.",
  ],
  [
    'an unknown direction of sort_dir',
    'get',
    '/loadbalancers?sort_key=name&sort_dir=up',
    undefined,
    "Supplied sort direction 'up' is not valid.",
  ],
  [
    'an unknown parameter',
    'get',
    '/loadbalancers?color=red',
    undefined,
    'One or more arguments are either duplicate or invalid',
  ],
  [
    'a limit that is sent twice',
    'get',
    '/loadbalancers?limit=1&limit=2',
    undefined,
    'One or more arguments are either duplicate or invalid',
  ],
  // Quotas and ours.
  ['quotas without quota', 'put', '/quotas/blue', {}, /attribute quota\. Value: 'None'/],
  ...each(
    'put',
    '/quotas/blue',
    {},
    'quota',
    [null, 5, [], { load_balancer: -2 }, { load_balancer: 'x' }, { load_balancer: 1.5 }, { a: 1 }],
    /Mandatory|valid object|greater|literal|whole number|Unknown attribute/,
  ),
  ['a port whose network is none', 'post', '/ports', { network_id: 'x' }, notUuid],
  ['a secret with both spellings', 'put', `/secrets/${id}`, { ...pem, pem: 'x' }, /either pem, or/],
  ['a secret without anything', 'put', `/secrets/${id}`, {}, /either pem, or/],
  ['a secret whose id is none', 'put', '/secrets/x', { pem: 'x' }, /UUID/],
  ['a body of a removal', 'delete', lb, { a: 1 }, /has no body/],
  ['a wait that is no time', 'put', `${lb}?wait=soon`, {}, /Supplied wait/],
  ['a wait that is too long', 'put', `${lb}?wait=301s`, {}, /Supplied wait/],
];

describe('a request of the operator API that is not as documented', () => {
  let bench: OperatorBench;
  let calls: DomainCall[];

  before(async () => {
    const recording = recordingDomain();
    calls = recording.calls;
    bench = await operatorBench(recording.domain);
  });
  after(() => bench.stop());
  beforeEach(() => {
    calls.length = 0;
  });

  it('has at least 150 rows here', () => {
    expect(rows.length).to.be.at.least(150);
  });

  for (const [what, method, path, body, faultstring, status = 400] of rows) {
    it(`is refused: ${what}`, async () => {
      const answer = await bench.ask(method, path, body);
      expect(answer.status, answer.text).to.equal(status);
      expect(Object.keys(answer.body)).to.deep.equal(['faultcode', 'faultstring', 'debuginfo']);
      if (typeof faultstring === 'string') expect(answer.body.faultstring).to.equal(faultstring);
      else expect(answer.body.faultstring).to.match(faultstring);
      expect(changesIn(calls)).to.deep.equal([]);
    });
  }

  it('is never answered with a 5xx, whatever the values of its attributes are', async () => {
    const value = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom<unknown>(
          null,
          0,
          -1,
          80,
          65536,
          80.5,
          'HTTP',
          'TCP',
          id,
          '',
          true,
          [],
          {},
          'a\nb',
          '/',
          '10.0.0.1',
          '200',
        ),
      },
      fc.jsonValue({ maxDepth: 2 }),
    );
    const targets: readonly (readonly [Method, string, object])[] = [
      [
        'post',
        '/loadbalancers',
        { ...ofLb, name: '', description: '', enabled: true, listeners: [] },
      ],
      ['put', lb, { name: '', description: '', enabled: true }],
      [
        'post',
        `${lb}/listeners`,
        {
          ...ofListener,
          connection_limit: 1,
          insert_headers: {},
          sni_containers: [],
          default_pool: null,
          l7policies: [],
          tls_termination: null,
        },
      ],
      [
        'post',
        `${lb}/pools`,
        { ...ofPool, session_persistence: null, members: [], health_monitor: null },
      ],
      ['post', `${po}/members`, { ...ofMember, weight: 1, monitor_port: 1, monitor_address: null }],
      [
        'put',
        `${po}/health_monitor`,
        { ...ofMonitor, url_path: '/', expected_codes: '200', http_method: 'GET' },
      ],
      [
        'post',
        policies,
        { action: 'REJECT', redirect_url: null, l7rules: [], redirect_pool: null },
      ],
      ['post', rules, { ...ofRule, key: null, invert: false }],
      ['put', '/quotas/blue', { quota: {} }],
    ];
    const request = fc.constantFrom(...targets).chain(([method, path, good]) =>
      fc.record({
        method: fc.constant(method),
        path: fc.constant(path),
        good: fc.constant(good),
        changed: fc.dictionary(fc.constantFrom(...Object.keys(good), 'other'), value, {
          minKeys: 1,
          maxKeys: 3,
        }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(request, async ({ method, path, good, changed }) => {
        calls.length = 0;
        const answer = await bench.ask(method, path, { ...good, ...changed });
        expect(answer.status, answer.text).to.be.below(500);
        if (answer.status >= 400) expect(changesIn(calls)).to.deep.equal([]);
      }),
      { numRuns: 500 },
    );
  });
});
