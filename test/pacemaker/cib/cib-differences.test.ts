import { expect } from 'chai';
import fc from 'fast-check';

import { cibDifferences } from '../../../src/pacemaker/cib/cib-differences.ts';
import { cibPatch } from '../../../src/pacemaker/cib/cib-patch.ts';
import { type EditableXml, newElement, parseEditableXml } from '../../../src/parsers/xml-edit.ts';
import { patchedCib } from '../../support/patched-cib.ts';
import { anyText } from '../../support/xml-documents.ts';

const cibOf = (resources: string, start = '<cib epoch="4">') =>
  parseEditableXml(
    `${start}<configuration><resources>${resources}</resources></configuration><status/></cib>`,
  );
const at = '/cib/configuration/resources';

describe('the differences of two CIBs', () => {
  const between = (before: string, after: string) =>
    cibDifferences(cibOf(before), cibOf(after)).map((each) =>
      'element' in each ? { ...each, element: each.element.attributes['id'] } : each,
    );

  it('are empty for the same CIB', () => {
    expect(
      between('<a id="1" b="2"/><!-- x --><c/>', '<a b="2" id="1"/><!-- x --><c/>'),
    ).to.deep.equal([]);
  });

  it('ignore unchanged comments, even if several are equal', () => {
    expect(between('<!-- x --><a id="1"/><!-- x -->', '<!-- x --><!-- x -->')).to.deep.equal([
      { operation: 'delete', path: `${at}/a[@id='1']` },
    ]);
  });

  it('show what was created, and where', () => {
    expect(between('<a id="1"/>', '<b id="2"><c/></b><a id="1"/>')).to.deep.equal([
      { operation: 'create', path: at, position: 0, element: '2' },
    ]);
    expect(
      between('<g id="g"><a id="1"/></g>', '<g id="g"><a id="1"/><a id="2"/></g>'),
    ).to.deep.equal([{ operation: 'create', path: `${at}/g[@id='g']`, position: 1, element: '2' }]);
  });

  it('show what was modified, and its new state', () => {
    expect(between('<a id="1" b="2" c="3"/>', '<a id="1" b="4" d=""/>')).to.deep.equal([
      {
        operation: 'modify',
        path: `${at}/a[@id='1']`,
        set: { b: '4', d: '' },
        unset: ['c'],
        element: '1',
      },
    ]);
  });

  it('show what was deleted, and what was moved', () => {
    const [a, b, c] = ['<a id="1"/>', '<a id="2"/>', '<a id="3"/>'];
    expect(between(a + b + c, c + a)).to.deep.equal([
      { operation: 'delete', path: `${at}/a[@id='2']` },
      { operation: 'move', path: `${at}/a[@id='3']`, position: 0 },
    ]);
  });

  it('are a deletion and a creation if an element moved into another one', () => {
    expect(between('<a id="1"/><g id="g"/>', '<g id="g"><a id="1"/></g>')).to.deep.equal([
      { operation: 'delete', path: `${at}/a[@id='1']` },
      { operation: 'create', path: `${at}/g[@id='g']`, position: 0, element: '1' },
    ]);
  });

  for (const [what, before, after] of [
    ['two elements have the same path', '<b/><b/>', '<b/>'],
    ['two elements have the same id', '<b id="1"/><b id="1" c="2"/>', '<b id="1"/>'],
    ['an element without an id is hidden by one with an id', '<b id="1"/><b/>', '<b id="1"/>'],
    ['no path leads to an element because of its id', '<b id="1/2"/>', '<b id="1/2" c="d"/>'],
    ['a comment, which has no path, was removed', '<!-- b -->', ''],
    ['a comment is new', '<c/>', '<c/><!-- b -->'],
    ['a comment was moved', '<c/><!-- b -->', '<!-- b --><c/>'],
    ['a text was changed', 'b', 'c'],
  ] as const) {
    it(`replace the parent if ${what}`, () => {
      const all = (inside: string) => `<d/><a id="1"><e id="2"/>${inside}</a>`;
      expect(between(all(before), all(after))).to.deep.equal([
        { operation: 'delete', path: `${at}/a[@id='1']` },
        { operation: 'create', path: at, position: 1, element: '1' },
      ]);
    });
  }

  it('turn one CIB into the other, whatever they are', () => {
    fc.assert(
      fc.property(anyChildren, anyChildren, (one, other) => {
        const [before, after] = [cibOf(''), cibOf('')];
        (before.children[0] as EditableXml).children = one;
        (after.children[0] as EditableXml).children = other;
        const patch = cibPatch(cibDifferences(before, after), before);
        expect(patchedCib(before, patch)).to.deep.equal(after);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a patch', () => {
  it('contains its version, the next version, and the change of each element', () => {
    const before = cibOf(
      '<a id="1" b="2"/><c id="3"/><c id="4"/><e/>',
      '<cib admin_epoch="1" epoch="4" num_updates="7">',
    );
    const after = cibOf(
      '<c id="4"/><a id="1" d="&lt;"/><e/><f id="5"><g/></f>',
      '<cib admin_epoch="1" epoch="4" num_updates="7">',
    );
    expect(cibPatch(cibDifferences(before, after), before)).to.equal(
      [
        '<diff format="2"><version><source admin_epoch="1" epoch="4"/><target admin_epoch="1" epoch="5"/></version>',
        `<change operation="delete" path="${at}/c[@id='3']"/>`,
        `<change operation="modify" path="${at}/a[@id='1']"><change-list><change-attr name="d" operation="set" value="&lt;"/><change-attr name="b" operation="unset"/></change-list><change-result><a id="1" d="&lt;"/></change-result></change>`,
        `<change operation="move" path="${at}/c[@id='4']" position="0"/>`,
        `<change operation="create" path="${at}" position="3"><f id="5"><g/></f></change></diff>`,
      ].join(''),
    );
  });
});

/** Few names and ids, so that much is the same in both CIBs. */
const anyChildren = (() => {
  const { children } = fc.letrec<{ children: EditableXml[]; element: EditableXml }>((tie) => ({
    children: fc.array(tie('element'), { maxLength: 5 }),
    element: fc.oneof(
      {
        weight: 1,
        arbitrary: fc.constantFrom('x', 'y').map((text) => ({ ...newElement('!--', {}), text })),
      },
      {
        weight: 9,
        arbitrary: fc
          .record({
            name: fc.constantFrom('a', 'b'),
            id: fc.oneof(
              { weight: 1, arbitrary: fc.constantFrom(undefined, "'", 'x/y') },
              { weight: 9, arbitrary: fc.constantFrom('1', '2', '3', '4', '5', '6', '7') },
            ),
            value: fc.oneof(fc.constantFrom(undefined, '1', '2'), anyText),
            children: tie('children'),
          })
          .map(({ name, id, value, children }) => newElement(name, { id, value }, children)),
      },
    ),
  }));
  return children;
})();
