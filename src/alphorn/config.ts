import * as z from 'zod';

import { address, port } from '../kit/config/values.ts';

/** The port on which a host receives liferafts unless it is configured otherwise. */
export const defaultPeerPort = 8444;

/** The keys of Alphorn. */
export const alphornConfig = z.strictObject({
  peer_address: address
    .nullable()
    .default(null)
    .describe('Address to receive liferafts on; null means all addresses.'),
  peer_port: port.default(defaultPeerPort).describe('Port to receive liferafts on.'),
  liferaft_keep: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(5)
    .describe("How many generations of a host's liferaft are kept, including the latest."),
  liferaft_keep_hours: z
    .number()
    .int()
    .min(0)
    .max(168)
    .default(24)
    .describe('For how many hours one generation an hour is kept as well.'),
  liferaft_keep_days: z
    .number()
    .int()
    .min(0)
    .max(366)
    .default(7)
    .describe('For how many days one generation a day is kept as well.'),
  liferaft_most_bytes: z
    .number()
    .int()
    .min(1024 * 1024)
    .default(1024 ** 3)
    .describe('Maximum size in bytes of a liferaft that is received.'),
});

export type AlphornConfig = Readonly<z.output<typeof alphornConfig>>;
