import { expect } from 'chai';
import request from 'supertest';

import { documentedHeaders } from '../../../src/server/middleware/headers.ts';
import { asProblems, problemSchema } from '../../../src/server/problem.ts';
import { byValidator } from '../../../src/server/table/check.ts';
import type { Family } from '../../../src/server/table/family.ts';
import { openApiOf } from '../../../src/server/table/openapi.ts';
import { row } from '../../../src/server/table/row.ts';
import { allowedBy, makeApp } from '../../../src/server/table/serve.ts';
import { keepingLog } from '../../support/keeping-log.ts';

describe('one row', () => {
  const hello = row({
    methods: ['GET'],
    path: '/hello',
    role: 'anyone',
    summary: 'Says hello.',
    fields: {},
    answers: { 200: { json: { const: 'hello' } } },
    codes: ['tool_failed'],
    handle: () => ({ body: 'hello' }),
  });
  const family: Family = {
    name: 'greetings',
    title: 'Greetings',
    bases: ['/greetings'],
    rows: [hello],
    signIn: [],
    checking: byValidator,
    noSuchRoute: (path) => `There is no ${path}.`,
    answerFault: asProblems(),
    faultSchema: problemSchema,
    codes: [],
    examples: { 'GET /hello': { status: 200, body: 'hello' } },
  };
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

  it('answers any other method with 405 and what is allowed', async () => {
    const { status, headers: found } = await request(app).patch('/greetings/hello');
    expect([status, found['allow']]).to.deep.equal([405, 'GET, HEAD']);
  });

  it('is what a page of another origin may ask', async () => {
    const { status, headers: found } = await request(app)
      .options('/greetings/hello')
      .set('Origin', 'https://ui.example')
      .set('Access-Control-Request-Method', 'GET');
    expect([status, found['access-control-allow-methods']]).to.deep.equal([204, 'GET,HEAD']);
  });

  it('is in the OpenAPI document of its family', () => {
    expect(openApiOf(family)).to.deep.include({
      servers: [{ url: '/greetings' }],
      paths: {
        '/hello': {
          get: {
            operationId: 'get_hello',
            summary: 'Says hello.',
            responses: { default: { description: 'The answer, or an error.' } },
          },
        },
      },
    });
  });
});
