import { expect } from 'chai';

import { parseAgentMetadata } from '../../src/parsers/metadata.ts';
import { generations, recorded } from '../support/fixtures.ts';

describe('the metadata of an agent', () => {
  for (const generation of generations) {
    describe(`on ${generation.suite}`, () => {
      const metadata = (name: string) =>
        parseAgentMetadata(recorded(generation, 'crm_resource', `metadata-${name}`).stdout);

      it('has its parameters, and which of them it needs', () => {
        const { parameters } = metadata('ipaddr2');
        const needed = parameters.filter(({ required }) => required).map(({ name }) => name);
        expect(needed).to.deep.equal(['ip']);
        expect(parameters.map(({ name }) => name)).to.include.members(['nic', 'cidr_netmask']);
      });

      it('has what came in the place of what is deprecated', () => {
        const { parameters } = metadata('ipmilan');
        const old = parameters.find(({ name }) => name === 'ipaddr');
        expect(old).to.deep.equal({
          ...{ name: 'ipaddr', required: false, deprecated: true },
          ...{ replacedBy: ['ip'], uniqueGroup: undefined },
        });
      });

      it('has what is to be another for each resource', () => {
        const unique = metadata('dummy').parameters.filter(({ uniqueGroup }) => uniqueGroup);
        expect(unique.map(({ name }) => name))
          .to.include('state')
          .and.not.include('fake');
      });

      it('has its actions, with all that they propose', () => {
        const monitors = metadata('stateful').actions.filter(({ name }) => name === 'monitor');
        expect(monitors.map(({ attributes }) => attributes['interval'])).to.deep.equal([
          '10s',
          '11s',
        ]);
        expect(metadata('unit').actions.map(({ name }) => name)).to.deep.equal([
          ...['start', 'stop', 'status', 'monitor', 'meta-data'],
        ]);
      });

      it('is that of the fencer as well', () => {
        const { stdout } = recorded(generation, 'pacemaker-fenced', 'metadata');
        const names = parseAgentMetadata(stdout).parameters.map(({ name }) => name);
        expect(names).to.include.members(['pcmk_host_list', 'pcmk_host_map', 'pcmk_delay_max']);
      });
    });
  }

  it('is read by OCF 1.1 where it says so, else by 1.0', () => {
    const parameter =
      '<parameters><parameter name="a" required="1" unique="1" unique-group="g"><deprecated><replaced-with name="b"/></deprecated></parameter><parameter name="b" obsoletes="a"/></parameters>';
    const of = (version: string) =>
      parseAgentMetadata(
        `<resource-agent><version>${version}</version>${parameter}</resource-agent>`,
      ).parameters[0];
    expect(of('1.1')).to.include({ deprecated: true, uniqueGroup: 'g' });
    for (const version of ['1.0', '0.9', '2']) {
      expect(of(version), version).to.deep.include({
        ...{ deprecated: false, replacedBy: ['b'], uniqueGroup: 'a' },
      });
    }
  });
});
