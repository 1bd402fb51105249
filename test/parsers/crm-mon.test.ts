import { expect } from 'chai';

import { nodeStates, parseCrmMon, stateAsJson } from '../../src/parsers/crm-mon.ts';
import { contractExample, generations, recorded } from '../support/fixtures.ts';

describe('stateAsJson', () => {
  it('makes of the XML of the contract its JSON, key for key', () => {
    const { raw, xml, cluster_name, ...state } = contractExample('status') as Record<
      string,
      string
    >;
    expect([raw, cluster_name]).not.to.include(undefined);
    expect(JSON.stringify(stateAsJson(parseCrmMon(xml ?? '')))).to.equal(JSON.stringify(state));
  });

  it('has arrays where a program walks a list, also for one element', () => {
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

  it('passes on what it does not know', () => {
    expect(
      stateAsJson(parseCrmMon('<crm_mon new="1"><newer><still a="b"/></newer></crm_mon>')),
    ).to.deep.equal({
      new: '1',
      newer: { still: { a: 'b' } },
    });
  });

  it('reads <pacemaker-result> too, without how the command went', () => {
    const xml =
      '<pacemaker-result api-version="2.25" request="crm_mon"><nodes><node name="a"/></nodes><status code="0" message="OK"/></pacemaker-result>';
    expect(stateAsJson(parseCrmMon(xml))).to.deep.equal({
      'api-version': '2.25',
      request: 'crm_mon',
      nodes: { node: [{ name: 'a' }] },
    });
  });
});

describe('nodeStates', () => {
  it('tells remote and guest nodes from cluster nodes', () => {
    const xml = `<crm_mon><nodes>
      <node name="a" online="true" standby="false" standby_onfail="false" maintenance="false" type="member"/>
      <node name="r" online="false" standby="false" standby_onfail="false" maintenance="true" type="remote"/>
      <node name="f" online="true" standby="false" standby_onfail="true" maintenance="false" type="member"/>
    </nodes></crm_mon>`;
    expect(nodeStates(parseCrmMon(xml))).to.deep.equal([
      { name: 'a', remote: false, online: true, standby: false, maintenance: false },
      { name: 'r', remote: true, online: false, standby: false, maintenance: true },
      { name: 'f', remote: false, online: true, standby: true, maintenance: false },
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
