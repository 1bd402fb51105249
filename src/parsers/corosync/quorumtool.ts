/** The quorum as `corosync-quorumtool -s` prints it. It leaves out fields whose value is not known. */
export interface Quorum {
  provider: string | undefined;
  /** The number of nodes in this node's partition, including itself. */
  nodes: number | undefined;
  nodeId: string | undefined;
  ringId: string | undefined;
  quorate: boolean;
  votequorum: Votequorum;
  members: readonly QuorumMember[];
  /** The quorum device, if one has registered. */
  device: QuorumDevice | undefined;
  /** Unknown lines, for a person to read. */
  other: readonly string[];
}

export interface Votequorum {
  expectedVotes: number | undefined;
  highestExpected: number | undefined;
  totalVotes: number | undefined;
  /** The number of votes that quorum requires. */
  quorum: number | undefined;
  /** `2Node`, `Quorate`, `WaitForAll`, `Qdevice` … (votequorum(5)) */
  flags: readonly string[];
}

export interface QuorumMember {
  id: string;
  votes: number;
  /**
   * The state of the device for this node: alive (`A`, `NA`), voting (`V`, `NV`), master wins (`MW`, `NMW`); or `NR`, not
   * registered. Undefined if the list has no column for it.
   */
  device: string | undefined;
  name: string;
  /** Whether this is the node that was asked. */
  local: boolean;
}

export interface QuorumDevice {
  name: string;
  /** The votes that it casts for this node now. */
  votes: number;
  /** The votes that it would cast, if it casts none. */
  configuredVotes: number | undefined;
}

/** A line of the list of members. The list's header says what follows the votes. */
interface Row {
  id: string;
  votes: number;
  rest: string;
}

const titles = ['Quorum information', 'Votequorum information', 'Membership information'];
const keys = [
  'Date',
  'Quorum provider',
  'Nodes',
  'Node ID',
  'Ring ID',
  'Quorate',
  'Expected votes',
  'Highest expected',
  'Total votes',
  'Quorum',
  'Flags',
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
    const [row, id = '', votes = '', rest = ''] = /^(\d+)\s+(\d+)\b(.*)$/.exec(line) ?? [];
    if (keys.includes(key)) values.set(key, value.trim());
    else if (header !== undefined) hasDeviceColumn = deviceColumn !== undefined;
    else if (row !== undefined) rows.push({ id, votes: Number(votes), rest: rest.trimStart() });
    else other.push(line);
  }
  if (!values.has('Quorate')) return undefined;

  // Whether there is quorum is said again behind the votes that it requires.
  const numberOf = (key: string) => numberIn(values.get(key)?.split(' ', 1)[0]);
  const device = rows.find(({ id }) => id === deviceId);
  return {
    provider: values.get('Quorum provider'),
    nodes: numberOf('Nodes'),
    nodeId: values.get('Node ID'),
    ringId: values.get('Ring ID'),
    quorate: values.get('Quorate') === 'Yes',
    votequorum: {
      expectedVotes: numberOf('Expected votes'),
      highestExpected: numberOf('Highest expected'),
      totalVotes: numberOf('Total votes'),
      quorum: numberOf('Quorum'),
      flags: (values.get('Flags') ?? '').split(' ').filter(Boolean),
    },
    members: rows.filter((row) => row !== device).map((row) => memberOf(row, hasDeviceColumn)),
    device: device && deviceOf(device),
    other,
  };
}

function numberIn(text = ''): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function memberOf({ id, votes, rest }: Row, hasDeviceColumn: boolean): QuorumMember {
  const columns = rest.split(/\s+/);
  const [device = '', ...named] = hasDeviceColumn ? columns : ['', ...columns];
  const local = named.at(-1) === '(local)';
  const name = (local ? named.slice(0, -1) : named).join(' ');
  return { id, votes, device: hasDeviceColumn ? device : undefined, name, local };
}

function deviceOf({ votes, rest }: Row): QuorumDevice {
  const [, name = '', configured] = /^(.*?)(?: \(votes (\d+)\))?$/.exec(rest) ?? [];
  return { name, votes, configuredVotes: numberIn(configured) };
}
