/** A row of `show stat` for a frontend. The counters count from the start of the process. */
export interface FrontendStats {
  name: string;
  /** `OPEN`, or `STOP` while the process ends. */
  status: string;
  /** `scur`: connections now. */
  connections: number;
  /** `stot`: connections so far. */
  totalConnections: number;
  /** `bin` */
  bytesIn: number;
  /** `bout` */
  bytesOut: number;
  /** `ereq` */
  requestErrors: number;
}

/** A row for a backend. */
export interface BackendStats {
  name: string;
  /** `DOWN` if none of its servers is up. haproxy counts a backend without any server as `UP`. */
  status: 'UP' | 'DOWN';
  servers: readonly ServerStats[];
}

/** A row for a server. */
export interface ServerStats {
  name: string;
  status: 'UP' | 'DOWN' | 'DRAIN' | 'MAINT' | 'no check';
}

export interface Stats {
  frontends: readonly FrontendStats[];
  backends: readonly BackendStats[];
}

/** Whether a row is of a frontend, a backend or a server: `type` of the CSV. */
const types = { frontend: '0', backend: '1', server: '2' };

/**
 * Reads the CSV of `show stat` (haproxy's management.txt, section 9.1).
 * @param csv frontends, backends and servers, or a part of these. Servers without the row of their backend, and rows
 *   that are cut short, are left out.
 */
export function parseStats(csv: string): Stats {
  const end = csv.indexOf('\n');
  const columns = columnsOf(csv.slice(0, end));
  const frontends: FrontendStats[] = [];
  const backends: { name: string; status: 'UP' | 'DOWN'; servers: readonly ServerStats[] }[] = [];
  const serversOf = new Map<string, ServerStats[]>();
  if (end < 0 || columns.type < 0) return { frontends, backends };
  for (const line of csv.slice(end + 1).split('\n')) {
    // Heartbeats read thousands of rows each second, and a row has a hundred columns, of which the first third counts.
    const row = line.split(',', columns.count);
    const type = row[columns.type];
    const name = row[columns.pxname] ?? '';
    if (type === types.frontend) frontends.push(frontendOf(columns, row));
    if (type === types.server) listIn(serversOf, name).push(serverOf(columns, row));
    if (type !== types.backend) continue;
    const status = row[columns.status]?.startsWith('UP') ? 'UP' : 'DOWN';
    backends.push({ name, status, servers: listIn(serversOf, name) });
  }
  return { frontends, backends };
}

function listIn<T>(lists: Map<string, T[]>, name: string): T[] {
  const list = lists.get(name) ?? [];
  lists.set(name, list);
  return list;
}

/** The positions of the columns that are read here; -1 if there is none. */
type Columns = ReturnType<typeof columnsOf>;

/** No column that is read here has commas or quotes in it. Those that may have, such as `last_chk`, come after them. */
function columnsOf(header: string) {
  const names = header.replace(/^# /, '').split(',');
  const at = (name: string) => names.indexOf(name);
  const columns = {
    pxname: at('pxname'),
    svname: at('svname'),
    scur: at('scur'),
    stot: at('stot'),
    bin: at('bin'),
    bout: at('bout'),
    ereq: at('ereq'),
    status: at('status'),
    weight: at('weight'),
    type: at('type'),
  };
  return { ...columns, count: Math.max(...Object.values(columns)) + 1 };
}

function frontendOf(columns: Columns, row: readonly string[]): FrontendStats {
  return {
    name: row[columns.pxname] ?? '',
    status: row[columns.status] ?? '',
    connections: countOf(row[columns.scur]),
    totalConnections: countOf(row[columns.stot]),
    bytesIn: countOf(row[columns.bin]),
    bytesOut: countOf(row[columns.bout]),
    requestErrors: countOf(row[columns.ereq]),
  };
}

function serverOf(columns: Columns, row: readonly string[]): ServerStats {
  return {
    name: row[columns.svname] ?? '',
    status: statusOf(row[columns.status] ?? '', row[columns.weight] ?? ''),
  };
}

/**
 * A server's status may have more words: `UP 1/3` while it falls, `DOWN 1/2` while it rises, `MAINT (via …)`, `DOWN
 * (agent)`, `NOLB`. A driver drains a member by weight 0.
 */
function statusOf(status: string, weight: string): ServerStats['status'] {
  const [first = ''] = status.split(' ', 1);
  if (first === 'UP') return weight === '0' ? 'DRAIN' : 'UP';
  if (status === 'no check') return 'no check';
  if (first === 'MAINT' || first === 'DRAIN') return first;
  return first === 'NOLB' ? 'DRAIN' : 'DOWN';
}

function countOf(text = ''): number {
  return /^\d{1,20}$/.test(text) ? Number(text) : 0;
}

/**
 * Reads the lines `Name: value` of `show info`.
 * @returns the values by their names, such as `Pid` and `Uptime_sec`
 */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(': ');
    if (colon > 0) values.set(line.slice(0, colon), line.slice(colon + 2).trimEnd());
  }
  return values;
}

/**
 * Whether a text is the whole answer to `show servers state`, and so may become the state file from which the next
 * process reads which members are down: its version, its columns, and rows that have as many.
 */
export function isServersState(text: string): boolean {
  const [version, header, ...rows] = text.trimEnd().split('\n');
  if (version !== '1' || !header?.startsWith('# be_id be_name srv_id srv_name ')) return false;
  const columns = header.split(' ').length - 1;
  return text.endsWith('\n') && rows.every((row) => row.split(' ').length === columns);
}
