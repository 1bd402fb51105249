import { expect } from 'chai';

import {
  changesBench,
  type Method,
  nodes,
  outcomeOf,
  storageCib,
} from '../../support/changes-bench.ts';
import { fakeCluster } from '../../support/fake-cluster.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const { other } = nodes;
const device = 'failoverMeasure_ipmi_bitcoin';

// Each bad text contains this word, so that a search finds every place that it reaches.
const mark = 'BAD';
const badTexts = [
  `-${mark}`,
  `--${mark}=1`,
  `${mark};id`,
  `${mark}\nx`,
  `${mark}\0`,
  `${mark}\u2028x`,
  `${mark}😀`,
  `${mark}\ufffe`,
  `$(${mark})`,
  `../${mark}`,
  `/${mark}`,
  `${mark} x`,
  ` ${mark}`,
  `${mark}×÷`,
  `×${mark}`,
  `${mark}<"'&>`,
  mark.repeat(3500),
  '',
  ' ',
  '\t',
];
/** One text of each kind, for fields that are checked like another one. */
const few = [`-${mark}`, `${mark};id`, `${mark}\n`, `../${mark}`, '', null];
const wrongTypes = [1, -1, 1.5, [], [mark], {}, { resource: [mark] }, null, true, false];
const noText = [undefined, ...wrongTypes];
/** Wrong names of a resource, a node or an agent. */
const name = [...noText, ...badTexts];
const optionalName = name.filter((each) => each !== undefined);
const noObject = ['', mark, 1, [], [mark], null, true];
const badValues = [
  `${mark}\nx`,
  `${mark}\0`,
  `${mark}\ud800`,
  `${mark}\udc00x`,
  `${mark}\ufffe`,
  `${mark}\uffff`,
  `${mark}\u0001`,
  `${mark}\u007f`,
  `${mark}\u0085`,
  mark.repeat(3500),
  [mark],
  { a: mark },
];
const badKeys = [`-${mark}`, `${mark};`, `a=${mark}`, `${mark} `, `×${mark}`, '', mark.repeat(100)];
const badPairs = [
  ...badValues.map((value) => ({ a: value })),
  ...badKeys.map((key) => ({ [key]: 'x' })),
];
const pairs = [...noObject, ...badPairs];
const badOperations = [
  ...[...noObject, ...badPairs].filter((each) => JSON.stringify(each) !== `{"a":{"a":"${mark}"}}`),
  ...badPairs.map((each) => ({ monitor: each })),
  ...badPairs.map((each) => ({ monitor: [{ interval: '1s' }, each] })),
  ...[...badKeys, 'meta', 'clone', 'op', 'bundle', 'before'].map((key) => ({
    [key]: { interval: '1s' },
  })),
  { monitor: [[]] },
  { monitor: [mark] },
];
const names = [
  ...noText,
  '',
  mark,
  [''],
  [1],
  ['ZFS', 'ZFS'],
  ...badTexts.map((each) => ['ZFS', each]),
  Array.from({ length: 201 }, (_, index) => `r${index}`),
];
const word = [...wrongTypes, '', mark, 'START', `start;${mark}`];
const score = [
  null,
  true,
  [],
  {},
  [1],
  '',
  mark,
  '1.5',
  1.5,
  '12345678',
  1e9,
  'infinity',
  '--1',
  `1\n${mark}`,
];
const options = [
  ...noObject,
  { [mark]: '1' },
  ...badValues.map((each) => ({
    symmetrical: each,
    score: each,
    influence: each,
    sequential: each,
  })),
];
const set = [
  ...noObject,
  {},
  ...[undefined, [], {}, 'ZFS', ...few.map((each) => ['ZFS', each])].map((each) => ({
    resources: each,
  })),
  { resources: ['ZFS'], options: { [mark]: 1 } },
  { resources: ['ZFS'], options: null },
];
const rule = [
  ...noObject,
  ...badKeys.map((key) => ({ [key]: 'x' })),
  { '1a': 'x' },
  { a: 1 },
  { a: null },
  { a: { b: 'x' } },
  { a: `${mark}\n` },
  { a: ['x'] },
  { expression: [{ 'a:b': 'x' }] },
  { a: '\ufffe' },
  deepRule(10),
];

interface Route {
  route: readonly [method: Method, path: string];
  /** A correct body, with which the request succeeds. */
  body?: Readonly<Record<string, unknown>>;
  /** Correct values for `:name` and other parameters of the path. */
  url?: Readonly<Record<string, string>>;
  /** Wrong values of each field, including optional fields. */
  wrong?: Readonly<Record<string, readonly unknown[]>>;
}

const setsOf = { resources: names, setOne: set, setTwo: set, name: optionalName };
const resource = { ':name': 'SMB' };
const properties = { ':name': 'batch-limit' };
const node = { ':node': other };
const liferaft = { ':name': 'liferaft_1234abcd.tar' };

const routes: readonly Route[] = [
  {
    route: ['POST', 'constraint/order'],
    body: { first: { resource: 'ZFS' }, then: { resource: 'Alphorn' } },
    wrong: {
      name: optionalName,
      kind: word,
      options,
      first: [...noObject, undefined, {}, { resource: 'ZFS', operation: ['start'] }],
      then: [...noObject, undefined, {}],
      'first.resource': name,
      'then.resource': name,
      'first.operation': word,
      'then.operation': word,
    },
  },
  {
    route: ['POST', 'constraint/order_group'],
    body: { resources: ['SMB', 'NFS'] },
    wrong: { ...setsOf, kind: word, score, setOptions: options },
  },
  {
    route: ['POST', 'constraint/colocation'],
    body: { first: 'ZFS', then: { resource: 'SMB' } },
    wrong: {
      name: optionalName,
      score,
      options,
      first: name,
      then: name,
      'then.resource': name,
      'then.role': [...word, ['Started']],
    },
  },
  {
    route: ['POST', 'constraint/colocation_group'],
    body: { resources: ['ZFS', 'SMB'] },
    wrong: { ...setsOf, score, setOptions: options },
  },
  {
    route: ['POST', 'constraint/location'],
    body: { resource: 'SMB', location: other },
    wrong: {
      name: optionalName,
      resource: name,
      location: name,
      locations: names.filter(
        (each) =>
          each !== undefined &&
          !(
            Array.isArray(each) &&
            ['ZFS', 'r0'].includes(String(each[0])) &&
            !String(each).includes(mark)
          ),
      ),
      kind: word,
      score,
      rule,
    },
  },
  {
    route: ['POST', 'constraint/ticket'],
    body: { ticket: 'T', resource: 'SMB' },
    wrong: { name: optionalName, ticket: name, resource: name, role: word, 'loss-policy': word },
  },
  { route: ['POST', 'constraint/:id/delete'], url: { ':id': 'startingSMB' } },
  { route: ['DELETE', 'constraint/:id'], url: { ':id': 'startingSMB' } },
  {
    route: ['POST', 'resource'],
    body: { name: 'A', resource_agent: 'ocf:heartbeat:Dummy' },
    wrong: {
      name,
      resource_agent: name,
      params: pairs,
      meta: pairs,
      operations: badOperations,
      clone: [...noObject.filter((each) => each !== true), ...badPairs],
    },
  },
  {
    route: ['POST', 'resource/:name/update'],
    url: resource,
    body: { meta: { a: 'b' } },
    wrong: { params: pairs, meta: pairs, operations: badOperations },
  },
  {
    route: ['PATCH', 'resource/:name'],
    url: resource,
    body: { meta: { a: 'b' } },
    wrong: { params: pairs },
  },
  ...(['delete', 'stop', 'start', 'cleanup'] as const).map((action): Route => ({
    route: ['GET', `resource/:name/${action}`],
    url: resource,
  })),
  ...(['restart', 'unmanage'] as const).map((action): Route => ({
    route: ['POST', `resource/:name/${action}`],
    url: resource,
  })),
  { route: ['POST', 'resource/:name/manage'], url: { ':name': 'Unmanaged' } },
  { route: ['POST', 'resource/:name/unclone'], url: { ':name': 'Copied' } },
  { route: ['DELETE', 'resource/:name'], url: resource },
  {
    route: ['POST', 'resource/:name/migrate'],
    url: resource,
    body: { node: other },
    wrong: { node: name },
  },
  {
    route: ['POST', 'resource/:name/ban'],
    url: resource,
    body: { node: other },
    wrong: { node: name },
  },
  { route: ['POST', 'resource/:name/clear'], url: resource, wrong: { node: optionalName } },
  {
    route: ['POST', 'resource/:name/clone'],
    url: resource,
    wrong: { clone_name: optionalName, meta: pairs },
  },
  {
    route: ['POST', 'resource/group/set'],
    body: { groupName: 'G', resources: ['ZFS'] },
    wrong: {
      groupName: name,
      resources: names,
      order: [
        ...noObject,
        {},
        { position: 'before' },
        { resource: 'ZFS' },
        { position: ['before'], resource: 'ZFS' },
        { position: mark, resource: 'ZFS' },
        ...few.map((each) => ({ position: 'after', resource: each })),
      ],
    },
  },
  {
    route: ['POST', 'resource/group/remove'],
    body: { groupName: 'Files', resources: ['Mount'] },
    wrong: { groupName: name, resources: names },
  },
  { route: ['DELETE', 'resource/group/:name'], url: { ':name': 'Files' } },
  {
    route: ['POST', 'stonith/create'],
    body: { name: 'F', agent: 'fence_dummy' },
    wrong: { name, agent: name, params: pairs, meta: pairs, operations: badOperations },
  },
  { route: ['POST', 'stonith/:name/delete'], url: { ':name': device } },
  {
    route: ['POST', 'stonith/:name/update'],
    url: { ':name': device },
    body: { meta: { a: 'b' } },
    wrong: { params: pairs, meta: pairs },
  },
  {
    route: ['POST', 'stonith/level/create'],
    body: { level: 3, node_name: other, stonith_name: device },
    wrong: {
      level: [
        undefined,
        null,
        true,
        [],
        [3],
        {},
        '',
        ' ',
        mark,
        `3;${mark}`,
        `3\n${mark}`,
        0,
        10,
        -1,
        1.5,
        '03',
      ],
      node_name: name,
      stonith_name: name,
    },
  },
  {
    route: ['POST', 'stonith/level/:level/delete'],
    url: { ':level': '1' },
    body: { node_name: other, stonith_name: device },
    wrong: { node_name: name, stonith_name: name },
  },
  ...(['standby', 'online', 'fence', 'delete'] as const).map((action): Route => ({
    route: ['GET', `node/:node/${action}`],
    url: node,
  })),
  ...(['maintenance', 'unmaintenance'] as const).map((action): Route => ({
    route: ['POST', `node/:node/${action}`],
    url: node,
  })),
  { route: ['DELETE', 'node/:node'], url: node },
  {
    route: ['POST', 'property/:name/set'],
    url: properties,
    body: { value: '5' },
    wrong: {
      value: [
        undefined,
        null,
        [],
        ['5'],
        {},
        '',
        `5\n${mark}`,
        `${mark}\0`,
        mark.repeat(3500),
        mark,
        '\ud800',
      ],
    },
  },
  { route: ['GET', 'property/:name/delete'], url: { ':name': 'stonith-enabled' } },
  ...(['start', 'stop', 'restart', 'enable', 'disable'] as const).map((action): Route => ({
    route: ['POST', `services/:id/${action}`],
    url: { ':id': 'pcsd.service' },
  })),
  {
    route: ['POST', 'corosync'],
    body: {
      totem: { version: '2' },
      quorum: { provider: 'corosync_votequorum' },
      nodelist: { node: [] },
    },
    wrong: {
      totem: [
        undefined,
        ...noObject,
        { version: 2 },
        { version: null },
        { version: `2\n${mark}: x` },
        { version: '2 {' },
        { [`${mark}{`]: '1' },
        { [`#${mark}`]: '1' },
        { [`${mark}:`]: '1' },
        { version: ` ${mark}` },
      ],
      quorum: [undefined, ...noObject],
      nodelist: [undefined, ...noObject, { node: [1] }],
    },
  },
  {
    route: ['POST', 'corosync/raw'],
    body: { conf: 'totem {\n}\n' },
    wrong: { conf: [...noText, '', ' \n', `${mark}\0`] },
  },
  {
    route: ['POST', 'corosync/key'],
    body: { key: 'ab'.repeat(128) },
    wrong: {
      key: [
        ...noText,
        ...badTexts,
        'ab'.repeat(127),
        'ab'.repeat(4097),
        'abc',
        `${'ab'.repeat(128)}\n`,
        'zz'.repeat(128),
      ],
    },
  },
  {
    route: ['POST', 'alphorn'],
    body: { config: { interval: 30000, sync: { enabled: true, destinations: ['192.0.2.7'] } } },
    wrong: {
      config: [undefined, ...noObject, {}, { other: 1 }],
      'config.interval': [...noText, '', '30000', 0, 999, 1000.5, -1, 2 ** 31, mark],
      'config.sync': [undefined, ...noObject, {}],
      'config.sync.enabled': [undefined, null, 1, 'true', '', mark, [], {}],
      'config.sync.destinations': [
        undefined,
        null,
        true,
        1,
        '',
        mark,
        {},
        ...[...badTexts, null, 1, {}, [], '256.0.0.1', 'a:0', 'a:65536'].map((each) => [each]),
        ['a', 'b', 'a'],
        ['a', 'A:8444'],
        Array.from({ length: 101 }, (_, index) => `host${index}`),
      ],
      'config.other': [1],
      'config.sync.other': [1],
    },
  },
  { route: ['DELETE', 'alphorn/liferaft/:name'], url: liferaft },
  {
    route: ['POST', 'alphorn/liferaft/:name/restore'],
    url: liferaft,
    wrong: {
      dry_run: [null, 1, 'true', '', mark, [], {}],
      paths: [
        null,
        true,
        1,
        '',
        mark,
        {},
        [],
        ...[...badTexts.filter((each) => each !== `/${mark}`), null, 1, {}, []].map((each) => [
          each,
        ]),
        ...['/', `/${mark}/`, `//${mark}`, `/../${mark}`, `/a/../${mark}`, `/./${mark}`].map(
          (each) => ['/etc', each],
        ),
        Array.from({ length: 1001 }, (_, index) => `/${index}`),
      ],
    },
  },
  {
    route: ['POST', 'alphorn/restore/undo'],
    wrong: { force: [null, 1, 'true', '', mark, [], {}] },
  },
];

/** A CIB with everything that these requests remove. */
const cib = storageCib.replace(
  '</resources>',
  `<group id="Files"><primitive id="Mount" class="ocf" provider="pacemaker" type="Dummy"/></group><clone id="Copied-clone"><primitive id="Copied" class="ocf" provider="pacemaker" type="Dummy"/></clone><primitive id="Unmanaged" class="ocf" provider="pacemaker" type="Dummy"><meta_attributes id="u"><nvpair id="un" name="is-managed" value="false"/></meta_attributes></primitive></resources>`,
);

describe('a wrong request for a change is refused, and no process gets its values:', () => {
  const folder = temporaryFolder();

  for (const { route, body = {}, url = {}, wrong = {} } of routes) {
    const [method, path] = route;
    const right = Object.entries(url).reduce(
      (sofar, [param, value]) => sofar.replace(param, value),
      path,
    );

    for (const [field, values] of Object.entries(wrong)) {
      it(`${method} ${path}, field ${field}`, async () => {
        const { call, cluster } = await changesBench(folder.path, { cluster: fakeCluster(cib) });
        for (const value of values) {
          const answer = await call(method, right, withField(body, field, value));
          const what = `${(JSON.stringify(value) as string | undefined)?.slice(0, 60)} gives ${answer.status} ${answer.text}`;
          expect(answer.status, what).to.be.within(400, 499);
          expect(answer.body, what)
            .to.have.property('code')
            .that.matches(/^[a-z_]+$/);
          // A message about a field does not contain its value, which may be a secret.
          if ('errors' in answer.body) expect(answer.text, what).not.to.include(mark);
          expect(cluster.changes(), what).to.deep.equal([]);
        }
        expect(JSON.stringify(cluster.calls)).not.to.include(mark);
      });
    }

    for (const param of Object.keys(url)) {
      it(`${method} ${path}, ${param} in the path`, async () => {
        const { call, cluster } = await changesBench(folder.path, { cluster: fakeCluster(cib) });
        for (const value of badTexts) {
          const answer = await call(method, path.replace(param, encodeURIComponent(value)), body);
          const what = `${JSON.stringify(value).slice(0, 60)} gives ${answer.status} ${answer.text}`;
          expect(answer.status, what).to.be.within(400, 499);
          expect(answer.body, what)
            .to.have.property('code')
            .that.matches(/^[a-z_]+$/);
          expect(cluster.changes(), what).to.deep.equal([]);
        }
        expect(JSON.stringify(cluster.calls)).not.to.include(mark);
      });
    }
  }

  it('the same requests succeed with correct values', async () => {
    for (const [index, { route, body = {}, url = {} }] of routes.entries()) {
      const [method, path] = route;
      // The fake cluster has no files of corosync or Alphorn, and its nodes are online.
      if (
        /^(?:corosync|alphorn)/.test(path) ||
        path === 'node/:node/delete' ||
        path === 'node/:node'
      )
        continue;
      const { call } = await changesBench(`${folder.path}/${index}`, {
        cluster: fakeCluster(cib),
      });
      const right = Object.entries(url).reduce(
        (sofar, [param, value]) => sofar.replace(param, value),
        path,
      );
      expect((await call(method, right, body)).status, `${method} ${path}`).to.equal(200);
      // Some find everything as requested, and run no command that could be checked.
      const [latest] = (await call('GET', 'audit')).body as object[];
      expect(latest, `${method} ${path}`).to.include({ method, outcome: 'success' });
    }
  });

  it('undocumented values of parameters and headers', async () => {
    const { call, cluster } = await changesBench(folder.path, { cluster: fakeCluster(cib) });
    for (const query of [
      'dry_run=yes',
      'dry_run=',
      'dry_run=true&dry_run=true',
      'wait=',
      'wait=0s',
      'wait=-1',
      'wait=1h',
      'wait=30s;x',
      'wait=99999',
      'wait=1s&wait=1s',
    ]) {
      expect(outcomeOf(await call('GET', `resource/SMB/stop?${query}`)), query).to.deep.equal([
        400,
        'invalid_request',
      ]);
    }
    for (const headers of [
      { 'If-Match': 'W/"0.8"' },
      { 'If-Match': '0.8' },
      { 'If-Match': '"8"' },
      { 'If-Match': '"0.8", "0.9"' },
      { 'Idempotency-Key': 'a b' },
      { 'Idempotency-Key': 'x'.repeat(256) },
      { 'Idempotency-Key': '' },
    ]) {
      const answer = await call('GET', 'resource/SMB/stop', {}, headers);
      expect(outcomeOf(answer), JSON.stringify(headers)).to.deep.equal([400, 'invalid_request']);
    }
    expect(cluster.changes()).to.deep.equal([]);
  });

  it('a body that is no JSON object', async () => {
    const { app, cluster } = await changesBench(folder.path, { cluster: fakeCluster(cib) });
    for (const body of ['', '[]', '{', '"x"', 'null']) {
      const answer = await app.client
        .post('/api/v2/system/ha/resource')
        .set({ token: app.token, 'Content-Type': 'application/json' })
        .send(body);
      expect(outcomeOf(answer), body).to.deep.equal([400, 'invalid_request']);
    }
    const text = await app.client
      .post('/api/v2/system/ha/resource')
      .set({ token: app.token, 'Content-Type': 'text/plain' })
      .send('{}');
    expect(outcomeOf(text)).to.deep.equal([415, 'unsupported_media_type']);
    expect(cluster.calls).to.deep.equal([]);
  });
});

/** The body with another value of the field; undefined removes the field. */
function withField(
  body: Readonly<Record<string, unknown>>,
  field: string,
  value: unknown,
): Record<string, unknown> {
  const [first = '', ...rest] = field.split('.');
  const inside =
    rest.length === 0
      ? value
      : withField(body[first] as Record<string, unknown>, rest.join('.'), value);
  return { ...body, [first]: inside };
}

function deepRule(depth: number): object {
  return depth === 0 ? {} : { rule: [deepRule(depth - 1)] };
}
