import { expect } from 'chai';
import fc from 'fast-check';

import { parseQuorumtool } from '../../../src/parsers/corosync/quorumtool.ts';
import { generations, recorded } from '../../support/fixtures.ts';

for (const generation of generations) {
  describe(`the quorum, as recorded on ${generation.suite}`, () => {
    const read = (name: string) =>
      parseQuorumtool(recorded(generation, 'corosync-quorumtool', name).stdout);
    const first = { nodeid: '1', votes: '1', name: 'ae82a9a2', local: true };
    const second = { nodeid: '2', votes: '1', name: '5e7638bc', local: false };

    it('is read for two nodes', () => {
      expect(read('running')).to.deep.equal({
        provider: 'corosync_votequorum',
        nodes: '2',
        node_id: '1',
        ring_id: read('running')?.ring_id,
        quorate: true,
        votequorum: {
          expected_votes: '2',
          highest_expected: '2',
          total_votes: '2',
          quorum: '1',
          flags: ['2Node', 'Quorate', 'WaitForAll'],
        },
        members: [first, second],
      });
      expect(read('running')?.ring_id).to.match(/^1\.[0-9a-f]+$/);
    });

    it('is read for one of two nodes', () => {
      expect(read('alone')).to.deep.include({ quorate: true, nodes: '1', members: [first] });
    });

    it('is read for a node without quorum', () => {
      expect(read('inquorate')).to.deep.include({
        quorate: false,
        votequorum: {
          expected_votes: '3',
          highest_expected: '3',
          total_votes: '1',
          quorum: '2',
          flags: [],
        },
        members: [first],
      });
    });

    it('is read with a quorum device that votes', () => {
      expect(read('qdevice')).to.deep.include({
        members: [
          { ...first, qdevice: 'A,V,NMW' },
          { ...second, qdevice: 'NR' },
        ],
        qdevice: { name: 'Qdevice', votes: '1' },
      });
      expect(read('qdevice')?.votequorum.flags).to.deep.equal(['Quorate', 'Qdevice']);
    });

    it('is read with a quorum device that does not vote', () => {
      expect(read('qdevice-silent')).to.deep.include({
        members: [
          { ...first, qdevice: 'NA,NV,NMW' },
          { ...second, qdevice: 'NR' },
        ],
        qdevice: { name: 'Qdevice', votes: '0', configured_votes: '1' },
      });
    });
  });
}

describe('the quorum', () => {
  it('includes a line that is not known', () => {
    const text =
      'Quorate: Yes\nUnable to get node 2 info\nNodeid      Votes Name\n 1 1 a b (local)\n 2 2 \nMood: good\n';
    expect(parseQuorumtool(text)).to.deep.include({
      members: [
        { nodeid: '1', votes: '1', name: 'a b', local: true },
        { nodeid: '2', votes: '2', name: '', local: false },
      ],
      other: ['Unable to get node 2 info', 'Mood: good'],
    });
  });

  it('is undefined if a text does not say it', () => {
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
