import * as z from 'zod';

import { hostAndPort } from '../../../kit/addresses.ts';

// What hactl reads of the documents of the API. They may have more.

const vip = z.looseObject({ ip_address: z.string().nullable() });

export const balancer = z.looseObject({
  id: z.string(),
  name: z.string().nullable(),
  vip,
  enabled: z.boolean(),
  provisioning_status: z.string(),
  operating_status: z.string(),
});

export const listener = z.looseObject({
  id: z.string(),
  name: z.string().nullable(),
  protocol: z.string(),
  protocol_port: z.number(),
  enabled: z.boolean(),
  default_pool_id: z.string().nullable(),
  provisioning_status: z.string(),
  operating_status: z.string(),
});

export const pool = z.looseObject({
  id: z.string(),
  name: z.string().nullable(),
  protocol: z.string(),
  lb_algorithm: z.string(),
  enabled: z.boolean(),
  operating_status: z.string(),
});

export const member = z.looseObject({
  id: z.string(),
  ip_address: z.string(),
  protocol_port: z.number(),
  weight: z.number(),
  enabled: z.boolean(),
  operating_status: z.string(),
});

export const monitor = z.looseObject({
  type: z.string(),
  delay: z.number(),
  timeout: z.number(),
  fall_threshold: z.number(),
  rise_threshold: z.number(),
});

/** Our own route: what the nodes say of a load balancer, and what is to be done about it. */
export const status = z.looseObject({
  nodes: z.array(
    z.looseObject({
      name: z.string(),
      is_master: z.boolean(),
      is_reachable: z.boolean(),
      wanted: z.string().nullable(),
      running: z.string().nullable(),
      heard_seconds_ago: z.number().nullable(),
      error: z.string().nullable(),
    }),
  ),
  troubles: z.array(z.string()),
  last_error: z.string().nullable(),
  next_try_at: z.string().nullable(),
  attempts: z.number(),
});

export const node = z.looseObject({
  id: z.number(),
  name: z.string(),
  is_reachable: z.boolean(),
  is_draining: z.boolean(),
  balancers: z.number(),
  networks: z.array(z.string()),
  troubles: z.array(z.string()),
});

export const secret = z.looseObject({
  id: z.string(),
  subject: z.string(),
  names: z.array(z.string()),
  expires_at: z.string(),
});

export const orphan = z.looseObject({ node: z.number(), name: z.string(), id: z.string() });

export type ShownBalancer = z.output<typeof balancer>;
export type ShownListener = z.output<typeof listener>;
export type ShownPool = z.output<typeof pool>;
export type ShownMember = z.output<typeof member>;
export type ShownMonitor = z.output<typeof monitor>;
export type ShownStatus = z.output<typeof status>;
export type ShownNode = z.output<typeof node>;

/** Names are optional in the API. */
export function nameOf({ name, id }: { name: string | null; id: string }): string {
  return name === null || name === '' ? id : name;
}

export function hostOf({ ip_address: address, protocol_port: port }: ShownMember): string {
  return hostAndPort(address, port);
}
