import { expect } from 'chai';

import { parseCfgtool } from '../../../../src/parsers/corosync/cfgtool.ts';
import { parseQuorumtool } from '../../../../src/parsers/corosync/quorumtool.ts';
import {
  documentedQuorum,
  documentedRings,
} from '../../../../src/routes/ha/documents/corosync-state.ts';

/** The value in an answer, in which JSON leaves out undefined properties. */
const sent = (document: object) => JSON.stringify(document);

describe('the document of the links', () => {
  const rings = (text: string) => sent(documentedRings(parseCfgtool(text)));

  it('has the names and the order of keys that callers know', () => {
    const text =
      'Local node ID 1, transport knet\nLINK ID 0 udp\n\taddr\t= 10.0.0.1\n\tstatus:\n\t\tnodeid:  1:\tlocalhost\nTHE END\n';
    expect(rings(text)).to.equal(
      '{"links":[{"id":"0","transport":"udp","nodes":[{"nodeid":"1","status":"localhost"}],"addr":"10.0.0.1"}],"local_node_id":"1","transport":"knet","other":["THE END"]}',
    );
  });

  it('has a text for a ring of corosync 2, and the position of a node without an id', () => {
    const text =
      'Local node ID 2\nRING ID 0\n\tid\t= 10.0.0.5\n\tstatus\t= ring 0 active with no faults\nLINK ID 1\n\tnode 0:\tlink enabled:1\n';
    expect(rings(text)).to.equal(
      '{"links":[{"id":"0","nodes":[],"addr":"10.0.0.5","status":"ring 0 active with no faults"},{"id":"1","nodes":[{"node":"0","status":"link enabled:1"}]}],"local_node_id":"2"}',
    );
  });
});

describe('the document of the quorum', () => {
  const quorum = (text: string) => sent(documentedQuorum(parseQuorumtool(text) ?? expect.fail()));

  it('has numbers as text, and the names and the order of keys that callers know', () => {
    const text =
      'Quorum provider: corosync_votequorum\nNodes: 2\nNode ID: 1\nRing ID: 1.9\nQuorate: Yes\nExpected votes: 3\nHighest expected: 3\nTotal votes: 2\nQuorum: 2\nFlags: Quorate Qdevice\nNodeid Votes Qdevice Name\n1 1 A,V,NMW a (local)\n2 1 NR b\n0 0 Qdevice (votes 1)\nMood: good\n';
    expect(quorum(text)).to.equal(
      '{"provider":"corosync_votequorum","nodes":"2","node_id":"1","ring_id":"1.9","quorate":true,"votequorum":{"expected_votes":"3","highest_expected":"3","total_votes":"2","quorum":"2","flags":["Quorate","Qdevice"]},"members":[{"nodeid":"1","votes":"1","qdevice":"A,V,NMW","name":"a","local":true},{"nodeid":"2","votes":"1","qdevice":"NR","name":"b","local":false}],"qdevice":{"name":"Qdevice","votes":"0","configured_votes":"1"},"other":["Mood: good"]}',
    );
  });

  it('has an empty text for unknown values, and no device if there is none', () => {
    expect(quorum('Quorate: No\nNodeid Votes Name\n1 1 a\n')).to.equal(
      '{"provider":"","nodes":"","node_id":"","ring_id":"","quorate":false,"votequorum":{"expected_votes":"","highest_expected":"","total_votes":"","quorum":"","flags":[]},"members":[{"nodeid":"1","votes":"1","name":"a","local":false}]}',
    );
  });
});
