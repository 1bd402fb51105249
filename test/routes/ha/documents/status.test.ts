import { expect } from 'chai';
import fc from 'fast-check';

import { listFencingHistory } from '../../../../src/routes/ha/documents/fencing-history.ts';
import { locate } from '../../../../src/routes/ha/documents/location.ts';
import { listNodes, nodeDetails } from '../../../../src/routes/ha/documents/nodes.ts';
import { makeStatusWriter, stateAsJson } from '../../../../src/routes/ha/documents/status.ts';
import { parseCib } from '../../../../src/parsers/cib/cib.ts';
import { allInstances, nodeStates, parseCrmMon } from '../../../../src/parsers/crm-mon.ts';
import { parseXml, type XmlElement } from '../../../../src/parsers/xml.ts';
import { everythingState } from '../../../support/everything.ts';
import { orFault } from '../../../support/faults.ts';
import { contractExample, generations } from '../../../support/fixtures.ts';
import { expectWholeState } from '../../../support/whole-state.ts';
import { factsOf, factsOfJson } from '../../../support/witness.ts';
import {
  anyDocument,
  anyName,
  anyPlaces,
  withSomethingNew,
  xmlOf,
} from '../../../support/xml-documents.ts';

describe('stateAsJson', () => {
  it('turns the XML of the contract into its JSON, key for key', () => {
    const { raw, xml, cluster_name, ...state } = contractExample('status') as Record<
      string,
      string
    >;
    expect([raw, cluster_name]).not.to.include(undefined);
    expect(JSON.stringify(stateAsJson(parseCrmMon(xml ?? '')))).to.equal(JSON.stringify(state));
  });

  it('has an array for each list that programs walk, even for one element', () => {
    const xml = `<crm_mon><nodes><node name="a"/></nodes>
      <resources><group id="g"><resource id="r"><node name="a"/></resource></group>
        <clone id="c"><group id="i"><resource id="s"/></group></clone>
        <bundle id="b"><replica id="0"><resource id="t"/></replica></bundle></resources>
      <node_attributes><node name="a"><attribute name="x"/></node></node_attributes>
      <node_history><node name="a"><resource_history id="r"><operation_history call="1"/></resource_history></node></node_history>
      <failures><failure op_key="k"/></failures>
      <fence_history><fence_event target="a"/></fence_history>
      <tickets><ticket id="t"/></tickets><bans><ban id="b"/></bans></crm_mon>`;
    expect(stateAsJson(parseCrmMon(xml))).to.deep.equal({
      nodes: { node: [{ name: 'a' }] },
      resources: {
        group: [{ id: 'g', resource: [{ id: 'r', node: [{ name: 'a' }] }] }],
        clone: [{ id: 'c', group: [{ id: 'i', resource: [{ id: 's' }] }] }],
        bundle: [{ id: 'b', replica: [{ id: '0', resource: [{ id: 't' }] }] }],
      },
      node_attributes: { node: [{ name: 'a', attribute: [{ name: 'x' }] }] },
      node_history: {
        node: [{ name: 'a', resource_history: [{ id: 'r', operation_history: [{ call: '1' }] }] }],
      },
      failures: { failure: [{ op_key: 'k' }] },
      fence_history: { fence_event: [{ target: 'a' }] },
      tickets: { ticket: [{ id: 't' }] },
      bans: { ban: [{ id: 'b' }] },
    });
  });

  it('includes elements and attributes that it does not know', () => {
    expect(
      stateAsJson(parseCrmMon('<crm_mon new="1"><newer><still a="b"/></newer></crm_mon>')),
    ).to.deep.equal({
      new: '1',
      newer: { still: { a: 'b' } },
    });
  });

  it('also reads <pacemaker-result>, without the result of the command', () => {
    const xml =
      '<pacemaker-result api-version="2.25" request="crm_mon"><nodes><node name="a"/></nodes><status code="0" message="OK"/></pacemaker-result>';
    expect(stateAsJson(parseCrmMon(xml))).to.deep.equal({
      'api-version': '2.25',
      request: 'crm_mon',
      nodes: { node: [{ name: 'a' }] },
    });
  });
});

describe('the writer of the status', () => {
  const { raw, xml } = contractExample('status') as Record<'raw' | 'xml', string>;
  const status = () => ({
    state: parseCrmMon(xml),
    clusterName: 'dolocoin',
    pcsText: raw,
    digest: 'a',
    readAt: 0,
  });

  it('writes the status of the contract from its XML and its text, to the byte', () => {
    const json = makeStatusWriter()(status()).toString();
    expect(json).to.equal(JSON.stringify(contractExample('status')));
  });

  it('writes a status once for all callers, and another status separately', () => {
    const write = makeStatusWriter();
    const one = status();
    const json = write(one);
    expect(write(one)).to.equal(json);
    const other = write(status());
    expect(other).not.to.equal(json);
    expect(other).to.deep.equal(json);
  });

  it('leaves out the text of pcs if it is not requested', () => {
    const others = { ...(contractExample('status') as object), raw: undefined };
    const json = makeStatusWriter()({ ...status(), pcsText: undefined }).toString();
    expect(json).to.equal(JSON.stringify(others));
  });
});

describe('any output of crm_mon', () => {
  const names = fc.oneof(
    fc.constantFrom(
      'nodes',
      'node',
      'resources',
      'resource',
      'group',
      'clone',
      'bundle',
      'replica',
    ),
    fc.constantFrom('fence_history', 'fence_event', 'node_attributes', 'attribute', 'status'),
    // Every JavaScript object has a property of that name.
    fc.constantFrom('toLocaleString', 'isPrototypeOf'),
    anyName,
  );
  const attributeNames = fc.oneof(fc.constantFrom('id', 'name', 'role', 'online'), anyName);
  const documents = fc
    .array(anyDocument(names, attributeNames), { maxLength: 4 })
    .map((children): XmlElement => ({ name: 'crm_mon', attributes: {}, children, text: ' ' }));

  it('is passed on completely, with any content', () => {
    fc.assert(
      fc.property(documents, (document) => {
        const children = document.children.filter(({ name }) => name !== 'status');
        expect(factsOfJson(stateAsJson(parseCrmMon(xmlOf(document))))).to.deep.equal(
          factsOf({ ...document, children }, 'attribute'),
        );
      }),
    );
  });

  it('can be read without an exception, with any content', () => {
    const cib = parseCib('<cib/>');
    fc.assert(
      fc.property(documents, (document) => {
        const state = parseCrmMon(xmlOf(document));
        expect(listNodes(state)).to.be.an('object');
        for (const { name } of nodeStates(state)) orFault(() => nodeDetails(state, cib, name));
        for (const { id } of allInstances(state)) orFault(() => locate(state, cib, id));
        expect(listFencingHistory(state)).to.be.an('array');
      }),
    );
  });

  for (const generation of generations) {
    it(`is answered completely with new content anywhere in it, as on ${generation.suite}`, () => {
      const { xml } = everythingState(generation);
      fc.assert(
        fc.property(anyPlaces, (places) => {
          expectWholeState(withSomethingNew(parseXml(xml), places));
        }),
        { numRuns: 10 },
      );
    });
  }
});
