/** The state of corosync's links as `corosync-cfgtool -s` prints it. Fields that a version does not print are missing. */
export interface CorosyncLinks {
  local_node_id?: string;
  /** `knet`, `udpu` or `udp`. */
  transport?: string;
  links: CorosyncLink[];
  /** Unknown lines, for a person to read. */
  other?: string[];
}

export interface CorosyncLink {
  id: string;
  /** The protocol that knet uses: `udp` or `sctp`. */
  transport?: string;
  /** This node's own address on the link. */
  addr?: string;
  /** A text about the link as a whole (corosync 2). */
  status?: string;
  nodes: CorosyncLinkNode[];
}

/** A node at the other end of the link, or this one (`localhost`). */
export interface CorosyncLinkNode {
  nodeid?: string;
  /** Early versions of corosync 3 print the position in the list of nodes instead. */
  node?: string;
  /** As corosync prints it: `connected`, `disconnected`, `localhost` … */
  status: string;
}

/**
 * Reads the output of `corosync-cfgtool -s`: links of corosync 3, rings of corosync 2.
 * @param text anything
 */
export function parseCfgtool(text: string): CorosyncLinks {
  const read: CorosyncLinks = { links: [] };
  const other: string[] = [];
  for (const line of text.split('\n').map((each) => each.trim())) {
    // The headings of versions before 3.1, and of a link's nodes.
    if (['', 'Printing ring status.', 'Printing link status.', 'status:'].includes(line)) continue;
    const link = read.links.at(-1);
    const [, localId, transport] = /^Local node ID (\d+)(?:, transport (\w+))?$/.exec(line) ?? [];
    const [, linkId, linkTransport] = /^(?:LINK|RING) ID (\d+)(?: (\w+))?$/.exec(line) ?? [];
    const [, key, value = ''] = /^(addr|id|status)\s*=(.*)$/.exec(line) ?? [];
    const [, kind = '', id, status = ''] = /^(nodeid|node):? *(\d+):(.*)$/.exec(line) ?? [];
    if (localId !== undefined) {
      read.local_node_id = localId;
      if (transport !== undefined) read.transport = transport;
    } else if (linkId !== undefined) {
      read.links.push({
        id: linkId,
        ...(linkTransport !== undefined && { transport: linkTransport }),
        nodes: [],
      });
    } else if (link && key !== undefined) {
      link[key === 'status' ? 'status' : 'addr'] = value.trimStart();
    } else if (link && id !== undefined) {
      link.nodes.push({ [kind]: id, status: status.trimStart().replaceAll('\t', ' ') });
    } else {
      other.push(line);
    }
  }
  return other.length > 0 ? { ...read, other } : read;
}
