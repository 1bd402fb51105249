import type { Command } from 'commander';
import * as z from 'zod';

import { controllerConfigFile } from '../../../controller/config.ts';
import { readConfig } from '../../../kit/config/read.ts';
import { Fault } from '../../../kit/fault.ts';
import { controllerFileVariable, controllerPrefix } from '../../wiring/controller/config.ts';
import { printData, withOutput } from '../output.ts';
import { print, printTable } from '../print.ts';
import { nameOf } from './shown.ts';

const network = z.looseObject({
  id: z.string(),
  name: z.string().default(''),
  subnets: z.array(z.looseObject({ id: z.string(), cidr: z.string() })),
  interface: z.record(z.string(), z.string()).default({}),
});

/** What hactl reads of the key `balancer`. The controller checks it as a whole. */
const networksKey = z.object({
  balancer: z.looseObject({ networks: z.array(network).default([]) }).prefault({}),
});

type Network = z.output<typeof network>;

/** Adds `network list`. */
export function addNetworkCommands(lb: Command): void {
  const commands = lb
    .command('network')
    .summary('list the networks that load balancers get addresses of')
    .description(
      `Lists the networks that load balancers get addresses of. They are in ${controllerConfigFile}.`,
    );
  withOutput(commands.command('list'))
    .summary('list the networks')
    .description(
      'Lists the networks with their subnets, and the interfaces that are named for nodes. Other nodes use the first interface with an address in one of the subnets.',
    )
    .action(async (_options: unknown, command: Command) => {
      const networks = await readNetworks();
      printData(command, networks, () => {
        printNetworks(networks);
      });
    });
}

function printNetworks(networks: readonly Network[]): void {
  if (networks.length === 0) {
    print(
      `There are no networks. Put some into "balancer" of ${controllerConfigFile}, then restart ha-controller.`,
    );
    return;
  }
  printTable(
    ['NETWORK', 'SUBNETS', 'INTERFACES', 'ID'],
    networks.map(({ id, name, subnets, interface: interfaces }) => [
      name || '-',
      subnets.map(({ cidr }) => cidr).join(', '),
      Object.entries(interfaces)
        .map(([node, device]) => `${node}:${device}`)
        .join(', ') || '-',
      id,
    ]),
  );
}

/**
 * The id of a network.
 * @param wanted its name or its id
 * Faults: `balancer_object_not_found`, `invalid_config`
 */
export async function networkId(wanted: string): Promise<string> {
  const networks = await readNetworks();
  const found =
    networks.find(({ name }) => name === wanted) ??
    networks.find(({ id }) => id.toLowerCase() === wanted.toLowerCase());
  if (found) return found.id;
  const names = networks.map(nameOf).join(', ');
  throw new Fault(
    'balancer_object_not_found',
    `There is no network '${wanted}' in ${controllerConfigFile}. ${names === '' ? 'It has none yet.' : `It has ${names}.`}`,
  );
}

/** Faults: `invalid_config` */
export async function readNetworks(): Promise<Network[]> {
  const { balancer } = await readConfig(networksKey, ['balancer'], process.env, {
    file: controllerConfigFile,
    prefix: controllerPrefix,
    fileVariable: controllerFileVariable,
  });
  return balancer.networks;
}
