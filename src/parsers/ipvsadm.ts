/** A virtual service of IPVS, or the fields of it that a table shows. */
interface VirtualService<Server> {
  protocol: 'TCP' | 'UDP' | 'SCTP' | 'FWM';
  /** Without brackets; empty for a firewall mark. */
  address: string;
  /** 0 for a firewall mark. */
  port: number;
  /** The firewall mark, if it is one. */
  mark?: number;
  servers: readonly Server[];
}

interface RealServer {
  /** Without brackets. */
  address: string;
  port: number;
}

/** A real server as `ipvsadm -Ln` shows it. */
export interface LvsServer extends RealServer {
  /** Route, Tunnel, Masq or Local. */
  forward: string;
  weight: number;
  active: number;
  inactive: number;
}

export interface LvsService extends VirtualService<LvsServer> {
  scheduler: string;
}

/** Counters since the service or server was added. */
export interface LvsCounters {
  conns: number;
  inPackets: number;
  outPackets: number;
  inBytes: number;
  outBytes: number;
}

export type LvsServerStats = RealServer & LvsCounters;
export type LvsServiceStats = VirtualService<LvsServerStats> & LvsCounters;

/**
 * Reads what `ipvsadm -Ln` prints (`print_service_entry` in ipvsadm.c). Lines of any other form are ignored, such as the
 * head of the table.
 */
export function parseLvsServices(text: string): LvsService[] {
  return readTable(
    text,
    (service, [scheduler]) => scheduler !== undefined && { ...service, scheduler },
    (server, [forward, ...numbers]) => {
      const [weight, active, inactive] = numbers.map(count);
      if (forward === undefined || weight === undefined) return undefined;
      if (active === undefined || inactive === undefined) return undefined;
      return { ...server, forward, weight, active, inactive };
    },
  );
}

/** The same for `ipvsadm -Ln --stats --exact`. Without `--exact` large numbers end in K, M, G or T, and are ignored. */
export function parseLvsStats(text: string): LvsServiceStats[] {
  const counted = <T extends object>(what: T, fields: readonly string[]) => {
    const counters = countersOf(fields);
    return counters && { ...what, ...counters };
  };
  return readTable(text, counted, counted);
}

type Service = Omit<VirtualService<never>, 'servers'>;

function readTable<S extends object, R>(
  text: string,
  serviceOf: (service: Service, fields: readonly string[]) => S | false | undefined,
  serverOf: (server: RealServer, fields: readonly string[]) => R | undefined,
): (S & { servers: R[] })[] {
  const services: (S & { servers: R[] })[] = [];
  let servers: R[] | undefined;
  for (const line of text.split('\n')) {
    const columns = line.split(' ').filter((word) => word !== '');
    const [first, second = '', ...fields] = columns;
    if (first === '->') {
      const place = placeOf(second);
      const server = place && serverOf(place, fields);
      if (server !== undefined) servers?.push(server);
      continue;
    }
    const found = serviceIn(columns);
    const service = found && serviceOf(found.service, found.fields);
    // The servers of a service that cannot be read belong to no other one.
    servers = undefined;
    if (!service) continue;
    servers = [];
    services.push({ ...service, servers });
  }
  return services;
}

function serviceIn(columns: readonly string[]): { service: Service; fields: string[] } | undefined {
  const [protocol, name = '', ...fields] = columns;
  if (protocol === 'FWM') {
    const mark = count(name);
    if (mark === undefined) return undefined;
    if (fields[0] === 'IPv6') fields.shift();
    return { service: { protocol, address: '', port: 0, mark }, fields };
  }
  if (protocol !== 'TCP' && protocol !== 'UDP' && protocol !== 'SCTP') return undefined;
  const place = placeOf(name);
  return place && { service: { protocol, ...place }, fields };
}

/** `ADDRESS:PORT`, with an IPv6 address in brackets (`addrport_to_anyname` in ipvsadm.c). */
function placeOf(word: string): RealServer | undefined {
  const colon = word.lastIndexOf(':');
  const port = count(word.slice(colon + 1));
  if (colon <= 0 || port === undefined) return undefined;
  const host = word.slice(0, colon);
  const isBracketed = host.startsWith('[') && host.endsWith(']');
  const address = isBracketed ? host.slice(1, -1) : host;
  return /^[0-9a-f.:]+$/i.test(address) ? { address, port } : undefined;
}

function countersOf(fields: readonly string[]): LvsCounters | undefined {
  if (fields.length !== 5) return undefined;
  const [conns, inPackets, outPackets, inBytes, outBytes] = fields.map(count);
  if (conns === undefined || inPackets === undefined || outPackets === undefined) return undefined;
  if (inBytes === undefined || outBytes === undefined) return undefined;
  return { conns, inPackets, outPackets, inBytes, outBytes };
}

function count(word: string): number | undefined {
  return /^\d{1,20}$/.test(word) ? Number(word) : undefined;
}
