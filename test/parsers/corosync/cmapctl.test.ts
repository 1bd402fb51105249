import { expect } from 'chai';

import { nodeIdsByAddress } from '../../../src/parsers/corosync/cmapctl.ts';

describe('nodeIdsByAddress', () => {
  it('has the number of each node, whatever order the lines are in', () => {
    const text = [
      'nodelist.local_node_pos (u32) = 1',
      'nodelist.node.0.nodeid (u32) = 4',
      'nodelist.node.0.ring0_addr (str) = 192.0.2.1',
      'nodelist.node.1.name (str) = b',
      'nodelist.node.1.ring0_addr (str) = host b',
      'nodelist.node.1.ring1_addr (str) = 198.51.100.1',
      'nodelist.node.1.nodeid (u32) = 5',
      'nodelist.node.2.ring0_addr (str) = 192.0.2.3',
      '',
    ].join('\n');
    expect([...nodeIdsByAddress(text)]).to.deep.equal([
      ['192.0.2.1', 4],
      ['host b', 5],
    ]);
  });

  it('has no numbers if there is nothing to read', () => {
    expect([...nodeIdsByAddress("Can't get key nodelist.\n")]).to.deep.equal([]);
  });
});
