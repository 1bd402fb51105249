import * as z from 'zod';

import { absolutePath, address, port } from '../kit/config/values.ts';
import { bitsOf, contains, parseIp, parseSubnet } from '../kit/ip.ts';

const uuid = z
  .string()
  .toLowerCase()
  .regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'expected a UUID');
const interfaceName = z.string().regex(/^[A-Za-z0-9_.:-]{1,15}$/, 'expected an interface');
const noLimit = z.number().int().min(-1);

const subnet = z
  .strictObject({
    id: uuid,
    cidr: z
      .string()
      .refine(
        (text) => parseSubnet(text) !== undefined,
        'expected a network, such as "10.0.0.0/24"',
      ),
    gateway: address.nullable().default(null),
    pools: z
      .array(z.strictObject({ from: address, to: address }))
      .max(100)
      .default([]),
    dns: z.array(address).max(10).default([]),
  })
  .refine(
    ({ cidr, pools }) => pools.every(({ from, to }) => isRangeIn(cidr, from, to)),
    'expected pools from a first to a last address in the network',
  );

function isRangeIn(cidr: string, from: string, to: string): boolean {
  const [network, first, last] = [parseSubnet(cidr), parseIp(from), parseIp(to)];
  if (network === undefined || first === undefined || last === undefined) return false;
  return (
    bitsOf[first.version] === bitsOf[last.version] &&
    contains(network, first) &&
    contains(network, last) &&
    first.value <= last.value
  );
}

/** The keys of load balancers in the configuration of the controller. */
export const balancerConfig = z.strictObject({
  balancer: z
    .strictObject({
      network_driver: z
        .enum(['static', 'noop'])
        .default('static')
        .describe(
          'Where VIPs come from: the networks below ("static"), or nowhere ("noop", for tests: any id is a network, and no node gets a VIP).',
        ),
      networks: z
        .array(
          z.strictObject({
            id: uuid,
            name: z.string().max(255).default(''),
            subnets: z.array(subnet).min(1).max(100),
            interface: z.record(z.string(), interfaceName).default({}),
          }),
        )
        .max(100)
        .default([])
        .describe(
          'Networks for VIPs, each with its subnets. The interface of a node is the one that is named here, else the first one with an address in a subnet.',
        ),
      topology: z
        .enum(['SINGLE', 'ACTIVE_STANDBY'])
        .default('ACTIVE_STANDBY')
        .describe('Whether a load balancer is on one node, or on two where there are two.'),
      peer_ports: z
        .strictObject({ from: port, to: port })
        .refine(({ from, to }) => from <= to, 'expected a first and a last port')
        .default({ from: 11_000, to: 19_999 })
        .describe('The ports by which two nodes exchange the stick tables of a load balancer.'),
      advert_interval: z
        .number()
        .min(0.01)
        .max(40.95)
        .default(0.5)
        .describe('Seconds between two adverts of a node that has VIPs.'),
      change_timeout: z
        .number()
        .int()
        .min(5)
        .max(3600)
        .default(60)
        .describe('Seconds after which a change that no node has answered ends in ERROR.'),
      max_jobs: z
        .number()
        .int()
        .min(1)
        .max(256)
        .default(16)
        .describe('Max number of load balancers that are brought onto nodes at the same time.'),
      heartbeat_address: address
        .nullable()
        .default(null)
        .describe('Address to listen on for heartbeats; null means all addresses.'),
      heartbeat_port: port.default(5555).describe('UDP port for heartbeats.'),
      heartbeat_key: z
        .string()
        .min(16)
        .max(512)
        .nullable()
        .default(null)
        .describe('The key of the HMAC of heartbeats; null means one that the controller makes.'),
      heartbeat_interval: z
        .number()
        .int()
        .min(1)
        .max(600)
        .default(1)
        .describe('Seconds between two heartbeats of a node.'),
      heartbeat_timeout: z
        .number()
        .int()
        .min(2)
        .max(3600)
        .default(5)
        .describe(
          'Seconds without a heartbeat after which a load balancer counts as not heard of.',
        ),
      secrets_key: absolutePath
        .default('/etc/ha-agent/controller.key')
        .describe(
          'The key that certificates in the store are encrypted with. It is made if it is not there; keep it with the backups of the store.',
        ),
      default_quota: z
        .strictObject({
          load_balancer: noLimit.default(-1),
          listener: noLimit.default(-1),
          pool: noLimit.default(-1),
          member: noLimit.default(-1),
          health_monitor: noLimit.default(-1),
        })
        .prefault({})
        .describe('How many objects a project may have unless it has a quota; -1 means no limit.'),
    })
    .prefault({}),
});

export type BalancerConfig = Readonly<z.output<typeof balancerConfig>['balancer']>;
