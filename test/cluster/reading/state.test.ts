import { expect } from 'chai';

import { locate } from '../../../src/routes/ha/documents/location.ts';
import { nodeDetails } from '../../../src/routes/ha/documents/nodes.ts';
import { Fault } from '../../../src/kit/fault.ts';
import { parseCib } from '../../../src/parsers/cib/cib.ts';
import { parseCrmMon } from '../../../src/parsers/crm-mon.ts';
import { everythingCib, everythingState } from '../../support/everything.ts';
import { contractExample, generations } from '../../support/fixtures.ts';

describe('the location of a resource', () => {
  const none = parseCib('<cib/>');

  it('has the form that the contract shows', () => {
    const state = parseCrmMon(
      '<crm_mon><resources><resource id="A" role="Started"><node name="09e3b2bd"/></resource></resources></crm_mon>',
    );
    expect(locate(state, none, 'A')).to.deep.equal(contractExample('resource-locate'));
  });

  it('names the nodes of all instances of a globally unique clone', () => {
    const state = parseCrmMon(
      '<crm_mon><resources><clone id="C"><resource id="A:0" role="Started"><node name="a"/></resource><resource id="A:1" role="Started"><node name="b"/></resource></clone></resources></crm_mon>',
    );
    expect(locate(state, none, 'A')).to.deep.equal({
      status: 'running',
      node: 'a',
      nodes: ['a', 'b'],
    });
  });

  it('is stopped if the resource is configured but crm_mon does not show it', () => {
    const state = parseCrmMon('<crm_mon><resources/></crm_mon>');
    const cib = parseCib(
      '<cib><configuration><resources><clone id="C"><primitive id="A"/></clone></resources></configuration></cib>',
    );
    expect(locate(state, cib, 'A')).to.deep.equal({ status: 'stopped' });
    expect(locate(state, cib, 'C')).to.deep.equal({ status: 'stopped' });
    expect(() => locate(state, none, 'A')).to.throw(Fault);
  });
});

for (const generation of generations) {
  describe(`the state of everything on ${generation.suite}`, () => {
    const state = everythingState(generation);
    const queue = generation.suite === 'trixie' ? [] : ['master-Queue'];
    const cib = everythingCib(generation);

    it('shows where clones, promoted instances and orphans are', () => {
      expect(locate(state, cib, 'Everywhere-clone'))
        .to.have.property('nodes')
        .with.lengthOf(2);
      expect(locate(state, cib, 'Database')).to.deep.equal(locate(state, cib, 'Database-clone'));
      expect(locate(state, cib, 'Database').promoted).to.deep.equal(['ae82a9a2']);
      expect(locate(state, cib, 'Orphan')).to.include({ status: 'running' });
      expect(locate(state, cib, 'constructor')).to.deep.equal({ status: 'stopped' });
      expect(() => locate(state, cib, 'nothing')).to.throw(Fault, 'nothing');
    });

    it('shows what crm_mon says about a node, its configuration, and what runs there', () => {
      const node = nodeDetails(state, cib, 'ae82a9a2');
      expect(node).to.include({ name: 'ae82a9a2', online: 'true', type: 'member' });
      expect(node['utilization']).to.deep.equal({ cpu: '8', memory: '4096' });
      expect(node['attributes']).to.include({ rack: '1', room: 'cellar' });
      // `century` is missing because a rule sets it. `rack` is there because the transient attribute takes precedence.
      expect(node['transient_attributes']).to.have.all.keys(
        'rack',
        'master-Cache',
        'master-Database',
        ...queue,
      );
      expect(node['transient_attributes']).to.include({ rack: '7' });
      expect(node['resources']).to.include('Bare');
      expect(() => nodeDetails(state, cib, 'nothing')).to.throw(Fault);
    });
  });
}
