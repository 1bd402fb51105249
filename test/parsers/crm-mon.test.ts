import { expect } from 'chai';
import fc from 'fast-check';

import { listFencingHistory } from '../../src/routes/ha/documents/fencing-history.ts';
import { locate } from '../../src/routes/ha/documents/location.ts';
import { listNodes, nodeDetails } from '../../src/routes/ha/documents/nodes.ts';
import {
  allInstances,
  failuresIn,
  nodeStates,
  parseCrmMon,
  stateAsJson,
} from '../../src/parsers/crm-mon.ts';
import { parseXml, type XmlElement } from '../../src/parsers/xml.ts';
import { everythingState } from '../support/everything.ts';
import { orFault } from '../support/faults.ts';
import { contractExample, generations, recorded } from '../support/fixtures.ts';
import { expectWholeState } from '../support/whole-state.ts';
import { factsOf, factsOfJson } from '../support/witness.ts';
import {
  anyDocument,
  anyName,
  anyPlaces,
  withSomethingNew,
  xmlOf,
} from '../support/xml-documents.ts';
import { parseCib } from '../../src/parsers/cib/cib.ts';

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

describe('failuresIn', () => {
  it('reads the reason, or else the meaning of the exit code and how the operation ended', () => {
    const failure = (key: string, more: string) =>
      `<failure op_key="${key}" node="a" exitcode="1" ${more}/>`;
    const xml = `<crm_mon><failures>${[
      failure(
        'A_start_0',
        'exitreason="no pool" exitstatus="error" status="complete" interval="0" task="start"',
      ),
      failure(
        'A:1_monitor_10000',
        'exitreason="" exitstatus="error" status="complete" interval="10000" task="monitor"',
      ),
      failure(
        'A_b_stop_0',
        'exitreason="" exitstatus="Error occurred" status="Done" interval="0" task="stop"',
      ),
      failure(
        'A_start_0',
        'exitreason="" exitstatus="error" status="Timed Out" interval="0" task="start"',
      ),
    ].join('')}</failures></crm_mon>`;
    expect(failuresIn(parseCrmMon(xml))).to.deep.equal([
      { resource: 'A', node: 'a', task: 'start', reason: 'no pool', exitCode: 1 },
      { resource: 'A', node: 'a', task: 'monitor', reason: 'error (exit code 1)', exitCode: 1 },
      {
        resource: 'A_b',
        node: 'a',
        task: 'stop',
        reason: 'Error occurred (exit code 1)',
        exitCode: 1,
      },
      {
        resource: 'A',
        node: 'a',
        task: 'start',
        reason: 'error (exit code 1, Timed Out)',
        exitCode: 1,
      },
    ]);
  });
});

describe('nodeStates', () => {
  it('distinguishes remote and guest nodes from cluster nodes', () => {
    const xml = `<crm_mon><nodes>
      <node name="a" id="1" online="true" standby="false" standby_onfail="false" maintenance="false" type="member"/>
      <node name="r" id="r" online="false" standby="false" standby_onfail="false" maintenance="true" type="remote"/>
      <node name="f" id="2" online="true" standby="false" standby_onfail="true" maintenance="false" type="member"/>
    </nodes></crm_mon>`;
    expect(nodeStates(parseCrmMon(xml))).to.deep.equal([
      { name: 'a', id: '1', remote: false, online: true, standby: false, maintenance: false },
      { name: 'r', id: 'r', remote: true, online: false, standby: false, maintenance: true },
      { name: 'f', id: '2', remote: false, online: true, standby: true, maintenance: false },
    ]);
  });

  for (const generation of generations) {
    it(`reads what was recorded on ${generation.suite}`, () => {
      const { stdout } = recorded(generation, 'crm_mon', 'storage-as-xml');
      const names = nodeStates(parseCrmMon(stdout)).map(({ name, online }) => [name, online]);
      expect(names).to.have.deep.members([
        ['ae82a9a2', true],
        ['5e7638bc', true],
      ]);
    });
  }
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

  it('is passed on as a whole, whatever is in it', () => {
    fc.assert(
      fc.property(documents, (document) => {
        const children = document.children.filter(({ name }) => name !== 'status');
        expect(factsOfJson(stateAsJson(parseCrmMon(xmlOf(document))))).to.deep.equal(
          factsOf({ ...document, children }, 'attribute'),
        );
      }),
    );
  });

  it('can be read without an exception, whatever is in it', () => {
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
    it(`is answered whole with what is new anywhere in it, as on ${generation.suite}`, () => {
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
