import { expect } from 'chai';
import express from 'express';
import { matchedData } from 'express-validator';
import request from 'supertest';

import { jsonBody } from '../../../src/server/middleware/json-body.ts';
import { validate } from '../../../src/server/middleware/validate.ts';
import { resourceName } from '../../../src/routes/ha/fields/names.ts';
import { answerErrors } from '../../../src/server/middleware/answer-errors.ts';
import { faults } from '../../../src/bin/wiring/faults.ts';
import { makeProblems } from '../../../src/server/problem.ts';
import { checksOf } from '../../../src/server/table/check.ts';
import { inBody, inPath, optional } from '../../../src/server/table/field.ts';
import { keepingLog } from '../../support/keeping-log.ts';

/** Two routes, one that takes a body and one that does not; they echo what their handlers get. */
function echo(): { client: ReturnType<typeof request>; log: ReturnType<typeof keepingLog> } {
  const app = express();
  const log = keepingLog();
  const names = validate(() =>
    checksOf({ name: inBody(resourceName), group: optional(resourceName) }),
  );
  app.post('/change', jsonBody, names, (received, response) => {
    response.json(matchedData(received));
  });
  app.get(
    '/read/:name',
    validate(() => checksOf({ name: inPath(resourceName) })),
    (received, response) => {
      response.json({ ...matchedData(received), body: received.body as unknown });
    },
  );
  app.use(answerErrors(log.log, makeProblems(faults).answer));
  return { client: request(app), log };
}

const expected =
  'must be an XML id: a letter or "_" first, then letters, digits, ".", "-" and "_"; at most 255 characters';

describe('a request that is checked', () => {
  it('reaches its handler with the checked fields only', async () => {
    const { client } = echo();
    const sent = { name: 'ZFS', more: 'not asked for' };
    const { status, body: answer } = await client.post('/change').send(sent);
    expect([status, answer]).to.deep.equal([200, { name: 'ZFS' }]);
  });

  it('is refused with all wrong fields, and without their values', async () => {
    const { client, log } = echo();
    const answer = await client.post('/change').send({ name: 'a secret', group: null });
    expect(answer.headers['content-type']).to.equal('application/problem+json; charset=utf-8');
    expect(answer.body).to.deep.equal({
      type: 'urn:ha-agent:problem:invalid_request',
      title: 'The request is not as documented',
      status: 400,
      detail: `The request is not as documented: 'name' ${expected}; 'group' ${expected}.`,
      code: 'invalid_request',
      errors: [
        { field: 'name', message: expected, type: 'string' },
        { field: 'group', message: expected, type: 'null' },
      ],
    });
    expect(log.lines).to.deep.equal([]);
  });

  for (const [what, value, type] of [
    ['nothing', undefined, 'undefined'],
    ['a number', 5, 'number'],
    ['an array', ['ZFS'], 'array'],
    ['an object', { a: 1 }, 'object'],
    ['a boolean', true, 'boolean'],
  ] as const) {
    it(`is refused with the received type if ${what} came for a name`, async () => {
      const { client } = echo();
      const { status, body: answer } = await client.post('/change').send({ name: value });
      expect(status).to.equal(400);
      const message = value === undefined ? `is required and ${expected}` : expected;
      expect(answer).to.deep.include({
        detail: `The request is not as documented: 'name' ${message}.`,
        errors: [{ field: 'name', message, type }],
      });
    });
  }
});

describe('a JSON body', () => {
  const post = (client: ReturnType<typeof request>, type: string, content: string) =>
    client.post('/change').set('Content-Type', type).send(content);

  for (const [what, type, content, status, code] of [
    ['cut short', 'application/json', '{"name":"se', 400, 'invalid_request'],
    ['that is a string', 'application/json', '"secret"', 400, 'invalid_request'],
    ['that is null', 'application/json', 'null', 400, 'invalid_request'],
    ['that is an array', 'application/json', '[{"name":"ZFS"}]', 400, 'invalid_request'],
    ['that is empty', 'application/json', '', 400, 'invalid_request'],
    ['of another type', 'text/plain', '{"name":"ZFS"}', 415, 'unsupported_media_type'],
    ['from a form', 'application/x-www-form-urlencoded', 'name=ZFS', 415, 'unsupported_media_type'],
    ['in Latin 1', 'application/json; charset=latin1', '{}', 415, 'unsupported_media_type'],
    [
      'in an unknown charset',
      'application/json; charset=utf-99',
      '{}',
      415,
      'unsupported_media_type',
    ],
    ['of more than 1 MiB', 'application/json', '1'.repeat(1_048_577), 413, 'body_too_large'],
  ] as const) {
    it(`${what} is refused with ${status} ${code}, and not quoted`, async () => {
      const { client, log } = echo();
      const answer = await post(client, type, content);
      expect([answer.status, answer.body]).to.deep.equal([
        status,
        { ...(answer.body as object), status, code },
      ]);
      expect(answer.text).not.to.include('secret').and.not.to.include('{"name');
      expect(log.lines).to.deep.equal([]);
    });
  }

  it("that is not JSON is reported as an error of the field 'body'", async () => {
    const { body: answer } = await post(echo().client, 'application/json', '{');
    expect(answer).to.deep.include({
      errors: [{ field: 'body', message: 'must be a JSON object', type: 'string' }],
    });
  });

  it('that is compressed is refused with 415, because it may be larger than it looks', async () => {
    const { status } = await echo()
      .client.post('/change')
      .set({ 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' })
      .send('{}');
    expect(status).to.equal(415);
  });

  it('with 100 000 nested arrays is refused with 400', async () => {
    const content = `{"name":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const { status, body: answer } = await post(echo().client, 'application/json', content);
    expect([status, answer]).to.deep.equal([
      400,
      {
        ...(answer as object),
        code: 'invalid_request',
        errors: [{ field: 'body', message: 'must not be deeper than 256 levels', type: 'object' }],
      },
    ]);
  });

  it('with 1 MiB is read', async () => {
    const rest = JSON.stringify({ name: 'ZFS', more: '' }).length;
    const content = JSON.stringify({ name: 'ZFS', more: 'x'.repeat(1_048_576 - rest) });
    expect((await post(echo().client, 'application/json', content)).status).to.equal(200);
  });

  it('that is missing is reported by its missing fields', async () => {
    const { status, body: answer } = await echo().client.post('/change');
    expect([status, answer]).to.deep.equal([
      400,
      {
        ...(answer as object),
        errors: [{ field: 'name', message: `is required and ${expected}`, type: 'undefined' }],
      },
    ]);
  });

  it('that is an array is reported as an array', async () => {
    const { status, body: answer } = await post(echo().client, 'application/json', '[{"name":1}]');
    expect([status, answer]).to.deep.equal([
      400,
      {
        ...(answer as object),
        code: 'invalid_request',
        detail: 'The body is an array. Send one JSON object.',
        errors: [{ field: 'body', message: 'must be a JSON object', type: 'array' }],
      },
    ]);
  });

  for (const content of ['{}', '{"broken', '5']) {
    it(`${content} in a GET request is not read`, async () => {
      const { status, body: answer } = await echo()
        .client.get('/read/ZFS')
        .set('Content-Type', 'application/json')
        .send(content);
      expect([status, answer]).to.deep.equal([200, { name: 'ZFS' }]);
    });
  }
});
