import { expect } from 'chai';

import { inOrder } from '../../../src/server/table/order.ts';
import { allowedBy } from '../../../src/server/table/serve.ts';
import { type Method, row, type Row } from '../../../src/server/table/row.ts';

const rowFor = (path: string, methods: readonly Method[] = ['GET'], isChange = false): Row =>
  row({
    path,
    methods,
    isChange,
    role: 'viewer',
    summary: 'A row.',
    fields: {},
    answers: {},
    codes: [],
    handle: () => ({}),
  });

describe('the order of routes', () => {
  it('puts a literal segment before a parameter, and a parameter before several segments', () => {
    const paths = ['/a/*x', '/a/:x/c', '/:x/b', '/a/:x', '/a/b', '/a/b/c', '/a'];
    const sorted = ['/a/b/c', '/a/b', '/a/:x/c', '/a/:x', '/a/*x', '/a', '/:x/b'];
    const ordered = (rows: readonly string[]) =>
      inOrder(rows.map((path) => rowFor(path))).map(([each]) => each?.path);
    expect(ordered(paths)).to.deep.equal(sorted);
    expect(ordered(paths.toReversed())).to.deep.equal(sorted);
  });

  it('puts the methods of one path together, whatever its parameters are called', () => {
    const [sharing, ...others] = inOrder([rowFor('/a/:id', ['DELETE'], true), rowFor('/a/:type')]);
    expect(others).to.deep.equal([]);
    expect(allowedBy(sharing ?? [])).to.deep.equal(['GET', 'HEAD', 'DELETE']);
  });

  it('allows no HEAD for a GET that changes something', () => {
    expect(allowedBy([rowFor('/a/stop', ['GET', 'POST'], true)])).to.deep.equal(['GET', 'POST']);
  });

  it('refuses two routes for the same requests, and names both', () => {
    expect(() => inOrder([rowFor('/a/:id'), rowFor('/b'), rowFor('/a/:type', ['POST', 'GET'])]))
      .to.throw(Error)
      .with.property('message')
      .that.includes('GET /a/:id (A row.)')
      .and.includes('POST and GET /a/:type (A row.)');
  });
});
