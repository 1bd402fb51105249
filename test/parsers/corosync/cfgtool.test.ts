import { expect } from 'chai';
import fc from 'fast-check';

import { parseCfgtool } from '../../../src/parsers/corosync/cfgtool.ts';
import { generations, recorded } from '../../support/fixtures.ts';

for (const generation of generations) {
  describe(`the links, as recorded on ${generation.suite}`, () => {
    const read = (name: string) =>
      parseCfgtool(recorded(generation, 'corosync-cfgtool', name).stdout);
    // Corosync 3.1.2 does not print the protocol of knet.
    const by = { transport: generation.suite === 'bullseye' ? undefined : 'udp' };
    const nodes = (peer: string) => [
      { id: '1', position: undefined, status: 'localhost' },
      { id: '2', position: undefined, status: peer },
    ];

    it('have all nodes, each with its state', () => {
      expect(read('running')).to.deep.equal({
        localNodeId: '1',
        transport: 'knet',
        links: [
          {
            id: '0',
            ...by,
            status: undefined,
            nodes: nodes('connected'),
            address: read('running').links[0]?.address,
          },
        ],
        other: [],
      });
      expect(read('running').links[0]?.address).to.match(/^[\d.]+\.11$/);
      expect(read('alone').links[0]?.nodes).to.deep.equal(nodes('disconnected'));
    });

    it('may be several', () => {
      const { links } = read('two-links');
      expect(links.map(({ id }) => id)).to.deep.equal(['0', '1']);
      expect(links[1])
        .to.include({ ...by })
        .and.to.have.property('address')
        .that.matches(/^10\.1\./);
      expect(links.map((link) => link.nodes)).to.deep.equal([
        nodes('connected'),
        nodes('connected'),
      ]);
    });

    it('can be read for udpu too', () => {
      const { transport, links, other } = read('udpu-without-votequorum');
      expect(transport).to.equal('udpu');
      expect(links[0]?.transport).to.equal(undefined);
      expect(links[0]?.nodes).to.deep.equal(nodes('connected'));
      expect(other).to.deep.equal([]);
    });
  });
}

describe('the links, as other versions of corosync print them', () => {
  it('are rings with a text for their state (2.x)', () => {
    const text =
      'Printing ring status.\nLocal node ID 2\nRING ID 0\n\tid\t= 10.0.0.5\n\tstatus\t= ring 0 active with no faults\nRING ID 1\n\tid\t= 10.1.0.5\n\tstatus\t= Marking ringid 1 interface 10.1.0.5 FAULTY\n';
    expect(parseCfgtool(text)).to.deep.equal({
      localNodeId: '2',
      transport: undefined,
      links: [
        {
          id: '0',
          transport: undefined,
          address: '10.0.0.5',
          nodes: [],
          status: 'ring 0 active with no faults',
        },
        {
          id: '1',
          transport: undefined,
          address: '10.1.0.5',
          nodes: [],
          status: 'Marking ringid 1 interface 10.1.0.5 FAULTY',
        },
      ],
      other: [],
    });
  });

  it('have a state of two parts for a node, by its position (3.0.1) or id (3.0.3)', () => {
    const text = (node: string) =>
      `Printing link status.\nLocal node ID 1\nLINK ID 0\n\taddr\t= 10.0.0.1\n\tstatus:\n\t\t${node}:\tlink enabled:1\tlink connected:1\n`;
    const status = 'link enabled:1 link connected:1';
    expect(parseCfgtool(text('node 0')).links[0]?.nodes).to.deep.equal([
      { id: undefined, position: '0', status },
    ]);
    expect(parseCfgtool(text('nodeid  2')).links[0]?.nodes).to.deep.equal([
      { id: '2', position: undefined, status },
    ]);
  });

  it('include an unknown line', () => {
    expect(parseCfgtool('LINK ID 0 udp\n\taddr\t= ::1\n\tcolour\t= red\nTHE END\n')).to.deep.equal({
      localNodeId: undefined,
      transport: undefined,
      links: [{ id: '0', transport: 'udp', address: '::1', status: undefined, nodes: [] }],
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
