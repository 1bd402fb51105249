import { expect } from 'chai';
import fc from 'fast-check';

import { parseCorosyncConf, writeCorosyncConf } from '../../../../src/parsers/corosync/conf.ts';
import {
  corosyncConfAsJson,
  corosyncConfOfJson,
} from '../../../../src/routes/ha/documents/corosync-conf.ts';
import { anyConf, anyConfText, expectInvalid } from '../../../support/corosync-confs.ts';
import { contractExample } from '../../../support/fixtures.ts';

const json = (text: string) => corosyncConfAsJson(parseCorosyncConf(text));

describe('the document of corosync.conf', () => {
  it('is the JSON of the contract, which gives the file back to the byte', () => {
    const raw = contractExample('corosync-raw') as string;
    const example = contractExample('corosync');
    expect(JSON.stringify(json(raw))).to.equal(JSON.stringify(example));
    expect(writeCorosyncConf(corosyncConfOfJson(example))).to.equal(raw);
  });

  describe('when it is written', () => {
    it('has an array for repeated names, in file order', () => {
      expect(json('a {\nb: 1\n}\na {\nb: 2\nb: 3\nc {\n}\nc {\n}\n}')).to.deep.equal({
        a: [{ b: '1' }, { b: ['2', '3'], c: [{}, {}] }],
      });
    });

    it('has an array of nodes even for one node', () => {
      expect(json('nodelist {\nnode {\nnodeid: 1\n}\n}')).to.deep.equal({
        nodelist: { node: [{ nodeid: '1' }] },
      });
    });

    it('keeps both a setting and a section of the same name', () => {
      expect(json('a {\nb: 1\nb {\nc: 2\n}\n}')).to.deep.equal({ a: { b: ['1', { c: '2' }] } });
    });

    it('keeps the order of the file', () => {
      const text = 'totem {\nz: 1\ninterface {\n}\na: 2\n}\nlogging {\n}\n';
      expect(JSON.stringify(json(text))).to.equal(
        '{"totem":{"z":"1","interface":{},"a":"2"},"logging":{}}',
      );
    });
  });

  describe('when it is read', () => {
    for (const [what, value] of [
      ['a number', { totem: { version: 2 } }],
      ['null', { totem: { version: null } }],
      ['an array in an array', { totem: { version: [['2']] } }],
      ['text alone', 'totem {\n}\n'],
      ['nothing', undefined],
      ['an array', []],
    ] as const) {
      it(`is refused with ${what}`, () => {
        expectInvalid(() => corosyncConfOfJson(value), /a setting is a string such as "2"/);
      });
    }

    it('names what it refuses, but never the value', () => {
      expectInvalid(() => corosyncConfOfJson({ totem: { key: 1234 } }), /^'totem\.key'(?!.*1234)/);
    });

    it('is refused when it is nested deeper than corosync can hold, at any depth', () => {
      const deep: unknown = JSON.parse(`${'{"":'.repeat(200_000)}"x"${'}'.repeat(200_000)}`);
      expectInvalid(() => corosyncConfOfJson(deep), /deeper than corosync can hold/);
    });
  });

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.oneof(anyConf, anyConfText.map(parseCorosyncConf)), (each) => {
        const there = corosyncConfAsJson(each);
        const back = corosyncConfOfJson(JSON.parse(JSON.stringify(there)));
        expect(corosyncConfAsJson(back)).to.deep.equal(there);
      }),
    );
  });
});
