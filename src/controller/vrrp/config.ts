import * as z from 'zod';

import { parseSubnet } from '../../kit/ip.ts';

/** The keys of VRRP in the configuration of the controller. */
export const vrrpConfig = z.strictObject({
  segments: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'expected a name, such as "lan"'),
        networks: z
          .array(
            z
              .string()
              .refine(
                (text) => parseSubnet(text) !== undefined,
                'expected a network, such as "10.0.0.0/24"',
              ),
          )
          .min(1)
          .max(256),
      }),
    )
    .max(1000)
    .default([])
    .describe(
      'Layer 2 networks that have several IP networks, each with a name. Interfaces in one of the networks share router ids. By default, each IP network is a segment of its own.',
    ),
});
