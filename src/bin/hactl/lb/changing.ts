import { type Command, InvalidArgumentError } from 'commander';

import { Fault } from '../../../kit/fault.ts';
import type { BalancerClient } from './client.ts';
import { balancersPath, findBalancer, pathOf } from './find.ts';
import { networkId } from './networks.ts';
import { type AddOptions, treeOf, type WaitOptions, withTree, withWait } from './options.ts';
import { balancer } from './shown.ts';
import { report, waitOf } from './waiting.ts';

interface SetOptions extends WaitOptions {
  name?: string;
  description?: string;
  enable?: true;
  disable?: true;
}

/** Adds `add`, `set`, `remove`, `repair` and `failover`. The controller has each change in its audit log. */
export function addChangingCommands(lb: Command, client: BalancerClient): void {
  withWait(withTree(lb.command('add')))
    .summary('make a load balancer')
    .description(
      'Makes a load balancer, with one listener and its pool, monitor and members if they are named. All of it is made, or nothing. Its name must be free.',
    )
    .argument('<balancer>', 'its name')
    .action(async (name: string, options: AddOptions) => {
      const body = treeOf(name, await vipOf(options), options);
      await refuseTaken(client, name);
      const json = await client.send('POST', balancersPath, body, waitOf(options));
      const made = balancer.pick({ id: true, name: true, vip: true }).parse(json);
      const address = made.vip.ip_address ?? 'an address';
      await report(client, made, `The load balancer ${name} is made with ${address}`, options);
    });

  withWait(lb.command('set'))
    .summary('change, enable or disable a load balancer')
    .description('Changes a load balancer. What is not named stays.')
    .argument('<balancer>', 'its name or its id')
    .option('--name <name>', 'another name')
    .option('--description <text>', 'another text for people; an empty one removes it')
    .option('--enable', 'serve its listeners')
    .option('--disable', 'serve none of its listeners')
    .action(async (wanted: string, options: SetOptions) => {
      const body = changeOf(options);
      const found = await findBalancer(client, wanted);
      await client.send('PUT', pathOf(found), body, waitOf(options));
      await report(client, found, `The load balancer ${wanted} is changed`, options);
    });

  withWait(lb.command('remove'))
    .summary('remove a load balancer')
    .description(
      'Takes a load balancer off its nodes, removes it, and frees its address. One with listeners or pools is refused without --cascade.',
    )
    .argument('<balancer>', 'its name or its id')
    .option('--cascade', 'remove everything below it too')
    .action(async (wanted: string, options: WaitOptions & { cascade?: true }) => {
      const found = await findBalancer(client, wanted);
      const path = `${pathOf(found)}${options.cascade ? '/delete_cascade' : ''}`;
      await client.send('DELETE', path, undefined, waitOf(options));
      await report(client, found, `The load balancer ${wanted} is removed`, options);
    });

  withWait(lb.command('repair'))
    .summary('try at once what has failed')
    .description(
      'Tries at once what has failed on the nodes of a load balancer. The controller tries by itself too, at growing intervals of at most a minute.',
    )
    .argument('<balancer>', 'its name or its id')
    .action(async (wanted: string, options: WaitOptions) => {
      const found = await findBalancer(client, wanted);
      await client.send('POST', `${pathOf(found)}/repair`, {}, waitOf(options));
      await report(client, found, `What has failed of ${wanted} is tried again`, options);
    });

  withWait(lb.command('failover'))
    .summary('give the address of a load balancer to its other node')
    .description(
      'Gives the address of a load balancer to its other node, with its traffic. Open connections through the former node end.',
    )
    .argument('<balancer>', 'its name or its id')
    .action(async (wanted: string, options: WaitOptions) => {
      const found = await findBalancer(client, wanted);
      await client.send('POST', `${pathOf(found)}/failover`, {}, waitOf(options));
      await report(client, found, `The load balancer ${wanted} moves to its other node`, options);
    });
}

/** The VIP of a request. An address alone says nothing of its network. */
async function vipOf({ network, subnet, port, address }: AddOptions): Promise<object> {
  if (network === undefined && subnet === undefined && port === undefined) {
    throw new InvalidArgumentError(
      "Name the network of its address with --network; 'hactl lb network list' lists them.",
    );
  }
  return {
    ...(port !== undefined && { port_id: port }),
    ...(network !== undefined && { network_id: await networkId(network) }),
    ...(subnet !== undefined && { subnet_id: subnet }),
    ...(address !== undefined && { ip_address: address }),
  };
}

/** The API takes a name twice. The commands here find load balancers by name, so they must not. */
async function refuseTaken(client: BalancerClient, name: string): Promise<void> {
  const all = await client.list(balancersPath, balancer);
  const found = all.find((each) => each.name === name);
  if (found === undefined) return;
  throw new Fault(
    'balancer_conflict',
    `There is a load balancer '${name}' already, with the id ${found.id}. Choose another name, or remove it first.`,
  );
}

function changeOf({ name, description, enable, disable }: SetOptions): object {
  if (enable && disable) throw new InvalidArgumentError('Use either --enable or --disable.');
  const change = {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description: description === '' ? null : description }),
    ...(enable && { enabled: true }),
    ...(disable && { enabled: false }),
  };
  if (Object.keys(change).length > 0) return change;
  throw new InvalidArgumentError('Name what to change, such as --disable.');
}
