/** The state of corosync's links as `corosync-cfgtool -s` prints it. Fields that a version does not print are undefined. */
export interface CorosyncLinks {
  localNodeId: string | undefined;
  /** `knet`, `udpu` or `udp`. */
  transport: string | undefined;
  links: CorosyncLink[];
  /** Unknown lines, for a person to read. */
  other: string[];
}

export interface CorosyncLink {
  id: string;
  /** The protocol that knet uses: `udp` or `sctp`. */
  transport: string | undefined;
  /** This node's own address on the link. */
  address: string | undefined;
  /** A text about the link as a whole (corosync 2). */
  status: string | undefined;
  nodes: CorosyncLinkNode[];
}

/** A node at the other end of the link, or this one (`localhost`). */
export interface CorosyncLinkNode {
  id: string | undefined;
  /** Early versions of corosync 3 print the position in the list of nodes instead of the id. */
  position: string | undefined;
  /** As corosync prints it: `connected`, `disconnected`, `localhost` … */
  status: string;
}

/**
 * Reads the output of `corosync-cfgtool -s`: links of corosync 3, rings of corosync 2.
 * @param text anything
 */
export function parseCfgtool(text: string): CorosyncLinks {
  const read: CorosyncLinks = {
    localNodeId: undefined,
    transport: undefined,
    links: [],
    other: [],
  };
  for (const line of text.split('\n').map((each) => each.trim())) {
    // The headings of versions before 3.1, and of a link's nodes.
    if (['', 'Printing ring status.', 'Printing link status.', 'status:'].includes(line)) continue;
    const link = read.links.at(-1);
    const [, localId, transport] = /^Local node ID (\d+)(?:, transport (\w+))?$/.exec(line) ?? [];
    const [, linkId, linkTransport] = /^(?:LINK|RING) ID (\d+)(?: (\w+))?$/.exec(line) ?? [];
    const [, key, value = ''] = /^(addr|id|status)\s*=(.*)$/.exec(line) ?? [];
    const [, kind, id, status = ''] = /^(nodeid|node):? *(\d+):(.*)$/.exec(line) ?? [];
    if (localId !== undefined) {
      read.localNodeId = localId;
      read.transport = transport ?? read.transport;
    } else if (linkId !== undefined) {
      const unknown = { address: undefined, status: undefined };
      read.links.push({ id: linkId, transport: linkTransport, ...unknown, nodes: [] });
    } else if (link && key !== undefined) {
      link[key === 'status' ? 'status' : 'address'] = value.trimStart();
    } else if (link && id !== undefined) {
      link.nodes.push({
        id: kind === 'nodeid' ? id : undefined,
        position: kind === 'node' ? id : undefined,
        status: status.trimStart().replaceAll('\t', ' '),
      });
    } else {
      read.other.push(line);
    }
  }
  return read;
}
