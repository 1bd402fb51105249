import type { Command } from 'commander';

import { NotWell } from '../failure.ts';
import { printData, withOutput } from '../output.ts';
import { print, printTable, warn } from '../print.ts';
import { type GroupClient, makeGroupClient, type ShownGroup } from './client.ts';
import { findGroupFor, gatewaysFor, groupsFor } from './find.ts';
import { findingsOf } from './verdict.ts';

const statuses = ['published', 'served', 'offline'];
const states = ['unknown', 'MASTER', 'BACKUP', 'FAULT'];

const ofGateway = ['--gateway <name>', 'only groups of this gateway, by name or id'] as const;
interface Options {
  gateway?: string;
}

/** Adds `list`, `show` and `status`. */
export function addReadingCommands(group: Command, socket: string): void {
  const client = makeGroupClient(socket);
  withOutput(group.command('list'))
    .summary('list the groups')
    .description('Lists the groups with their addresses, and which node is MASTER by its own word.')
    .option(...ofGateway)
    .action(async ({ gateway }: Options, command: Command) => {
      const { groups, nameOf } = await readAll(client, gateway);
      printData(command, groups, () => {
        printGroups(groups, nameOf);
      });
    });

  withOutput(group.command('show'))
    .summary('show one group with its nodes')
    .description('Shows one group with its settings, and what each of its nodes says.')
    .argument('<group>', 'the name or the id of the group')
    .option(...ofGateway)
    .action(async (wanted: string, { gateway }: Options, command: Command) => {
      const found = await findGroupFor(client, wanted, gateway);
      const nodes = await client.nodes(found.gateway);
      printData(command, found, () => {
        printGroup(found, (id) => nodes.find((each) => each.id === id)?.name ?? `${id}`);
      });
    });

  withOutput(group.command('status'))
    .summary('say what is wrong with the groups, and who holds the addresses')
    .description(
      'Says first what is wrong with each group, then lists the groups. As a check of a monitoring system it ends with 0 (well), 1 (warning) or 2 (failing).',
    )
    .option(...ofGateway)
    .action(async ({ gateway }: Options, command: Command) => {
      const { groups, nameOf } = await readAll(client, gateway);
      const findings = findingsOf(groups, nameOf);
      const [worst] = findings;
      if (worst) warn(findings.map(({ text }) => text).join('\n'));
      printData(command, groups, () => {
        printGroups(groups, nameOf);
      });
      if (worst) throw new NotWell(worst.level, []);
    });
}

type NameOf = (group: ShownGroup, node: number) => string;

async function readAll(
  client: GroupClient,
  gateway: string | undefined,
): Promise<{ groups: ShownGroup[]; nameOf: NameOf }> {
  const gateways = await gatewaysFor(client, gateway);
  const groups = await groupsFor(client, gateways);
  const names = new Map<number, string>();
  for (const each of gateways) {
    for (const { id, name } of await client.nodes(each)) names.set(id, name);
  }
  return { groups, nameOf: (_group, node) => names.get(node) ?? `${node}` };
}

function printGroups(groups: readonly ShownGroup[], nameOf: NameOf): void {
  if (groups.length === 0) {
    print("There are no groups. 'hactl group add' makes one.");
    return;
  }
  printTable(
    ['GROUP', 'GATEWAY', 'ADDRESSES', 'STATUS', 'HEALTHY', 'MASTER'],
    groups.map((group) => [
      group.name,
      group.gateway.name,
      addressesOf(group),
      statuses[group.status] ?? '?',
      group.is_healthy ? 'yes' : 'no',
      mastersOf(group, nameOf),
    ]),
  );
}

function mastersOf(group: ShownGroup, nameOf: NameOf): string {
  const masters = group.real_nodes.filter(({ status }) => states[status] === 'MASTER');
  return masters.map(({ node }) => nameOf(group, node)).join(', ') || '-';
}

function addressesOf({ virtual_ip: ip, virtual_ipv6: ipv6 }: ShownGroup): string {
  return [ip, ipv6].filter((each) => each !== '').join(', ');
}

function printGroup(group: ShownGroup, nameOf: (node: number) => string): void {
  print(`Group ${group.name} (${group.id}) of the gateway ${group.gateway.name}`);
  print(`Addresses ${addressesOf(group)}, router id ${group.router_id}`);
  print(`${statuses[group.status] ?? '?'}, ${group.is_healthy ? 'healthy' : 'not healthy'}`);
  if (group.real_nodes.length === 0) return;
  printTable(
    ['NODE', 'INTERFACE', 'PRIORITY', 'STATE', 'DETAIL'],
    group.real_nodes.map((each) => [
      nameOf(each.node),
      each.interface,
      each.priority,
      states[each.status] ?? '?',
      each.detail,
    ]),
  );
}
