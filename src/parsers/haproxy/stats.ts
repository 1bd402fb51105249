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

/** Reads the CSV of `show stat` piece by piece, so that nobody has to keep a megabyte of it. */
export interface StatsReader {
  /** The next piece, which may begin and end anywhere. A row counts when its line break has come. */
  add(piece: string): void;
  /** What the rows so far say. */
  stats(): Stats;
}

/**
 * Reads the CSV of `show stat` (haproxy's management.txt, section 9.1).
 * @param csv frontends, backends and servers, or a part of these. Servers without the row of their backend, and rows
 *   that are cut short, are left out.
 */
export function parseStats(csv: string): Stats {
  const reader = makeStatsReader();
  reader.add(csv);
  reader.add('\n');
  return reader.stats();
}

export function makeStatsReader(): StatsReader {
  const frontends: FrontendStats[] = [];
  const backends: BackendStats[] = [];
  const serversOf = new Map<string, ServerStats[]>();
  let header: Header | undefined;
  let begun = '';

  function addLine(text: string, start: number, end: number): void {
    if (header === undefined) header = headerOf(text.slice(start, end));
    else if (header.mark(text, start, end)) addRow(header.row);
  }

  function addRow(row: Row): void {
    const type = row('type');
    if (type === types.frontend) frontends.push(frontendOf(row));
    if (type === types.server) listIn(serversOf, row('pxname')).push(serverOf(row));
    if (type !== types.backend) return;
    const name = row('pxname');
    const status = row('status').startsWith('UP') ? 'UP' : 'DOWN';
    backends.push({ name, status, servers: listIn(serversOf, name) });
  }

  return {
    add(piece) {
      let start = 0;
      for (;;) {
        const end = piece.indexOf('\n', start);
        if (end < 0) break;
        if (begun === '') addLine(piece, start, end);
        else {
          const line = begun + piece.slice(start, end);
          addLine(line, 0, line.length);
          begun = '';
        }
        start = end + 1;
      }
      begun += piece.slice(start);
    },
    stats: () => ({ frontends, backends }),
  };
}

function listIn<T>(lists: Map<string, T[]>, name: string): T[] {
  const list = lists.get(name) ?? [];
  lists.set(name, list);
  return list;
}

/** The text of a column of the current row; empty if there is none. */
type Row = (column: string) => string;

interface Header {
  /** Makes a line the current row. @returns false if it is cut short */
  mark(text: string, start: number, end: number): boolean;
  row: Row;
}

const comma = ','.charCodeAt(0);

/**
 * Finds the columns of rows. Heartbeats read thousands of rows each second, so that a text for each of the hundred columns
 * would cost more than all the rest.
 *
 * No column that is read here has commas or quotes in it. Those that may have, such as `last_chk`, come after `type`.
 */
function headerOf(line: string): Header {
  const names = line.replace(/^# /, '').split(',');
  const columns = new Map(names.map((name, position) => [name, position]));
  const type = columns.get('type');
  if (type === undefined) return { mark: () => false, row: () => '' };
  /** Where each column of the row begins. */
  const starts = new Int32Array(type + 2);
  let current = '';
  return {
    mark(text, start, end) {
      current = text;
      return markStarts(text, start, end, starts);
    },
    row(column) {
      const position = columns.get(column) ?? type + 1;
      if (position > type) return '';
      return current.slice(starts[position], (starts[position + 1] ?? 0) - 1);
    },
  };
}

/** @returns whether the row has so many columns */
function markStarts(csv: string, start: number, end: number, starts: Int32Array): boolean {
  let found = 1;
  starts[0] = start;
  for (let at = start; at < end && found < starts.length; at += 1) {
    if (csv.charCodeAt(at) !== comma) continue;
    starts[found] = at + 1;
    found += 1;
  }
  return found === starts.length;
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

function serverOf(row: Row): ServerStats {
  return { name: row('svname'), status: statusOf(row('status'), row('weight')) };
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
