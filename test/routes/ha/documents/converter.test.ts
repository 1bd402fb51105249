import { expect } from 'chai';

import { toJson } from '../../../../src/routes/ha/documents/converter.ts';
import { parseXml } from '../../../../src/parsers/xml.ts';

const noLists = () => false;
const json = (xml: string, isList: (parent: string, child: string) => boolean = noLists) =>
  toJson(parseXml(xml), isList);

describe('toJson', () => {
  for (const [what, xml, expected] of [
    ['an empty element is an empty object', '<x/>', {}],
    ['white space alone is an empty string', '<x>\n  </x>', ''],
    ['text alone is the text, trimmed', '<x> a b </x>', 'a b'],
    ['attributes are strings', '<x a="1" b="true"/>', { a: '1', b: 'true' }],
    ['white space beside attributes is $t', '<x a="1">\n</x>', { a: '1', $t: '' }],
    ['text beside attributes is $t', '<x a="1"> t </x>', { a: '1', $t: 't' }],
    ['white space between children is dropped', '<x a="1"> <y/> </x>', { a: '1', y: {} }],
    ['text between children is kept', '<x>t<y/></x>', { y: {}, $t: 't' }],
    ['a single child is an object', '<x><y a="1"/></x>', { y: { a: '1' } }],
    ['repeated children are an array', '<x><y a="1"/><z/><y/></x>', { y: [{ a: '1' }, {}], z: {} }],
  ] as const) {
    it(what, () => {
      expect(json(xml)).to.deep.equal(expected);
    });
  }

  it('makes an array of a single child if the caller says that it is a list', () => {
    const isList = (parent: string, child: string) => parent === 'nodes' && child === 'node';
    expect(json('<r><nodes><node/></nodes><other><node/></other></r>', isList)).to.deep.equal({
      nodes: { node: [{}] },
      other: { node: {} },
    });
  });

  it('keeps the order of the document: attributes, then children', () => {
    expect(Object.keys(json('<x b="1" a="2"><d/><c/></x>'))).to.deep.equal(['b', 'a', 'd', 'c']);
  });
});
