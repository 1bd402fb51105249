import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import { differencesIn, type Explained, judge } from './differences.ts';
import { explained } from './explained.ts';
import { type Exchanged, pairsOf, type Recorded } from './exchanges.ts';

const recorded = (host: string, body: object, more: object = {}): Recorded => ({
  moment: 'get_info',
  exchange: {
    host,
    method: 'GET',
    path: '/1.0/info',
    sent_bytes: 0,
    sent_md5: '',
    status: 200,
    type: 'application/json; charset=utf-8',
    body: JSON.stringify(body),
    ms: 1,
    ...more,
  },
});

const names = { real: [['one', 'NODE']], ours: [['two', 'NODE']] } as const;

const pairsWith = (real: object, ours: object): Exchanged[] =>
  pairsOf([recorded('a', real)], [recorded('b', ours)], names);

describe('the comparison of two agents', () => {
  it('finds no difference in names of their own and in quantities', () => {
    const pairs = pairsWith(
      { hostname: 'one', cpu: { total: 5 }, load: ['1.5'] },
      { hostname: 'two', cpu: { total: 7 }, load: ['2.5'] },
    );
    expect(pairs.flatMap(differencesIn)).to.deep.equal([]);
  });

  it('finds a field that one answer lacks, and a quantity of another type', () => {
    const pairs = pairsWith({ cpu: { total: 5 } }, { cpu: { total: '5' }, uuid: 'x' });
    expect(pairs.flatMap(differencesIn).map(({ field }) => field)).to.deep.equal([
      'body.cpu.total',
      'body.uuid',
    ]);
  });

  it('finds another status, media type and ETag', () => {
    const answers = { status: 202, type: 'text/plain', etag: 'x' };
    const pairs = pairsOf([recorded('a', {})], [recorded('b', {}, answers)], names);
    const fields = pairs.flatMap(differencesIn).map(({ field }) => field);
    expect(fields).to.include.members(['status', 'type', 'etag']);
  });

  it('fails if the agents were not asked for the same', () => {
    const other = recorded('b', {}, { path: '/1.0/details' });
    expect(() => pairsOf([recorded('a', {})], [other], names)).to.throw('/1.0/details');
  });

  it('reports a difference without a row, and a row without a difference', () => {
    const row = (field: RegExp): Explained => ({
      line: 'A',
      request: /info$/,
      field,
      real: /^1$/,
      ours: null,
    });
    const pairs = pairsWith({ a: 1, b: 1, c: 1 }, { c: 1 });
    const judged = judge(pairs, [row(/^body\.a$/), row(/^body\.c$/)]);
    expect(judged.explained.map(({ field }) => field)).to.deep.equal(['body.a']);
    expect(judged.unexplained.map(({ field }) => field)).to.deep.equal(['body.b']);
    expect(judged.unused).to.deep.equal([row(/^body\.c$/)]);
  });
});

describe("the differences from Octavia's agent", () => {
  it('are the lines of the table in docs/amphora.md', () => {
    const text = readFileSync(new URL('../../docs/amphora.md', import.meta.url), 'utf8');
    const [, chapter = ''] = text.split("## Differences from Octavia's agent");
    const [table = ''] = chapter.split('\n## ');
    const lines = [...table.matchAll(/^\| ([A-Z]\d*) \|/gm)].map(([, line]) => line);
    expect([...new Set(explained.map(({ line }) => line))].sort()).to.deep.equal(lines.sort());
  });
});
