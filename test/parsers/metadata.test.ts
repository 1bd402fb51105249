import { expect } from 'chai';

import { parseAgentMetadata } from '../../src/parsers/metadata.ts';
import { generations, recorded } from '../support/fixtures.ts';

describe('the metadata of an agent', () => {
  for (const generation of generations) {
    describe(`on ${generation.suite}`, () => {
      const metadata = (name: string) =>
        parseAgentMetadata(recorded(generation, 'crm_resource', `metadata-${name}`).stdout);

      it('has its parameters, and says which are required', () => {
        const { parameters } = metadata('ipaddr2');
        const needed = parameters.filter(({ required }) => required).map(({ name }) => name);
        expect(needed).to.deep.equal(['ip']);
        expect(parameters.map(({ name }) => name)).to.include.members(['nic', 'cidr_netmask']);
      });

      it('names the replacements of deprecated parameters', () => {
        const { parameters } = metadata('ipmilan');
        const old = parameters.find(({ name }) => name === 'ipaddr');
        expect(old).to.deep.equal({
          name: 'ipaddr',
          required: false,
          deprecated: true,
          replacedBy: ['ip'],
          uniqueGroup: undefined,
        });
      });

      it('names the parameters that must be unique for each resource', () => {
        const unique = metadata('dummy').parameters.filter(({ uniqueGroup }) => uniqueGroup);
        expect(unique.map(({ name }) => name))
          .to.include('state')
          .and.not.include('fake');
      });

      it('has its actions, with all their proposed attributes', () => {
        const monitors = metadata('stateful').actions.filter(({ name }) => name === 'monitor');
        expect(monitors.map(({ attributes }) => attributes['interval'])).to.deep.equal([
          '10s',
          '11s',
        ]);
        expect(metadata('unit').actions.map(({ name }) => name)).to.deep.equal([
          'start',
          'stop',
          'status',
          'monitor',
          'meta-data',
        ]);
      });

      it('can also be that of the fencer', () => {
        const { stdout } = recorded(generation, 'pacemaker-fenced', 'metadata');
        const names = parseAgentMetadata(stdout).parameters.map(({ name }) => name);
        expect(names).to.include.members(['pcmk_host_list', 'pcmk_host_map', 'pcmk_delay_max']);
      });
    });
  }

  it('is read as OCF 1.1 if it says so, and otherwise as 1.0', () => {
    const parameter =
      '<parameters><parameter name="a" required="1" unique="1" unique-group="g"><deprecated><replaced-with name="b"/></deprecated></parameter><parameter name="b" obsoletes="a"/></parameters>';
    const of = (version: string) =>
      parseAgentMetadata(
        `<resource-agent><version>${version}</version>${parameter}</resource-agent>`,
      ).parameters[0];
    expect(of('1.1')).to.include({ deprecated: true, uniqueGroup: 'g' });
    for (const version of ['1.0', '0.9', '2']) {
      expect(of(version), version).to.deep.include({
        deprecated: false,
        replacedBy: ['b'],
        uniqueGroup: 'a',
      });
    }
  });
});
