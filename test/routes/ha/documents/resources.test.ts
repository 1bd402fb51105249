import { expect } from 'chai';

import {
  detailsOf,
  listGroups,
  listResources,
} from '../../../../src/routes/ha/documents/resources.ts';
import { listFencing, listLevels } from '../../../../src/routes/ha/documents/fencing.ts';
import { Fault } from '../../../../src/kit/fault.ts';
import { everythingCib } from '../../../support/everything.ts';
import { generations } from '../../../support/fixtures.ts';
import { type Cib, parseCib } from '../../../../src/parsers/cib/cib.ts';

const detailsOfParams = (cib: Cib, name: string) =>
  detailsOf(cib, name)['params'] as Record<string, string>;

for (const generation of generations) {
  describe(`the list of resources on ${generation.suite}`, () => {
    const cib = everythingCib(generation);
    const resource = (name: string) => listResources(cib).find((each) => each['name'] === name);

    it('has resources in groups, clones and bundles, with the name of each container', () => {
      expect(resource('WebServer')).to.include({ group: 'Web', clone: 'Web-clone' });
      expect(resource('Mount')).to.include({ group: 'Files' }).and.not.to.have.property('clone');
      expect(resource('InContainer')).to.include({ bundle: 'Container' });
    });

    it('has the id of each resource, not its other names', () => {
      const xml =
        '<cib><configuration><resources><primitive id="a" name="b"/></resources></configuration></cib>';
      expect(listResources(parseCib(xml))).to.have.nested.property('[0].name', 'a');
    });

    it('has no fence devices, which have a list of their own, even with a template', () => {
      const names = listFencing(cib).resources.map(({ name }) => name);
      expect(names).to.include.members(['fence-secret', 'fence-template']);
      for (const name of names) expect(resource(name as string)).to.equal(undefined);
    });

    it('has the values of several sets that Pacemaker uses, and passes on sets with more than pairs', () => {
      const sets = resource('Sets');
      expect(sets?.['params']).to.deep.equal({ fake: 'of score INFINITY', op_sleep: '0' });
      expect(sets?.['meta']).to.include({ priority: '1', note: 'of the last of equals' });
      expect(sets?.['instance_attributes']).to.have.lengthOf(3);
      expect(sets?.['meta_attributes']).to.have.nested.property(
        '[2].rule[0].date_expression[1].duration[0].years',
        '1',
      );
    });

    it('distinguishes operations of one name by their ids', () => {
      expect(resource('Plain')?.['op']).to.have.all.keys(
        'monitor',
        'Plain-monitor-60',
        'start',
        'stop',
      );
      expect(resource('Plain')).to.have.deep.nested.property('op.Plain-monitor-60', {
        name: 'Plain-monitor-60',
        operation: 'monitor',
        interval: '60s',
        timeout: '20s',
        enabled: 'false',
        description: 'the deep one',
        params: { OCF_CHECK_LEVEL: '10' },
        meta: { note: 'tolerant' },
      });
    });

    it("has the agent of a resource's template, and its other values in the details", () => {
      expect(resource('FromTemplate')).to.deep.include({
        template: 'DummyTemplate',
        class: 'ocf',
        provider: 'pacemaker',
        type: 'Dummy',
        meta: { priority: '5' },
      });
      expect(detailsOf(cib, 'DummyTemplate')).to.deep.include({
        kind: 'template',
        type: 'Dummy',
        meta: { 'resource-stickiness': '7' },
      });
    });

    it('follows references to the values in effect, and also passes them on', () => {
      expect(resource('Refers')).to.deep.include({
        params: { op_sleep: '0', fake: detailsOfParams(cib, 'Plain')['fake'] },
        meta: { 'resource-stickiness': '50', priority: '1', note: 'of the first of equals' },
        op: resource('Plain')?.['op'],
        meta_attributes: [{ 'id-ref': 'Sets-meta' }],
        operations: [{ 'id-ref': 'Plain-operations' }],
      });
    });

    it('follows a reference under the name of its pair', () => {
      const xml =
        '<cib><configuration><resources><primitive id="a"><instance_attributes id="s"><nvpair id="p" name="one" value="1"/></instance_attributes></primitive><primitive id="b"><instance_attributes id="t"><nvpair id-ref="p" name="two"/><nvpair id-ref="none" name="three"/></instance_attributes></primitive></resources></configuration></cib>';
      expect(listResources(parseCib(xml))).to.have.deep.nested.property('[1].params', { two: '1' });
    });

    it('accepts names that JavaScript reserves for itself', () => {
      expect(Object.keys(resource('constructor')?.['meta'] ?? {})).to.include('__proto__');
      expect(resource('constructor')).to.have.nested.property('op.toString.timeout', '7s');
    });

    it('has details of everything that contains resources', () => {
      expect(detailsOf(cib, 'Web-clone')).to.deep.include({
        name: 'Web-clone',
        kind: 'clone',
        resources: ['WebAddress', 'WebServer'],
        description: 'a cloned group',
      });
      expect(detailsOf(cib, 'Web')).to.include({ kind: 'group', clone: 'Web-clone' });
      const bundle = detailsOf(cib, 'Container');
      expect(bundle).to.include({ kind: 'bundle' });
      expect(bundle).to.have.nested.property('network[0].port-mapping[0].port', '80');
      expect(() => detailsOf(cib, 'nothing')).to.throw(Fault, 'nothing');
    });

    it('has groups, including those in a clone', () => {
      const groups = listGroups(cib);
      expect(groups.map(({ groupName }) => groupName)).to.deep.equal(['Files', 'OneOnly', 'Web']);
      expect(groups[0]).to.deep.include({
        resources: ['Mount', 'Export'],
        meta: { 'target-role': 'Started' },
      });
    });

    it('has fencing levels by target, and as single entries', () => {
      expect(listFencing(cib).targets.slice(2)).to.deep.equal([
        {
          target_pattern: '^remote-[0-9]+$',
          levels: [
            { level: '2', devices: ['fence-template'], id: 'level-pattern-2' },
            { level: '1', devices: ['fence-secret'], id: 'level-pattern-1' },
          ],
        },
        {
          target_attribute: 'rack',
          target_value: '9 & "10"',
          levels: [{ level: '1', devices: ['fence-secret'], id: 'level-attribute-1' }],
        },
        {
          target_attribute: 'rack',
          target_value: '11',
          levels: [
            {
              level: '1',
              devices: ['fence-template', 'fence-secret'],
              id: 'level-attribute-other',
            },
          ],
        },
      ]);
      expect(listLevels(cib).find(({ id }) => id === 'level-node-3')).to.deep.equal({
        level: '3',
        node_name: 'ae82a9a2',
        devices: ['fence-secret', 'fence-template'],
        id: 'level-node-3',
      });
    });
  });
}
