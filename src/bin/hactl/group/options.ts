import { type Command, InvalidArgumentError, Option } from 'commander';

/** A node as the command line names it. */
export interface WantedNode {
  /** A name or an id. */
  node: string;
  interface: string;
  priority: number;
  /** Whether its own address gets the name too. */
  isPublished: boolean;
}

/** The options of `add` and `set`, as commander has them. */
export interface GroupOptions {
  gateway?: string;
  address?: string;
  address6?: string;
  status?: number;
  node?: WantedNode[];
  interval?: number;
  routerId?: number;
  preempt?: boolean;
  check?: object | null;
  unicast?: boolean | null;
  name?: string;
  force?: boolean;
  dryRun?: boolean;
}

const statuses = ['published', 'served', 'offline'];

/** Adds the options of a group's settings. */
export function withSettings(command: Command): Command {
  return command
    .option('--gateway <name>', 'the gateway of the group, by name or id')
    .option('--address <address>', 'the virtual IPv4 address, with or without a prefix length')
    .option('--address6 <address>', 'the virtual IPv6 address, with or without a prefix length')
    .addOption(
      new Option(
        '--status <status>',
        'published (served and in DNS), served, or offline',
      ).argParser(readStatus),
    )
    .option(
      '--node <name:interface:priority>',
      'a node of the group, once for each; with ":published" at the end its own address gets the name too',
      addNode,
    )
    .option('--interval <seconds>', 'the time between two adverts', readNumber)
    .option('--preempt', 'let a better node take over from a lesser one')
    .option('--no-preempt', 'let a lesser node go on when a better one returns')
    .option(
      '--check <probe>',
      'a probe of the service: tcp:PORT, http:PORT/PATH or none',
      readCheck,
    )
    .addOption(
      new Option('--adverts <kind>', 'unicast, multicast, or auto by the number of nodes')
        .choices(['unicast', 'multicast', 'auto'])
        .argParser(readAdverts),
    )
    .option('--dry-run', 'print what would change in the file of each node, and change nothing');
}

/**
 * The body of a request for these options.
 * @param idOf the id of a node
 */
export function bodyOf(
  options: GroupOptions & { adverts?: boolean | null },
  idOf: (node: string) => number,
): Record<string, unknown> {
  const { interval, node: nodes } = options;
  const listed = nodes?.map((each) => ({
    node: idOf(each.node),
    interface: each.interface,
    priority: each.priority,
    keepalived_managed: !each.isPublished,
    ...(interval !== undefined && { interval }),
  }));
  return Object.fromEntries(
    Object.entries({
      name: options.name,
      virtual_ip: options.address,
      virtual_ipv6: options.address6,
      status: options.status,
      router_id: options.routerId,
      real_nodes: listed,
      preempt: options.preempt,
      check: options.check,
      unicast: options.adverts,
    }).filter(([, value]) => value !== undefined),
  );
}

export function readNumber(text: string): number {
  if (/^\d{1,6}(?:\.\d{1,6})?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a number.');
}

function readStatus(text: string): number {
  const found = statuses.indexOf(text);
  if (found >= 0) return found;
  if (/^[012]$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected published, served or offline.');
}

function addNode(text: string, former: WantedNode[] = []): WantedNode[] {
  const [node = '', device = '', priority = '', published, ...more] = text.split(':');
  const isRight = node !== '' && device !== '' && /^\d{1,3}$/.test(priority);
  if (!isRight || more.length > 0 || (published !== undefined && published !== 'published'))
    throw new InvalidArgumentError('Expected NAME:INTERFACE:PRIORITY, such as a:eth0:150.');
  return [
    ...former,
    {
      node,
      interface: device,
      priority: Number(priority),
      isPublished: published !== undefined,
    },
  ];
}

function readCheck(text: string): object | null {
  if (text === 'none') return null;
  const [, type, port, path] = /^(tcp|http):(\d{1,5})(\/.*)?$/.exec(text) ?? [];
  if (type === undefined || (type === 'tcp' && path !== undefined))
    throw new InvalidArgumentError('Expected tcp:PORT, http:PORT/PATH or none.');
  return { type, port: Number(port), ...(path !== undefined && { path }) };
}

function readAdverts(text: string): boolean | null {
  if (text === 'auto') return null;
  if (text === 'unicast' || text === 'multicast') return text === 'unicast';
  throw new InvalidArgumentError('Expected unicast, multicast or auto.');
}
