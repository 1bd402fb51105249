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
  const [header = '', ...lines] = csv.split('\n');
  const names = header.replace(/^# /, '').split(',');
  const columns = new Map(names.map((name, position) => [name, position]));
  const rows = lines.flatMap((line) => rowOf(columns, line));
  const serversOf = new Map<string, Row[]>();
  for (const row of rows.filter((each) => each('type') === types.server)) {
    const backend = row('pxname');
    const servers = serversOf.get(backend) ?? [];
    servers.push(row);
    serversOf.set(backend, servers);
  }
  return {
    frontends: rows.filter((row) => row('type') === types.frontend).map(frontendOf),
    backends: rows
      .filter((row) => row('type') === types.backend)
      .map((row) => ({
        name: row('pxname'),
        status: row('status').startsWith('UP') ? 'UP' : 'DOWN',
        servers: (serversOf.get(row('pxname')) ?? []).map((server) => ({
          name: server('svname'),
          status: statusOf(server('status'), server('weight')),
        })),
      })),
  };
}

/** The text of a column; empty if there is none. */
type Row = (column: string) => string;

/** No column that is read here has commas or quotes in it. Those that may have, such as `last_chk`, come after them. */
function rowOf(columns: ReadonlyMap<string, number>, line: string): Row[] {
  const fields = line.split(',');
  const type = columns.get('type');
  if (type === undefined || fields.length <= type) return [];
  return [(column) => fields[columns.get(column) ?? -1] ?? ''];
}

function frontendOf(row: Row): FrontendStats {
  return {
    name: row('pxname'),
    status: row('status'),
    connections: countOf(row('scur')),
    totalConnections: countOf(row('stot')),
    bytesIn: countOf(row('bin')),
    bytesOut: countOf(row('bout')),
    requestErrors: countOf(row('ereq')),
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

function countOf(text: string): number {
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
