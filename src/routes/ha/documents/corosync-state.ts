import type { CorosyncLinks, Quorum } from '../../../cluster/model.ts';

/** The links of this node. What corosync does not print is left out. */
export function documentedRings({ links, localNodeId, transport, other }: CorosyncLinks): object {
  return {
    links: links.map(({ id, transport, nodes, address, status }) => ({
      id,
      transport,
      nodes: nodes.map((node) => ({ nodeid: node.id, node: node.position, status: node.status })),
      addr: address,
      status,
    })),
    local_node_id: localNodeId,
    transport,
    other: unlessEmpty(other),
  };
}

/** The quorum. Numbers are text, and empty if they are not known. */
export function documentedQuorum(quorum: Quorum): object {
  const { provider, nodes, nodeId, ringId, quorate, votequorum, members, device, other } = quorum;
  return {
    provider: textOf(provider),
    nodes: textOf(nodes),
    node_id: textOf(nodeId),
    ring_id: textOf(ringId),
    quorate,
    votequorum: {
      expected_votes: textOf(votequorum.expectedVotes),
      highest_expected: textOf(votequorum.highestExpected),
      total_votes: textOf(votequorum.totalVotes),
      quorum: textOf(votequorum.quorum),
      flags: votequorum.flags,
    },
    members: members.map(({ id, votes, device: qdevice, name, local }) => ({
      nodeid: id,
      votes: textOf(votes),
      qdevice,
      name,
      local,
    })),
    qdevice: device && {
      name: device.name,
      votes: textOf(device.votes),
      configured_votes: device.configuredVotes?.toString(),
    },
    other: unlessEmpty(other),
  };
}

function textOf(value: string | number | undefined): string {
  return value?.toString() ?? '';
}

function unlessEmpty(lines: readonly string[]): readonly string[] | undefined {
  return lines.length > 0 ? lines : undefined;
}
