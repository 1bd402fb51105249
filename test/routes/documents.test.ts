import { Validator } from '@seriousme/openapi-schema-validator';
import { expect } from 'chai';

import { changesBench } from '../support/changes-bench.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface OpenApi {
  openapi: string;
  paths: Record<string, Record<string, { requestBody?: { content: object } }>>;
}

describe('the OpenAPI document of the HA API', () => {
  const folder = temporaryFolder();
  const read = async () => {
    const { app } = await changesBench(folder.path);
    const { status, body } = await app.client.get('/openapi.json');
    expect(status).to.equal(200);
    return body as OpenApi;
  };

  it('needs no token, and is served at the root and below the base path', async () => {
    const { app } = await changesBench(folder.path);
    const [atRoot, below] = [
      await app.client.get('/openapi.json'),
      await app.client.get('/api/v2/system/ha/openapi.json'),
    ];
    expect([atRoot.status, below.status]).to.deep.equal([200, 200]);
    expect(below.text).to.equal(atRoot.text);
    const again = await app.client
      .get('/openapi.json')
      .set('If-None-Match', atRoot.headers['etag'] ?? '');
    expect(again.status).to.equal(304);
    expect((await app.client.get('/api/v2/system/ha/resource')).status).to.equal(401);
  });

  it('conforms to the schema of OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate({ ...(await read()) });
    expect(errors, JSON.stringify(errors)).to.equal(undefined);
    expect(valid).to.equal(true);
  });

  it('lists what a route takes in its path, its query and its body', async () => {
    const { paths } = await read();
    expect(paths['/resource/{name}/update']?.['post']).to.deep.include({
      summary: 'Changes parameters, meta attributes and operations of a resource.',
      description: 'Needs the role admin.',
    });
    const operation = paths['/resource/{name}/migrate']?.['post'] as unknown as {
      parameters: { name: string; in: string; required: boolean }[];
      requestBody: { content: { 'application/json': { schema: Record<string, unknown> } } };
    };
    expect(operation.parameters.map((each) => [each.name, each.in, each.required])).to.deep.equal([
      ['dry_run', 'query', false],
      ['wait', 'query', false],
      ['name', 'path', true],
      ['If-Match', 'header', false],
      ['Idempotency-Key', 'header', false],
    ]);
    const { schema } = operation.requestBody.content['application/json'];
    expect(schema).to.deep.include({ required: ['node'], additionalProperties: false });
    expect(Object.keys(schema['properties'] as object)).to.deep.equal(['node', 'role']);
    // The body of a documented GET that changes something is not read.
    expect(paths['/resource/{name}/stop']?.['get']).not.to.have.property('requestBody');
  });
});
