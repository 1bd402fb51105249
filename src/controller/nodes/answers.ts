import * as z from 'zod';

import type { KeepalivedReport } from '../../keepalived/report.ts';
import { Fault } from '../../kit/fault.ts';
import { parseIp, withoutPrefix } from '../../kit/ip.ts';

// What a node answers is text from another host: each field has a form and a bound. What other nodes would get of it is
// left out if it has another form.

/** Max number of interfaces of a node that count. The kernel numbers them in the order in which they were made. */
const maxInterfaces = 256;
/** Max number of addresses of an interface that count. */
const maxAddresses = 100;

const name = z.string().max(64);
const sentence = z.string().max(2000);
const address = z.string().max(64);
const count = z.number().int().min(0);
const interfaceName = z.string().max(15);
/** Linux allows more characters than a controller orders. */
const usableName = /^[A-Za-z0-9_.:-]{1,15}$/;

const ordersSchema = z.object({
  store: name,
  epoch: count,
  revision: count,
  digest: z.string().max(64),
});

const reportSchema = z.object({
  sequence: count,
  boot: name,
  running: ordersSchema.nullable(),
  version: name,
  isAnswering: z.boolean(),
  instances: z
    .array(
      z.object({
        name,
        state: z.string().max(16),
        since: z.number().nullable(),
        effectivePriority: z.number().nullable(),
        addresses: z.array(address).max(100),
      }),
    )
    .max(1000),
  otherRouters: z
    .array(
      z.object({
        interface: interfaceName,
        family: z.enum(['ipv4', 'ipv6']),
        routerId: z.number().int().min(0).max(255),
        source: address,
      }),
    )
    .max(5000)
    .transform((all) => all.filter(({ source }) => isAddress(source))),
  troubles: z.array(sentence).max(100),
});

const factsSchema = z.object({
  name,
  machine: z.string().max(128),
  adopted: z.object({ store: name, epoch: count }).nullable(),
  keepalived: name,
  interfaces: z
    .array(
      z.object({
        name: interfaceName,
        addresses: z
          .array(address)
          .transform((all) => all.filter(isAddress).slice(0, maxAddresses)),
        is_up: z.boolean().default(true),
      }),
    )
    .transform((all) => all.filter((each) => usableName.test(each.name)).slice(0, maxInterfaces)),
});

function isAddress(text: string): boolean {
  return parseIp(withoutPrefix(text)) !== undefined;
}

/** What a node says of itself. */
export type NodeFacts = z.output<typeof factsSchema>;

const orderedSchema = z.object({ running: ordersSchema });
const requestSchema = z.object({ request: z.string().max(16 * 1024) });

/** Faults: `node_unreachable` for an answer that is not as agreed */
export function readReport(json: unknown): KeepalivedReport {
  return checked(reportSchema, json) as KeepalivedReport;
}

/** Faults: as readReport */
export function readFacts(json: unknown): NodeFacts {
  return checked(factsSchema, json);
}

/** The digest that the node runs. Faults: as readReport */
export function readOrdered(json: unknown): string {
  return checked(orderedSchema, json).running.digest;
}

/** The certificate request. Faults: as readReport */
export function readRequest(json: unknown): string {
  return checked(requestSchema, json).request;
}

function checked<T>(schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [first] = result.error.issues;
  const place = first?.path.join('.') ?? '';
  throw new Fault(
    'node_unreachable',
    `The answer of the node is not as agreed (${place}: ${first?.message ?? ''}). Install the same version of ha-agent on the controller and on the node.`,
  );
}
