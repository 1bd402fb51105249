import { type Command, InvalidArgumentError } from 'commander';

import type { BalancerClient } from './client.ts';
import { findBalancer, findMember, findPool } from './find.ts';
import { type WaitOptions, withWait } from './options.ts';
import { readMember, readPort, readWeight, type WantedMember } from './values.ts';
import { report, waitOf } from './waiting.ts';

interface MemberOptions extends WaitOptions {
  pool?: string;
  subnet?: string;
  weight?: number;
  port?: number;
  enable?: true;
  disable?: true;
  disabled?: true;
  monitorAddress?: string;
  monitorPort?: number;
}

/** Adds `member add`, `member set` and `member remove`. */
export function addMemberCommands(lb: Command, client: BalancerClient): void {
  const members = lb
    .command('member')
    .summary('add, change and remove the members of a pool')
    .description(
      'Adds, changes and removes the members of a pool. A pool need not be named if the load balancer has only one.',
    );

  withMonitorPlace(withPool(members.command('add')))
    .summary('add a member')
    .description('Adds a member to a pool.')
    .argument('<balancer>', 'the name or the id of the load balancer')
    .argument('<address:port>', 'the member, such as 10.0.0.1:80 or 10.0.0.1:80:WEIGHT', readMember)
    .option('--subnet <id>', 'the subnet by which the nodes reach it')
    .option('--disabled', 'add it disabled')
    .action(async (wanted: string, added: WantedMember, options: MemberOptions) => {
      const balancer = await findBalancer(client, wanted);
      const { path } = await findPool(client, balancer, options.pool);
      const body = {
        ...added,
        ...(options.subnet !== undefined && { subnet_id: options.subnet }),
        ...(options.disabled && { enabled: false }),
        ...placeOf(options),
      };
      await client.send('POST', `${path}/members`, body, waitOf(options));
      await report(client, balancer, 'The member is added', options);
    });

  withMonitorPlace(withPool(members.command('set')))
    .summary('change, enable or disable a member')
    .description(
      'Changes a member. What is not named stays. A member with the weight 0 gets no new clients; a disabled one gets no traffic.',
    )
    .argument('<balancer>', 'the name or the id of the load balancer')
    .argument('<member>', 'its address and port, or its id')
    .option('--weight <number>', 'its share of the traffic, 0 to 256', readWeight)
    .option('--port <number>', 'another port', readPort)
    .option('--enable', 'send traffic to it')
    .option('--disable', 'send no traffic to it')
    .action(async (wanted: string, member: string, options: MemberOptions) => {
      const body = changeOf(options);
      const balancer = await findBalancer(client, wanted);
      const pool = await findPool(client, balancer, options.pool);
      const { id } = await findMember(client, pool, member);
      await client.send('PUT', `${pool.path}/members/${id}`, body, waitOf(options));
      await report(client, balancer, `The member ${member} is changed`, options);
    });

  withPool(members.command('remove'))
    .summary('remove a member')
    .description('Removes a member from a pool.')
    .argument('<balancer>', 'the name or the id of the load balancer')
    .argument('<member>', 'its address and port, or its id')
    .action(async (wanted: string, member: string, options: MemberOptions) => {
      const balancer = await findBalancer(client, wanted);
      const pool = await findPool(client, balancer, options.pool);
      const { id } = await findMember(client, pool, member);
      await client.send('DELETE', `${pool.path}/members/${id}`, undefined, waitOf(options));
      await report(client, balancer, `The member ${member} is removed`, options);
    });
}

function withPool(command: Command): Command {
  return withWait(command).option('--pool <pool>', 'the pool, by name or id');
}

function withMonitorPlace(command: Command): Command {
  return command
    .option('--monitor-address <address>', 'where it is checked, if that is another address')
    .option('--monitor-port <number>', 'where it is checked, if that is another port', readPort);
}

function placeOf({ monitorAddress, monitorPort }: MemberOptions): object {
  return {
    ...(monitorAddress !== undefined && { monitor_address: monitorAddress }),
    ...(monitorPort !== undefined && { monitor_port: monitorPort }),
  };
}

function changeOf(options: MemberOptions): object {
  const { weight, port, enable, disable } = options;
  if (enable && disable) throw new InvalidArgumentError('Use either --enable or --disable.');
  const change = {
    ...(port !== undefined && { protocol_port: port }),
    ...(weight !== undefined && { weight }),
    ...(enable && { enabled: true }),
    ...(disable && { enabled: false }),
    ...placeOf(options),
  };
  if (Object.keys(change).length > 0) return change;
  throw new InvalidArgumentError('Name what to change, such as --weight 0.');
}
