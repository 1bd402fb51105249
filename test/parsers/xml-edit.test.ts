import { expect } from 'chai';
import fc from 'fast-check';

import {
  childToEdit,
  type EditableXml,
  newElement,
  parseEditableXml,
  removeChildren,
  walk,
  writeXml,
} from '../../src/parsers/xml-edit.ts';
import { parseXml } from '../../src/parsers/xml.ts';
import { fixtureText, generations } from '../support/fixtures.ts';
import { anyDocument, anyName, xmlOf } from '../support/xml-documents.ts';

describe('an XML document that is edited', () => {
  it('is read back as it was written, whatever is in it', () => {
    fc.assert(
      fc.property(anyDocument(anyName), (document) => {
        const read = parseEditableXml(xmlOf(document));
        expect(parseEditableXml(writeXml(read))).to.deep.equal(read);
      }),
    );
  });

  it('stays the same document when written, except for white space between elements', () => {
    fc.assert(
      fc.property(anyDocument(anyName), (document) => {
        const xml = xmlOf(document);
        const written = parseXml(writeXml(parseEditableXml(xml)));
        expect(withoutBlanks(written)).to.deep.equal(withoutBlanks(parseXml(xml)));
      }),
    );
  });

  for (const { suite, versions } of generations) {
    it(`keeps everything in the CIB of ${suite}, including comments`, () => {
      const xml = fixtureText(`cibadmin/${versions['cibadmin'] ?? ''}/everything-query/stdout`);
      const written = writeXml(parseEditableXml(xml));
      expect(parseEditableXml(written)).to.deep.equal(parseEditableXml(xml));
      expect(written).to.include('<!-- Pacemaker keeps comments -->');
    });
  }

  it('keeps a comment at its place', () => {
    const xml = '<a><b/><!-- <c> & "d" --><e/></a>';
    expect(writeXml(parseEditableXml(xml))).to.equal(xml);
  });

  it('has no raw line break in an attribute, which a parser would read as a blank', () => {
    const element = newElement('a', { v: '"<\n\t\r>&\'' });
    expect(writeXml(element)).to.equal('<a v="&quot;&lt;&#10;&#9;&#13;&gt;&amp;\'"/>');
  });

  it('leaves out undefined attributes', () => {
    expect(writeXml(newElement('a', { b: undefined, c: '' }))).to.equal('<a c=""/>');
  });

  it('gets a child only if it has none of that name', () => {
    const root = parseEditableXml('<a><b n="1"/><b n="2"/></a>');
    expect(childToEdit(root, 'b').attributes).to.deep.equal({ n: '1' });
    childToEdit(root, 'c', { x: 'y' });
    childToEdit(root, 'c', { x: 'z' });
    expect(writeXml(root)).to.equal('<a><b n="1"/><b n="2"/><c x="y"/></a>');
  });

  it('loses the children that match, and reports whether there were any', () => {
    const root = parseEditableXml('<a><b/><c/><b/></a>');
    expect(removeChildren(root, ({ name }) => name === 'b')).to.equal(true);
    expect(removeChildren(root, ({ name }) => name === 'b')).to.equal(false);
    expect(writeXml(root)).to.equal('<a><c/></a>');
  });

  it('is walked in document order, each element with its parent', () => {
    const steps = [...walk(parseEditableXml('<a><b><c/></b><d/></a>'))];
    expect(steps.map(({ element, parent }) => [element.name, parent?.name])).to.deep.equal([
      ['a', undefined],
      ['b', 'a'],
      ['c', 'b'],
      ['d', 'a'],
    ]);
  });
});

function withoutBlanks(element: ReturnType<typeof parseXml>): EditableXml {
  const { name, attributes, children, text } = element;
  const isBlank = children.length > 0 && text?.trim() === '';
  return {
    name,
    attributes: { ...attributes },
    children: children.map(withoutBlanks),
    text: isBlank ? undefined : text,
  };
}
