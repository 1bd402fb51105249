import * as z from 'zod';

import { absolutePath } from '../kit/config/values.ts';

/** The keys of keepalived groups in the configuration of the controller. */
export const gatewayConfig = z.strictObject({
  dns: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('noop') }),
      z.strictObject({
        type: z.literal('file'),
        path: absolutePath,
        format: z.enum(['hosts', 'zone']).default('hosts'),
        domain: z
          .string()
          .regex(/^[A-Za-z0-9_.-]{1,200}$/, 'expected a domain, such as "example.org"')
          .nullable()
          .default(null),
        ttl: z.number().int().min(1).max(86_400).default(60),
      }),
    ])
    .default({ type: 'noop' })
    .describe(
      'Where the names of groups with status 0 are published: a file in the format hosts or zone, or nowhere ("noop").',
    ),
});

export type GatewayConfig = Readonly<z.output<typeof gatewayConfig>>;
