import { expect } from 'chai';
import fc from 'fast-check';

import { Fault } from '../../src/kit/fault.ts';
import { child, children, descendants, parseXml } from '../../src/parsers/xml.ts';
import { anyDocument, anyName, xmlOf } from '../support/xml-documents.ts';

describe('parseXml', () => {
  it('keeps attributes, text and the order of elements unchanged', () => {
    const root = parseXml(
      '<?xml version="1.0"?>\n<!-- a --><cib n=" 1 "><b/>x<!-- c -->y<a>\n</a><b k="v"/></cib>\n',
    );
    expect(root.name).to.equal('cib');
    expect(root.attributes).to.deep.equal({ n: ' 1 ' });
    expect(root.text).to.equal('xy');
    expect(root.children.map(({ name }) => name)).to.deep.equal(['b', 'a', 'b']);
    expect(children(root, 'b')[1]?.attributes).to.deep.equal({ k: 'v' });
  });

  it('distinguishes an empty element from one with white space', () => {
    const root = parseXml('<a><b/><c></c><d> </d></a>');
    expect(root.children.map(({ text }) => text)).to.deep.equal([undefined, undefined, ' ']);
  });

  it('decodes the entities that libxml writes, in attributes and in text', () => {
    const root = parseXml('<a v="&lt;&amp;&quot;&#10;&#x263A;&gt;">&amp;amp;</a>');
    expect(root.attributes['v']).to.equal('<&"\n☺>');
    expect(root.text).to.equal('&amp;');
  });

  it('decodes any number of entities', () => {
    const many = '&quot;'.repeat(200_000);
    expect(parseXml(`<a v="${many}"/>`).attributes['v']).to.have.lengthOf(200_000);
  });

  it('reads documents as deep as libxml does', () => {
    const depth = 256;
    const root = parseXml('<a>'.repeat(depth) + '</a>'.repeat(depth));
    expect(descendants(root, 'a')).to.have.lengthOf(depth - 1);
  });

  for (const [what, text] of [
    ['an empty text', ''],
    ['text that is not XML', 'crm_mon: Error: cluster is not available on this node'],
    ['an unclosed document', '<crm_mon><nodes>'],
    ['a document cut short', '<crm_mon><nodes/></crm_'],
    ['two root elements', '<a/><b/>'],
    ['an attribute twice', '<a x="1" x="2"/>'],
    ['a doctype', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
    ['a name that is special to JavaScript', '<a><__proto__ x="1"/></a>'],
  ] as const) {
    it(`refuses ${what}`, () => {
      expect(() => parseXml(text))
        .to.throw(Fault)
        .with.property('code', 'unreadable_output');
    });
  }

  it('finds children and descendants by name', () => {
    const root = parseXml('<r><g><p id="1"/><g><p id="2"/></g></g><p id="3"/></r>');
    expect(child(root, 'p')?.attributes['id']).to.equal('3');
    expect(child(root, 'none')).to.equal(undefined);
    expect(descendants(root, 'p').map(({ attributes }) => attributes['id'])).to.deep.equal([
      '1',
      '2',
      '3',
    ]);
  });

  it('reads back any document', () => {
    fc.assert(
      fc.property(anyDocument(anyName), (document) => {
        expect(parseXml(xmlOf(document))).to.deep.equal(document);
      }),
    );
  });

  it('refuses a document of 100 000 nested elements', () => {
    const text = '<a>'.repeat(100_000) + '</a>'.repeat(100_000);
    expect(() => parseXml(text)).to.throw(Fault, /cannot be read/);
  });

  it('throws only faults, whatever it is given', () => {
    const piece = fc.constantFrom(
      '<a>',
      '</a>',
      '<b x="1"',
      '/>',
      '>',
      '"',
      '&',
      ';',
      '<!--',
      ' ',
      '<![CDATA[',
      ']]>',
      '<?',
      'é',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        try {
          parseXml(pieces.join(''));
        } catch (error) {
          expect(error).to.be.instanceOf(Fault);
        }
      }),
    );
  });
});
