import { expect } from 'chai';
import fc from 'fast-check';

import { listConstraints } from '../../../src/routes/ha/documents/constraints.ts';
import { listProperties } from '../../../src/routes/ha/documents/properties.ts';
import {
  detailsOf,
  listGroups,
  listResources,
} from '../../../src/routes/ha/documents/resources.ts';
import { listFencing, listLevels } from '../../../src/routes/ha/documents/fencing.ts';
import { parseXml, type XmlElement } from '../../../src/parsers/xml.ts';
import { orFault } from '../../support/faults.ts';
import { generations, recorded } from '../../support/fixtures.ts';
import { expectWholeCib } from '../../support/whole-cib.ts';
import { factsOf, factsOfJson } from '../../support/witness.ts';
import {
  anyDocument,
  anyName,
  anyPlaces,
  anyText,
  withSomethingNew,
  xmlOf,
} from '../../support/xml-documents.ts';
import { parseCib } from '../../../src/parsers/cib/cib.ts';
import { withoutStatus } from '../../../src/parsers/cib/text.ts';

describe('any CIB', () => {
  const names = fc.oneof(
    fc.constantFrom(
      'crm_config',
      'nodes',
      'resources',
      'constraints',
      'fencing-topology',
      'status',
    ),
    fc.constantFrom('primitive', 'group', 'clone', 'master', 'bundle', 'template', 'operations'),
    fc.constantFrom(
      'op',
      'instance_attributes',
      'meta_attributes',
      'utilization',
      'nvpair',
      'rule',
    ),
    fc.constantFrom('rsc_location', 'rsc_order', 'rsc_colocation', 'rsc_ticket', 'resource_set'),
    fc.constantFrom(
      'resource_ref',
      'fencing-level',
      'cluster_property_set',
      'node',
      'toLocaleString',
    ),
    anyName,
  );
  const attributeNames = fc.oneof(
    fc.constantFrom('id', 'name', 'value', 'score', 'class', 'template', 'rsc', 'devices', 'uname'),
    anyName,
  );
  const anything = fc.array(anyDocument(names, attributeNames), { maxLength: 4 });
  const documents = fc
    .tuple(anything, anything)
    .map(([inside, status]) =>
      elementOf('cib', [elementOf('configuration', inside), elementOf('status', status)]),
    );

  it('is passed on as a whole in `configuration`, whatever is in it', () => {
    fc.assert(
      fc.property(documents, (document) => {
        const [configuration] = document.children;
        const cib = parseCib(xmlOf(document));
        expect(factsOfJson(cib.configuration)).to.deep.equal(
          configuration && factsOf(configuration, 'itself'),
        );
      }),
    );
  });

  it('can be read without an exception, whatever is in it', () => {
    fc.assert(
      fc.property(documents, fc.array(anyText), (document, resourceNames) => {
        const cib = parseCib(xmlOf(document));
        const resources = listResources(cib);
        for (const { name } of resources) detailsOf(cib, name as string);
        for (const name of resourceNames) orFault(() => detailsOf(cib, name));
        const answers = [
          resources,
          listGroups(cib),
          listFencing(cib),
          listLevels(cib),
          listConstraints(cib),
          listProperties(cib, new Map()),
        ];
        expect(JSON.stringify(answers)).to.be.a('string');
      }),
    );
  });

  it('loses its status and nothing else, whatever is in the status', () => {
    fc.assert(
      fc.property(anything, anything, (inside, status) => {
        const configuration = elementOf('configuration', inside);
        const document = elementOf('cib', [configuration, elementOf('status', status)]);
        expect(withoutStatus(xmlOf(document))).to.equal(
          `<cib>${xmlOf(configuration)}<status/>\n</cib>\n`,
        );
      }),
    );
  });

  for (const generation of generations) {
    it(`is answered completely if anything unknown is in it, in the format of ${generation.suite}`, () => {
      const { stdout } = recorded(generation, 'cibadmin', 'everything-query');
      const document = parseXml(withoutStatus(stdout));
      fc.assert(
        fc.property(anyPlaces, (places) => {
          expectWholeCib(withSomethingNew(document, places));
        }),
        { numRuns: 10 },
      );
    });
  }
});

function elementOf(name: string, children: readonly XmlElement[]): XmlElement {
  return { name, attributes: {}, children, text: undefined };
}
