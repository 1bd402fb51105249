import { expect } from 'chai';
import fc from 'fast-check';

import { descendants, type XmlElement } from '../../src/parsers/xml.ts';
import { relaxNg } from './relax-ng.ts';

const always = (schema: string, isSo: (document: XmlElement) => void, others = {}) => {
  const files = new Map(Object.entries({ 'schema.rng': schema, ...others }));
  fc.assert(fc.property(relaxNg(files)('schema.rng'), isSo));
};

describe('random documents by a RELAX NG schema', () => {
  it('have everything required, and sometimes what is optional', () => {
    const seen = new Set<string | undefined>();
    always(
      `<element name="a">
         <attribute name="x"><choice><value>1</value><value>2</value></choice></attribute>
         <optional><attribute name="y"><data type="boolean"/></attribute></optional>
         <oneOrMore><element name="b"><empty/></element></oneOrMore>
       </element>`,
      ({ name, attributes: { x, y, ...others }, children }) => {
        expect([name, others]).to.deep.equal(['a', {}]);
        expect(x).to.be.oneOf(['1', '2']);
        expect(children.map((each) => each.name)).to.include('b');
        seen.add(y);
      },
    );
    expect([...seen]).to.include.members([undefined, 'true', 'false']);
  });

  it('have no excluded value, and none that breaks a rule of its type', () => {
    always(
      `<element name="a">
         <attribute name="x"><data type="string"><except><choice><value>true</value></choice></except></data></attribute>
         <attribute name="y"><data type="string"><param name="pattern">[a-c]+</param></data></attribute>
         <attribute name="z"><data type="positiveInteger"><param name="maxInclusive">9</param></data></attribute>
       </element>`,
      ({ attributes }) => {
        expect(attributes['x']).not.to.equal('true');
        expect(attributes['y']).to.match(/^[a-c]+$/);
        expect(attributes['z']).to.match(/^[1-9]$/);
      },
    );
  });

  it('end even if a definition refers to itself', () => {
    always(
      `<grammar><start><ref name="a"/></start><define name="a"><element name="a">
         <oneOrMore><choice><element name="b"><empty/></element><ref name="a"/></choice></oneOrMore>
       </element></define></grammar>`,
      (document) => {
        expect(descendants(document, 'b')).to.have.lengthOf.above(0);
      },
    );
  });

  it('follow links, and prefer the definitions of the including file', () => {
    always(
      `<grammar><start><group><element name="a"><externalRef href="inner/b.rng"/></element></group></start></grammar>`,
      ({ children: [b] }) => {
        expect(b).to.deep.include({ name: 'b', attributes: { own: 'from outside' } });
      },
      {
        'inner/b.rng': `<grammar>
          <start><grammar><include href="c.rng">
            <define name="attribute"><parentRef name="outer"/></define>
          </include></grammar></start>
          <define name="outer"><attribute name="own"><value>from outside</value></attribute></define>
        </grammar>`,
        'inner/c.rng': `<grammar>
          <start combine="choice"><notAllowed/></start>
          <start combine="choice"><element name="b"><ref name="attribute"/></element></start>
          <define name="attribute"><attribute name="theirs"/></define>
        </grammar>`,
      },
    );
  });

  it('have each id once, and only references to existing ids', () => {
    always(
      `<element name="a"><interleave>
         <oneOrMore><element name="b"><attribute name="id"><data type="ID"/></attribute></element></oneOrMore>
         <oneOrMore><element name="c"><attribute name="ref"><data type="IDREF"/></attribute></element></oneOrMore>
       </interleave></element>`,
      (document) => {
        const ids = descendants(document, 'b').map(({ attributes }) => attributes['id']);
        expect(new Set(ids)).to.have.lengthOf(ids.length);
        for (const { attributes } of descendants(document, 'c'))
          expect(ids).to.include(attributes['ref']);
      },
    );
  });

  it('are refused if the schema has a part that is not supported', () => {
    for (const schema of [
      '<element name="a"><list><text/></list></element>',
      '<element name="a"><data type="anyURI"/></element>',
      '<element name="a"><data type="string"><param name="minLength">1</param></data></element>',
      '<grammar><start><ref name="none"/></start></grammar>',
      '<notAllowed/>',
    ]) {
      expect(() => relaxNg(new Map([['a.rng', schema]]))('a.rng'), schema).to.throw();
    }
  });
});
