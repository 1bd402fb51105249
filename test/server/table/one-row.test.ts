import { expect } from 'chai';
import request from 'supertest';

import { apiOf } from '../../../packaging/reference/api.ts';
import { documentedHeaders } from '../../../src/server/middleware/headers.ts';
import { faults } from '../../../src/bin/wiring/faults.ts';
import { makeProblems, problemSchema } from '../../../src/server/problem.ts';
import { byValidator } from '../../../src/server/table/check.ts';
import type { Family } from '../../../src/server/table/family.ts';
import { openApiOf } from '../../../src/server/table/openapi.ts';
import { row } from '../../../src/server/table/row.ts';
import { allowedBy, makeApp } from '../../../src/server/table/serve.ts';
import { answerCheck } from '../../support/answer-check.ts';
import { keepingLog } from '../../support/keeping-log.ts';
import { undocumented } from '../../support/undocumented.ts';

const ofHello = {
  methods: ['GET'],
  path: '/hello',
  role: 'anyone',
  summary: 'Says hello.',
  fields: {},
  handle: () => ({ body: 'hello' }),
} as const;
const answers = { 200: { json: { const: 'hello' } } };
const hello = row({ ...ofHello, answers, codes: ['tool_failed'] });
const examples = { 'GET /hello': { status: 200, body: 'hello' } };

const family: Family = {
  name: 'greetings',
  title: 'Greetings',
  bases: ['/greetings'],
  rows: [hello],
  signIn: [],
  checking: byValidator,
  noSuchRoute: (path) => `There is no ${path}.`,
  answerFault: makeProblems(faults).answer,
  faultSchema: problemSchema,
  codes: [],
  examples,
};

describe('one row', () => {
  const headers = documentedHeaders('test', allowedBy(family.rows));
  const app = makeApp({
    log: keepingLog().log,
    before: headers,
    families: [family],
    elsewhere: family,
  });

  it('is a route that answers GET and HEAD', async () => {
    const { status, body } = await request(app).get('/greetings/hello');
    expect([status, body]).to.deep.equal([200, 'hello']);
    expect((await request(app).head('/greetings/hello')).status).to.equal(200);
  });

  it('answers any other method with 405 and the allowed methods', async () => {
    const { status, headers: found } = await request(app).patch('/greetings/hello');
    expect([status, found['allow']]).to.deep.equal([405, 'GET, HEAD']);
  });

  it('is open to a page of another origin', async () => {
    const { status, headers: found } = await request(app)
      .options('/greetings/hello')
      .set('Origin', 'https://ui.example')
      .set('Access-Control-Request-Method', 'GET');
    expect([status, found['access-control-allow-methods']]).to.deep.equal([204, 'GET,HEAD']);
  });

  it('is in the OpenAPI document of its family, with its answers, its faults and its example', () => {
    const { servers, paths, components } = openApiOf(family) as {
      servers: object;
      paths: Record<string, { get: { responses: Record<string, object> } }>;
      components: { responses: Record<string, object> };
    };
    expect(servers).to.deep.equal([{ url: '/greetings' }]);
    const operation = paths['/hello']?.get;
    expect(operation).to.deep.include({ operationId: 'get_hello', summary: 'Says hello.' });
    expect(operation?.responses['200']).to.deep.equal({
      description: 'OK',
      headers: { 'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' } },
      content: { 'application/json': { schema: { const: 'hello' }, example: 'hello' } },
    });
    expect(Object.keys(operation?.responses ?? {})).to.deep.equal([
      '200',
      '400',
      '408',
      '431',
      '500',
      '503',
    ]);
    expect(components.responses['fault_503']).to.deep.include({ description: 'tool_failed' });
  });

  it('is in the tables of docs/api.md', () => {
    expect(apiOf(family)).to.equal(
      [
        '| Route | Role | What it does |\n| --- | --- | --- |\n| `GET /greetings/hello` | anyone | Says hello. |',
        'Any route may answer 400 `malformed_request`; 408 `request_timeout`; 431 `headers_too_large`; 500 `internal_error`; 503 `tool_failed`.',
        '`GET /greetings/hello`\n\n- Answer 200: `"hello"`',
      ].join('\n\n'),
    );
  });

  it('defines what the answers in tests are checked against', () => {
    const { check } = answerCheck([family]);
    const received = { method: 'GET', url: '/greetings/hello?a=b', type: 'application/json' };
    check({ ...received, status: 200, text: '"hello"' });
    for (const [answer, why] of [
      [{ status: 200, text: '"bye"' }, 'the answer must be equal to constant'],
      [{ status: 201, text: '"hello"' }, 'it documents 200, 400, 408, 431, 500, 503 alone'],
      [{ status: 200, text: 'hello', type: 'text/html' }, 'its type is text/html'],
      [problem(503, 'no_quorum'), '/code must be equal to one of the allowed values'],
      [problem(503, 'tool_failed', { more: 1 }), 'the answer must NOT have additional properties'],
    ] as const) {
      expect(() => {
        check({ ...received, ...answer });
      }).to.throw(why);
    }
    check({ ...received, ...problem(503, 'tool_failed') });
    check({ ...received, url: '/elsewhere', status: 404, text: '' });
  });

  function problem(status: number, code: string, more: object = {}) {
    const said = { type: 'urn:…', title: 'It failed', status, detail: 'It did.', code, ...more };
    return { status, type: 'application/problem+json', text: JSON.stringify(said) };
  }
});

describe('an incomplete row', () => {
  it('is found if its example is missing or wrong, or if an example has no row', () => {
    expect(undocumented(family)).to.deep.equal([]);
    expect(undocumented({ ...family, examples: {} })).to.deep.equal(['GET /hello has no example']);
    const other = { 'GET /hello': { status: 200, body: 'bye' } };
    expect(undocumented({ ...family, examples: other })).to.deep.equal([
      'GET /hello has an example that is not as its schema: data must be equal to constant',
    ]);
    const more = { ...examples, 'GET /gone': { status: 200, body: 'bye' } };
    expect(undocumented({ ...family, examples: more })).to.deep.equal([
      'GET /gone has an example and no row',
    ]);
  });

  it('without fault codes does not compile, and is found', () => {
    // @ts-expect-error Its codes are missing.
    const planted = row({ ...ofHello, answers });
    expect(undocumented({ ...family, rows: [planted] })).to.deep.equal([
      'GET /hello has no fault codes',
    ]);
  });

  it('without a schema of its answer does not compile, and is found', () => {
    // @ts-expect-error Its answers are missing.
    const planted = row({ ...ofHello, codes: [] });
    expect(undocumented({ ...family, rows: [planted] })).to.deep.equal([
      'GET /hello has no schema of its answer',
    ]);
  });
});
