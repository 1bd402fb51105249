import { expect } from 'chai';
import fc from 'fast-check';

import { parseCfgtool } from '../../../src/parsers/corosync/cfgtool.ts';
import { generations, recorded } from '../../support/fixtures.ts';

for (const generation of generations) {
  describe(`the links, as recorded on ${generation.suite}`, () => {
    const read = (name: string) =>
      parseCfgtool(recorded(generation, 'corosync-cfgtool', name).stdout);
    // Corosync 3.1.2 does not print the protocol of knet.
    const by = generation.suite === 'bullseye' ? {} : { transport: 'udp' };
    const nodes = (peer: string) => [
      { nodeid: '1', status: 'localhost' },
      { nodeid: '2', status: peer },
    ];

    it('have each node, with its state', () => {
      expect(read('running')).to.deep.equal({
        local_node_id: '1',
        transport: 'knet',
        links: [
          { id: '0', ...by, addr: read('running').links[0]?.addr, nodes: nodes('connected') },
        ],
      });
      expect(read('running').links[0]?.addr).to.match(/^[\d.]+\.11$/);
      expect(read('alone').links[0]?.nodes).to.deep.equal(nodes('disconnected'));
    });

    it('may be several', () => {
      const { links } = read('two-links');
      expect(links.map(({ id }) => id)).to.deep.equal(['0', '1']);
      expect(links[1])
        .to.include({ ...by })
        .and.to.have.property('addr')
        .that.matches(/^10\.1\./);
      expect(links.map((link) => link.nodes)).to.deep.equal([
        nodes('connected'),
        nodes('connected'),
      ]);
    });

    it('can be read for udpu too', () => {
      const { transport, links, other } = read('udpu-without-votequorum');
      expect(transport).to.equal('udpu');
      expect(links[0]).to.have.keys('id', 'addr', 'nodes');
      expect(links[0]?.nodes).to.deep.equal(nodes('connected'));
      expect(other).to.equal(undefined);
    });
  });
}

describe('the links, as other versions of corosync print them', () => {
  it('are rings with a text for their state (2.x)', () => {
    const text =
      'Printing ring status.\nLocal node ID 2\nRING ID 0\n\tid\t= 10.0.0.5\n\tstatus\t= ring 0 active with no faults\nRING ID 1\n\tid\t= 10.1.0.5\n\tstatus\t= Marking ringid 1 interface 10.1.0.5 FAULTY\n';
    expect(parseCfgtool(text)).to.deep.equal({
      local_node_id: '2',
      links: [
        { id: '0', addr: '10.0.0.5', status: 'ring 0 active with no faults', nodes: [] },
        {
          id: '1',
          addr: '10.1.0.5',
          status: 'Marking ringid 1 interface 10.1.0.5 FAULTY',
          nodes: [],
        },
      ],
    });
  });

  it('have a state of two parts for a node, by its position (3.0.1) or id (3.0.3)', () => {
    const text = (node: string) =>
      `Printing link status.\nLocal node ID 1\nLINK ID 0\n\taddr\t= 10.0.0.1\n\tstatus:\n\t\t${node}:\tlink enabled:1\tlink connected:1\n`;
    const status = 'link enabled:1 link connected:1';
    expect(parseCfgtool(text('node 0')).links[0]?.nodes).to.deep.equal([{ node: '0', status }]);
    expect(parseCfgtool(text('nodeid  2')).links[0]?.nodes).to.deep.equal([
      { nodeid: '2', status },
    ]);
  });

  it('include a line that is not known', () => {
    expect(parseCfgtool('LINK ID 0 udp\n\taddr\t= ::1\n\tcolour\t= red\nTHE END\n')).to.deep.equal({
      links: [{ id: '0', transport: 'udp', addr: '::1', nodes: [] }],
      other: ['colour\t= red', 'THE END'],
    });
  });

  it('are read from any text without an exception', () => {
    const piece = fc.constantFrom(
      ...[
        'LINK ID ',
        'RING ID',
        '0',
        ' ',
        '\t',
        '\n',
        '=',
        ':',
        'nodeid',
        'node',
        'addr',
        'status',
      ],
      ...['Local node ID', ', transport ', 'knet', 'é'],
    );
    const text = fc.oneof(
      fc.array(piece).map((pieces) => pieces.join('')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(text, (each) => {
        const said = JSON.stringify(parseCfgtool(each));
        for (const word of each.match(/\d+|knet|é/g) ?? []) expect(said).to.include(word);
      }),
    );
  });
});
