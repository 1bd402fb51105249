import { type Command, InvalidArgumentError } from 'commander';

import { Fault } from '../../../kit/fault.ts';
import { print, printText, warn } from '../print.ts';
import { type GroupClient, makeGroupClient, type Sent, type ShownGateway } from './client.ts';
import { findGroupFor, gatewaysFor, pathOf } from './find.ts';
import { bodyOf, type GroupOptions, readNumber, withSettings } from './options.ts';

/** The gateway that is made if there is none. */
const firstGateway = 'default';
const served = 1;

/** Adds `add`, `set`, `remove` and `adopt`. The controller has each change in its audit log. */
export function addChangingCommands(group: Command, socket: string): void {
  const client = makeGroupClient(socket);
  withSettings(group.command('add'))
    .summary('make a group')
    .description(
      'Makes a group, and ends when its nodes run it. Nodes that have joined are added to the gateway. If there is no gateway yet, one with the name "default" is made.',
    )
    .argument('<group>', 'its name')
    .option(
      '--router-id <number>',
      'its VRRP router id; by default the smallest free one',
      readNumber,
    )
    .action(async (name: string, options: GroupOptions) => {
      const gateway = await gatewayForNew(client, options);
      const idOf = await addNodes(client, gateway, options);
      const body = bodyOf({ ...options, name, status: options.status ?? served }, idOf);
      const path = `/${gateway.id}/virtual_groups`;
      if (options.dryRun) await printAttempt(client, 'POST', path, body);
      else report(await client.send('POST', path, body), `Group ${name} is made.`);
    });

  withSettings(group.command('set'))
    .summary('change a group')
    .description(
      'Changes a group, and ends when its nodes run it. What is not named stays. --node names all nodes.',
    )
    .argument('<group>', 'its name or its id')
    .option('--name <name>', 'another name')
    .option('--force', 'change it even if its nodes refuse or cannot be reached')
    .action(async (wanted: string, options: GroupOptions) => {
      const found = await findGroupFor(client, wanted, options.gateway);
      if (options.interval !== undefined && options.node === undefined) {
        throw new InvalidArgumentError('--interval needs all nodes, with --node for each.');
      }
      const body = bodyOf(options, await addNodes(client, found.gateway, options));
      const path = pathOf(found);
      if (options.dryRun) await printAttempt(client, 'PUT', path, body);
      else
        report(
          await client.send('PUT', forced(path, options), body),
          `Group ${wanted} is changed.`,
        );
    });

  group
    .command('remove')
    .summary('remove a group')
    .description('Takes a group off its nodes, and removes it.')
    .argument('<group>', 'its name or its id')
    .option('--gateway <name>', 'the gateway of the group, by name or id')
    .option('--force', 'remove it even if its nodes refuse or cannot be reached')
    .option('--dry-run', 'print what would change in the file of each node, and change nothing')
    .action(async (wanted: string, options: GroupOptions) => {
      const path = pathOf(await findGroupFor(client, wanted, options.gateway));
      if (options.dryRun) await printAttempt(client, 'DELETE', path);
      else
        report(await client.send('DELETE', forced(path, options)), `Group ${wanted} is removed.`);
    });

  group
    .command('adopt')
    .summary('have a node run what the store says after a restore')
    .description(
      'Has a node run what the store says, although it runs something else since before the store was restored. What it runs then goes.',
    )
    .argument('<node>', 'its name or its id')
    .action(async (wanted: string) => {
      const { gateway, id } = await findNode(client, wanted);
      report(
        await client.send('POST', `/${gateway.id}/nodes/${id}/adopt`),
        `Node ${wanted} runs what the store says.`,
      );
    });
}

function forced(path: string, { force }: GroupOptions): string {
  return force ? `${path}?force=true` : path;
}

async function gatewayForNew(
  client: GroupClient,
  { gateway: wanted, dryRun }: GroupOptions,
): Promise<ShownGateway> {
  const found = await gatewaysFor(client, wanted);
  const [first] = found;
  if (first === undefined) {
    if (dryRun) {
      throw new Fault(
        'gateway_not_found',
        `There is no gateway yet, and a dry run makes none. Without --dry-run, one with the name '${firstGateway}' is made; a POST to /admin-api/gateway makes one too.`,
      );
    }
    const id = await client.create('/', { name: firstGateway });
    return { id, name: firstGateway, nodes: [] };
  }
  if (found.length === 1) return first;
  throw new Fault(
    'gateway_not_found',
    `There are several gateways: ${found.map(({ name }) => name).join(', ')}. Name one with --gateway.`,
  );
}

/** Adds the named nodes to the gateway, except in a dry run. @returns their ids by what they were called */
async function addNodes(
  client: GroupClient,
  gateway: ShownGateway,
  { node: nodes = [], dryRun }: GroupOptions,
): Promise<(node: string) => number> {
  const known = await client.nodes(gateway);
  const ids = new Map<string, number>();
  for (const { node } of nodes) {
    const found = known.find(({ id, name }) => name === node || `${id}` === node);
    if (found === undefined && dryRun) {
      throw new Fault(
        'node_not_found',
        `The gateway '${gateway.name}' does not have the node '${node}' yet, and a dry run does not add it. Without --dry-run, it is added; a POST to /admin-api/gateway/${gateway.id}/nodes adds it too.`,
      );
    }
    const name = /^\d+$/.test(node) ? Number(node) : node;
    ids.set(node, found?.id ?? (await client.create(`/${gateway.id}/nodes`, { node: name })));
  }
  return (node) => ids.get(node) ?? 0;
}

async function findNode(
  client: GroupClient,
  wanted: string,
): Promise<{ gateway: ShownGateway; id: number }> {
  for (const gateway of await client.gateways()) {
    const nodes = await client.nodes(gateway);
    const found = nodes.find(({ id, name }) => name === wanted || `${id}` === wanted);
    if (found) return { gateway, id: found.id };
  }
  throw new Fault(
    'node_not_found',
    `No gateway has a node '${wanted}'. 'hactl node list' lists the nodes; 'hactl group add' makes a gateway with those of the group.`,
  );
}

async function printAttempt(
  client: GroupClient,
  ...request: Parameters<GroupClient['attempt']>
): Promise<void> {
  const diffs = await client.attempt(...request);
  if (diffs.length === 0) print('The file of no node would change.');
  for (const { name, diff } of diffs) printText(`${name}\n${diff.trimEnd()}`);
}

function report({ warnings }: Sent, done: string): void {
  if (warnings !== undefined) warn(warnings);
  print(done);
}
