import { type Comment, type ConfProblem, parseKeepalivedConf, type Statement } from './syntax.ts';
import {
  checkVocabulary,
  exactly,
  isAddress,
  isIpv4,
  isName,
  type LineCheck,
  numberOf,
  type Vocabulary,
  wholeNumber,
  type WordCheck,
  wordOf,
} from './vocabulary.ts';

export interface LvsMember {
  id: string;
  address: string;
  port: number;
  weight: number;
}

/** The keepalived.conf of an LVS listener. */
export interface LvsConfig {
  loadBalancer: string | undefined;
  listener: string | undefined;
  /** A disabled listener has no virtual server. */
  isEnabled: boolean;
  protocol: 'UDP' | 'SCTP' | 'TCP' | undefined;
  /** The places where it listens: one, or one for each VIP. */
  vips: readonly { address: string; port: number }[];
  pool: { id: string; isEnabled: boolean } | undefined;
  monitor: string | undefined;
  members: readonly LvsMember[];
  /** The ids of members that are disabled. They have no real server. */
  disabledMembers: readonly string[];
  /** In the order of their lines. */
  problems: readonly ConfProblem[];
}

/** The only namespace that the drivers name. */
const defaultNamespace = 'amphora-haproxy';

/**
 * Reads the keepalived.conf of an LVS listener, which holds the statements that Octavia's drivers write and no others
 * (keepalivedlvs.cfg.j2 and macros.j2 of 7.1, 11.0 and 16.0). The ids are in its comments.
 * @param options.folder the folder of LVS, below which its check script lies: `BASE_PATH/lvs`
 * @param options.namespace what `net_namespace` may name; null if there must be none
 * @returns what could be read, and all problems; with any of them, keepalived must not get the file
 */
export function readLvsConfig(
  text: string,
  { folder, namespace = defaultNamespace }: { folder: string; namespace?: string | null },
): LvsConfig {
  const { statements, comments, problems } = parseKeepalivedConf(text);
  const found = [
    ...problems,
    ...checkVocabulary(statements, vocabularyOf(folder, namespace), 'the file'),
  ];
  const ids = idsIn(comments);
  const servers = statements.filter(({ tokens }) => tokens[0] === 'virtual_server');
  const members = servers.flatMap(({ block = [] }) =>
    block
      .filter(({ tokens }) => tokens[0] === 'real_server')
      .map((server) => ({ server, id: ids.memberAbove(server.line) })),
  );
  for (const { server, id } of members) {
    if (id !== undefined) continue;
    const reason = "a real_server must have '# Configuration for Member ID' on the line before it";
    found.push({ line: server.line, reason });
  }
  return {
    ...ids.rest,
    protocol: protocolOf(servers),
    vips: servers.flatMap((server) => placesOf(server, statements)),
    members: members.flatMap(({ server, id }) => (id === undefined ? [] : [memberOf(server, id)])),
    problems: found.sort((a, b) => a.line - b.line),
  };
}

function memberOf({ tokens, block }: Statement, id: string): LvsMember {
  const [, address = '', port] = tokens;
  return { id, address, port: Number(port), weight: numberOf(block, 'weight') ?? 1 };
}

function protocolOf(servers: readonly Statement[]): LvsConfig['protocol'] {
  const protocol = wordOf(servers[0]?.block, 'protocol');
  return protocol === 'UDP' || protocol === 'SCTP' || protocol === 'TCP' ? protocol : undefined;
}

function placesOf({ tokens }: Statement, statements: readonly Statement[]) {
  const [, first = '', second = ''] = tokens;
  if (first !== 'group') return [{ address: first, port: Number(second) }];
  const group = statements.find(
    (each) => each.tokens[0] === 'virtual_server_group' && each.tokens[1] === second,
  );
  return (group?.block ?? []).map((each) => ({
    address: each.tokens[0],
    port: Number(each.tokens[1]),
  }));
}

type Noun = 'Loadbalancer' | 'Listener' | 'Pool' | 'HealthMonitor' | 'Member';

interface NamedId {
  noun: Noun;
  id: string;
  isEnabled: boolean;
  line: number;
}

const configured =
  /^Configuration for (?<noun>Loadbalancer|Listener|Pool|HealthMonitor|Member) (?<id>[\w-]{1,64})$/;
const disabled = /^(?<noun>Listener|Pool|Member) (?<id>[\w-]{1,64}) is disabled$/;

function idsIn(comments: readonly Comment[]) {
  const ids = comments.flatMap(({ line, text }): NamedId[] => {
    const enabled = configured.exec(text);
    const { noun, id } = (enabled ?? disabled.exec(text))?.groups ?? {};
    if (noun === undefined || id === undefined) return [];
    return [{ noun: noun as Noun, id, isEnabled: enabled !== null, line }];
  });
  const first = (noun: Noun) => ids.find((each) => each.noun === noun);
  const memberLines = new Map(
    ids
      .filter(({ noun, isEnabled }) => noun === 'Member' && isEnabled)
      .map((id) => [id.line, id.id]),
  );
  const pool = first('Pool');
  return {
    memberAbove: (line: number) => memberLines.get(line - 1),
    rest: {
      loadBalancer: first('Loadbalancer')?.id,
      listener: first('Listener')?.id,
      isEnabled: first('Listener')?.isEnabled ?? false,
      pool: pool && { id: pool.id, isEnabled: pool.isEnabled },
      monitor: first('HealthMonitor')?.id,
      disabledMembers: ids
        .filter(({ noun, isEnabled }) => noun === 'Member' && !isEnabled)
        .map(({ id }) => id),
    },
  };
}

const port = wholeNumber(1, 65_535);
const seconds = wholeNumber(0, 4_294_967);
const large = wholeNumber(0, 4_294_967_295);

function isPlace(tokens: readonly string[]): boolean {
  const [address = '', number = '', ...more] = tokens;
  return more.length === 0 && isAddress(address) && port(number);
}

function vocabularyOf(folder: string, namespace: string | null): Vocabulary {
  const server = serverVocabulary(folder);
  const place: LineCheck = (tokens) => isPlace(tokens);
  return {
    ...(namespace !== null && {
      net_namespace: { args: [exactly(namespace)], expected: namespace },
    }),
    virtual_server_group: {
      args: [isName],
      expected: 'followed by a name',
      isRepeatable: true,
      block: place,
    },
    virtual_server: {
      args: [(word) => word === 'group' || isAddress(word), (word) => port(word) || isName(word)],
      expected: 'followed by an address and a port, or by group and a name',
      isRepeatable: true,
      block: server,
    },
  };
}

function serverVocabulary(folder: string): Vocabulary {
  return {
    lb_algo: { args: [exactly('wrr', 'lc', 'sh', 'rr', 'wlc')], expected: 'wrr, lc or sh' },
    lb_kind: { args: [exactly('NAT')], expected: 'NAT' },
    protocol: { args: [exactly('UDP', 'SCTP', 'TCP')], expected: 'UDP or SCTP' },
    persistence_timeout: { args: [seconds], expected: 'a number of seconds' },
    persistence_granularity: {
      args: [(word) => isIpv4(word) || wholeNumber(1, 128)(word)],
      expected: 'a netmask or the length of a prefix',
    },
    delay_loop: { args: [seconds], expected: 'a number of seconds' },
    delay_before_retry: { args: [seconds], expected: 'a number of seconds' },
    retry: { args: [large], expected: 'a number' },
    real_server: {
      args: [isAddress, port],
      expected: 'followed by an address and a port',
      isRepeatable: true,
      block: {
        weight: { args: [wholeNumber(0, 65_535)], expected: 'a number from 0 to 65535' },
        uthreshold: { args: [large], expected: 'a number' },
        ...checksOf(folder),
      },
    },
  };
}

const connection: Vocabulary = {
  connect_ip: { args: [isAddress], expected: 'an address' },
  connect_port: { args: [port], expected: 'a port' },
  connect_timeout: { args: [seconds], expected: 'a number of seconds' },
};

function checksOf(folder: string): Vocabulary {
  return {
    MISC_CHECK: {
      args: [],
      expected: 'alone',
      block: {
        misc_path: {
          args: [isCheckCommand(folder)],
          expected: `${folder}/check/udp_check.sh in quotes, followed by an address and a port`,
        },
        misc_timeout: { args: [seconds], expected: 'a number of seconds' },
      },
    },
    HTTP_GET: {
      args: [],
      expected: 'alone',
      block: {
        url: {
          args: [],
          expected: 'alone',
          isRepeatable: true,
          block: {
            path: { args: [(word) => word.startsWith('/')], expected: 'a path' },
            status_code: { args: [wholeNumber(100, 599)], expected: 'a status code' },
          },
        },
        ...connection,
      },
    },
    TCP_CHECK: { args: [], expected: 'alone', block: connection },
  };
}

/** What the drivers have keepalived run for UDP and for SCTP. */
function isCheckCommand(folder: string): WordCheck {
  return (word) => {
    const [program, ...args] = word.split(' ');
    if (program === `${folder}/check/udp_check.sh`) return isPlace(args);
    const [kind, flag, timeout = '', ...place] = args;
    if (program !== 'amphora-health-checker' || kind !== 'sctp' || flag !== '-t') return false;
    return seconds(timeout) && isPlace(place);
  };
}
