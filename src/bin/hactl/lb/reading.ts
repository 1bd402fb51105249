import type { Command } from 'commander';

import { NotWell } from '../failure.ts';
import { printData, withOutput } from '../output.ts';
import { print, printTable, warn } from '../print.ts';
import type { BalancerClient } from './client.ts';
import { balancersPath, findBalancer, nodesOf, pathOf } from './find.ts';
import {
  balancer,
  hostOf,
  listener,
  member,
  monitor,
  nameOf,
  pool,
  type ShownBalancer,
  type ShownListener,
  type ShownMember,
  type ShownMonitor,
  type ShownPool,
  type ShownStatus,
  status,
} from './shown.ts';
import { type Examined, findingsOf, isCalm } from './verdict.ts';

interface PoolWithMembers extends ShownPool {
  members: readonly ShownMember[];
  health_monitor: ShownMonitor | null;
}

/** All that `show` shows of a load balancer. */
interface Whole {
  load_balancer: ShownBalancer;
  listeners: readonly ShownListener[];
  pools: readonly PoolWithMembers[];
  status: ShownStatus;
}

/** Adds `list`, `show` and `status`. */
export function addReadingCommands(lb: Command, client: BalancerClient): void {
  withOutput(lb.command('list'))
    .summary('list the load balancers')
    .description('Lists the load balancers with their addresses and both of their statuses.')
    .action(async (_options: unknown, command: Command) => {
      const balancers = await client.list(balancersPath, balancer);
      printData(command, balancers, () => {
        printBalancers(balancers);
      });
    });

  withOutput(lb.command('show'))
    .summary('show one load balancer with its members and nodes')
    .description(
      'Shows one load balancer with its listeners, pools and members, and what each of its nodes runs.',
    )
    .argument('<balancer>', 'its name or its id')
    .action(async (wanted: string, _options: unknown, command: Command) => {
      const whole = await readWhole(client, await findBalancer(client, wanted));
      printData(command, whole, () => {
        printWhole(whole);
      });
    });

  withOutput(lb.command('status'))
    .summary('say what is wrong with the load balancers and their nodes')
    .description(
      'Says first what is wrong with each load balancer and each node, then lists the load balancers. As a check of a monitoring system it ends with 0 (well), 1 (warning) or 2 (failing).',
    )
    .action(async (_options: unknown, command: Command) => {
      const balancers = await client.list(balancersPath, balancer);
      const examined: Examined[] = [];
      for (const each of balancers) {
        const read = () => client.getIfThere(`${pathOf(each)}/status`, status);
        examined.push({ balancer: each, status: isCalm(each) ? undefined : await read() });
      }
      const findings = findingsOf(examined, await nodesOf(client));
      const [worst] = findings;
      if (worst) warn(findings.map(({ text }) => text).join('\n'));
      printData(command, balancers, () => {
        printBalancers(balancers);
      });
      if (worst) throw new NotWell(worst.level, []);
    });
}

function printBalancers(balancers: readonly ShownBalancer[]): void {
  if (balancers.length === 0) {
    print("There are no load balancers. 'hactl lb add' makes one.");
    return;
  }
  printTable(
    ['BALANCER', 'ADDRESS', 'ENABLED', 'PROVISIONING', 'OPERATING', 'ID'],
    balancers.map((each) => [
      each.name ?? '-',
      each.vip.ip_address ?? '-',
      each.enabled ? 'yes' : 'no',
      each.provisioning_status,
      each.operating_status,
      each.id,
    ]),
  );
}

async function readWhole(client: BalancerClient, of: ShownBalancer): Promise<Whole> {
  const path = pathOf(of);
  const pools: PoolWithMembers[] = [];
  for (const each of await client.list(`${path}/pools`, pool)) {
    const below = `${path}/pools/${each.id}`;
    const members = await client.list(`${below}/members`, member);
    const checked = await client.getIfThere(`${below}/health_monitor`, monitor);
    pools.push({ ...each, members, health_monitor: checked ?? null });
  }
  return {
    load_balancer: of,
    listeners: await client.list(`${path}/listeners`, listener),
    pools,
    status: await client.get(`${path}/status`, status),
  };
}

function printWhole({ load_balancer: of, listeners, pools, status: said }: Whole): void {
  print(`Load balancer ${nameOf(of)} (${of.id})`);
  print(
    `Address ${of.vip.ip_address ?? '-'}, ${of.enabled ? 'enabled' : 'disabled'}, ${of.provisioning_status}, ${of.operating_status}`,
  );
  for (const each of said.troubles) print(each);
  if (said.last_error !== null && !said.troubles.includes(said.last_error)) print(said.last_error);
  if (said.next_try_at !== null) print(`The next try is at ${said.next_try_at}.`);
  if (listeners.length > 0) {
    printTable(
      ['LISTENER', 'PROTOCOL', 'PORT', 'POOL', 'ENABLED', 'PROVISIONING', 'OPERATING'],
      listeners.map((each) => [
        nameOf(each),
        each.protocol,
        each.protocol_port,
        poolNameOf(each, pools),
        each.enabled ? 'yes' : 'no',
        each.provisioning_status,
        each.operating_status,
      ]),
    );
  }
  pools.forEach(printPool);
  if (said.nodes.length === 0) return;
  printTable(
    ['NODE', 'MASTER', 'HEARD', 'FILE', 'TROUBLE'],
    said.nodes.map((each) => [
      each.name,
      each.is_master ? 'yes' : 'no',
      each.heard_seconds_ago === null ? 'never' : `${Math.round(each.heard_seconds_ago)} s ago`,
      fileOf(each),
      each.error ?? (each.is_reachable ? '-' : 'The controller does not reach it.'),
    ]),
  );
}

function poolNameOf({ default_pool_id: id }: ShownListener, pools: readonly ShownPool[]): string {
  if (id === null) return '-';
  const found = pools.find((each) => each.id === id);
  return found ? nameOf(found) : id;
}

function printPool(of: PoolWithMembers): void {
  const { health_monitor: checked } = of;
  const check = checked
    ? `checked by ${checked.type} every ${checked.delay} s`
    : 'without a monitor';
  print(`Pool ${nameOf(of)}, ${of.protocol}, ${of.lb_algorithm}, ${check}, ${of.operating_status}`);
  if (of.members.length === 0) return;
  printTable(
    ['MEMBER', 'WEIGHT', 'ENABLED', 'OPERATING', 'ID'],
    of.members.map((each) => [
      hostOf(each),
      each.weight,
      each.enabled ? 'yes' : 'no',
      each.operating_status,
      each.id,
    ]),
  );
}

/** What a node runs, compared with what it is to run. */
function fileOf({ wanted, running }: ShownStatus['nodes'][number]): string {
  if (running === null) return wanted === null ? 'none' : 'missing';
  return running === wanted ? 'current' : 'other';
}
