/** The quorum as `corosync-quorumtool -s` prints it. Fields that it leaves out are empty. */
export interface Quorum {
  provider: string;
  /** The number of nodes in this node's partition, including itself. */
  nodes: string;
  node_id: string;
  ring_id: string;
  quorate: boolean;
  votequorum: Votequorum;
  members: QuorumMember[];
  /** The quorum device, if one has registered. */
  qdevice?: Qdevice;
  /** Unknown lines, for a person to read. */
  other?: string[];
}

export interface Votequorum {
  expected_votes: string;
  highest_expected: string;
  total_votes: string;
  /** The number of votes that quorum requires. */
  quorum: string;
  /** `2Node`, `Quorate`, `WaitForAll`, `Qdevice` … (votequorum(5)) */
  flags: string[];
}

export interface QuorumMember {
  nodeid: string;
  votes: string;
  /**
   * The state of the device for this node: alive (`A`, `NA`), voting (`V`, `NV`), master wins (`MW`, `NMW`); or `NR`, not
   * registered.
   */
  qdevice?: string;
  name: string;
  /** Whether this is the node that was asked. */
  local: boolean;
}

export interface Qdevice {
  name: string;
  /** The votes that it casts for this node now. */
  votes: string;
  /** The votes that it would cast, if it casts none. */
  configured_votes?: string;
}

/** A line of the list of members. The list's header says what follows the votes. */
interface Row {
  nodeid: string;
  votes: string;
  rest: string;
}

const titles = ['Quorum information', 'Votequorum information', 'Membership information'];
const keys = [
  ...['Date', 'Quorum provider', 'Nodes', 'Node ID', 'Ring ID', 'Quorate'],
  ...['Expected votes', 'Highest expected', 'Total votes', 'Quorum', 'Flags'],
];
/** The id of the quorum device in the list of members (VOTEQUORUM_QDEVICE_NODEID). */
const deviceId = '0';

/**
 * Reads the output of `corosync-quorumtool -s` of corosync 2 and 3. The time in it is left out, because it is that of the
 * call.
 * @param text anything
 * @returns undefined if it does not say whether there is quorum
 */
export function parseQuorumtool(text: string): Quorum | undefined {
  const values = new Map<string, string>();
  const rows: Row[] = [];
  const other: string[] = [];
  let hasDeviceColumn = false;
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '' || line.startsWith('---') || titles.includes(line)) continue;
    const [, key = '', value = ''] = /^([^:]*):(.*)$/.exec(line) ?? [];
    const [header, deviceColumn] = /^Nodeid\s+Votes\s+(Qdevice\s+)?Name$/.exec(line) ?? [];
    const [row, nodeid = '', votes = '', rest = ''] = /^(\d+)\s+(\d+)\b(.*)$/.exec(line) ?? [];
    if (keys.includes(key)) values.set(key, value.trim());
    else if (header !== undefined) hasDeviceColumn = deviceColumn !== undefined;
    else if (row !== undefined) rows.push({ nodeid, votes, rest: rest.trimStart() });
    else other.push(line);
  }
  const valueOf = (key: string) => values.get(key) ?? '';
  if (!values.has('Quorate')) return undefined;

  const device = rows.find(({ nodeid }) => nodeid === deviceId);
  return {
    provider: valueOf('Quorum provider'),
    nodes: valueOf('Nodes'),
    node_id: valueOf('Node ID'),
    ring_id: valueOf('Ring ID'),
    quorate: valueOf('Quorate') === 'Yes',
    votequorum: {
      expected_votes: valueOf('Expected votes'),
      highest_expected: valueOf('Highest expected'),
      total_votes: valueOf('Total votes'),
      // Followed by "Activity blocked" without quorum, which `quorate` says already.
      quorum: valueOf('Quorum').split(' ', 1).join(''),
      flags: valueOf('Flags').split(' ').filter(Boolean),
    },
    members: rows.filter((row) => row !== device).map((row) => memberOf(row, hasDeviceColumn)),
    ...(device && { qdevice: deviceOf(device) }),
    ...(other.length > 0 && { other }),
  };
}

function memberOf({ nodeid, votes, rest }: Row, hasDeviceColumn: boolean): QuorumMember {
  const columns = rest.split(/\s+/);
  const [qdevice = '', ...named] = hasDeviceColumn ? columns : ['', ...columns];
  const local = named.at(-1) === '(local)';
  const name = (local ? named.slice(0, -1) : named).join(' ');
  return { nodeid, votes, ...(hasDeviceColumn && { qdevice }), name, local };
}

function deviceOf({ votes, rest }: Row): Qdevice {
  const [, name = '', configured] = /^(.*?)(?: \(votes (\d+)\))?$/.exec(rest) ?? [];
  return { name, votes, ...(configured !== undefined && { configured_votes: configured }) };
}
