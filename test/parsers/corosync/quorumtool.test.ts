import { expect } from 'chai';
import fc from 'fast-check';

import { parseQuorumtool } from '../../../src/parsers/corosync/quorumtool.ts';
import { generations, recorded } from '../../support/fixtures.ts';

for (const generation of generations) {
  describe(`the quorum, as recorded on ${generation.suite}`, () => {
    const read = (name: string) =>
      parseQuorumtool(recorded(generation, 'corosync-quorumtool', name).stdout);
    const first = { id: '1', votes: 1, device: undefined, name: 'ae82a9a2', local: true };
    const second = { id: '2', votes: 1, device: undefined, name: '5e7638bc', local: false };

    it('is read for two nodes', () => {
      expect(read('running')).to.deep.equal({
        provider: 'corosync_votequorum',
        nodes: 2,
        nodeId: '1',
        ringId: read('running')?.ringId,
        quorate: true,
        votequorum: {
          expectedVotes: 2,
          highestExpected: 2,
          totalVotes: 2,
          quorum: 1,
          flags: ['2Node', 'Quorate', 'WaitForAll'],
        },
        members: [first, second],
        device: undefined,
        other: [],
      });
      expect(read('running')?.ringId).to.match(/^1\.[0-9a-f]+$/);
    });

    it('is read for one of two nodes', () => {
      expect(read('alone')).to.deep.include({ quorate: true, nodes: 1, members: [first] });
    });

    it('is read for a node without quorum', () => {
      expect(read('inquorate')).to.deep.include({
        quorate: false,
        votequorum: {
          expectedVotes: 3,
          highestExpected: 3,
          totalVotes: 1,
          quorum: 2,
          flags: [],
        },
        members: [first],
      });
    });

    it('is read with a quorum device that votes', () => {
      expect(read('qdevice')).to.deep.include({
        members: [
          { ...first, device: 'A,V,NMW' },
          { ...second, device: 'NR' },
        ],
        device: { name: 'Qdevice', votes: 1, configuredVotes: undefined },
      });
      expect(read('qdevice')?.votequorum.flags).to.deep.equal(['Quorate', 'Qdevice']);
    });

    it('is read with a quorum device that does not vote', () => {
      expect(read('qdevice-silent')).to.deep.include({
        members: [
          { ...first, device: 'NA,NV,NMW' },
          { ...second, device: 'NR' },
        ],
        device: { name: 'Qdevice', votes: 0, configuredVotes: 1 },
      });
    });
  });
}

describe('the quorum', () => {
  it('includes an unknown line', () => {
    const text =
      'Quorate: Yes\nUnable to get node 2 info\nNodeid      Votes Name\n 1 1 a b (local)\n 2 2 \nMood: good\n';
    expect(parseQuorumtool(text)).to.deep.include({
      members: [
        { id: '1', votes: 1, device: undefined, name: 'a b', local: true },
        { id: '2', votes: 2, device: undefined, name: '', local: false },
      ],
      other: ['Unable to get node 2 info', 'Mood: good'],
    });
  });

  it('has no value for what is missing or not a number', () => {
    const text = 'Quorate: No\nNodes: few\nQuorum: 2 Activity blocked\n';
    const { votequorum, ...others } = parseQuorumtool(text) ?? {};
    expect(others).to.include({ provider: undefined, nodes: undefined, ringId: undefined });
    expect(votequorum).to.include({ totalVotes: undefined, quorum: 2 });
  });

  it('is undefined if a text does not contain it', () => {
    expect(parseQuorumtool('Quorum information\n')).to.equal(undefined);
  });

  it('is read from any text without an exception', () => {
    const piece = fc.constantFrom(
      ...['Quorate:', 'Yes', 'No', 'Nodeid', 'Votes', 'Qdevice', 'Name', '0', '1', ' ', '\n'],
      ...['(local)', '(votes 1)', 'Quorum:', 'Flags:', '---', 'é'],
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(text, (each) => {
        const read = parseQuorumtool(`Quorate: Yes\n${each}`);
        expect(read?.members).to.be.an('array');
        expect(parseQuorumtool(each)?.members ?? []).to.be.an('array');
      }),
    );
  });
});
