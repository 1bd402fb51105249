import * as z from 'zod';

import { absolutePath, address, port } from '../kit/config/values.ts';

/** The keys of the listeners and of HTTP. */
export const serverConfig = z.strictObject({
  https_address: address
    .nullable()
    .default(null)
    .describe('Address to listen on with HTTPS; null means all addresses, including IPv6.'),
  https_port: port.default(8443).describe('Port for HTTPS.'),
  http_address: address
    .nullable()
    .default(null)
    .describe('Address to listen on with plain HTTP; null means all addresses.'),
  http_port: port
    .nullable()
    .default(null)
    .describe('Port for plain HTTP; null turns plain HTTP off.'),
  socket: absolutePath
    .default('/run/ha-agent/api.sock')
    .describe('Unix socket of the API, only for root and without a token.'),
  tls_certificate: absolutePath
    .nullable()
    .default(null)
    .describe(
      'PEM file with your own certificate; null means that the agent makes one. A replaced file is used within a minute.',
    ),
  tls_key: absolutePath
    .nullable()
    .default(null)
    .describe('PEM file with the key of tls_certificate; set both or neither.'),
  max_connections: z
    .number()
    .int()
    .min(16)
    .max(8192)
    .default(512)
    .describe(
      'Maximum number of connections from the network with a token; one token may have half of them.',
    ),
  max_unauthenticated_connections: z
    .number()
    .int()
    .min(16)
    .max(4096)
    .default(512)
    .describe(
      'Maximum number of connections without a token yet; one address may have a quarter of them.',
    ),
  max_requests: z
    .number()
    .int()
    .min(16)
    .max(8192)
    .default(512)
    .describe(
      'Maximum number of requests under way from the network; one token may have half of them.',
    ),
  powered_by: z
    .string()
    .regex(/^[\x20-\x7e]+$/, 'expected printable ASCII text')
    .default('OpenDrives')
    .describe('Value of the header X-Powered-By.'),
});

export type ServerConfig = Readonly<z.output<typeof serverConfig>>;

/** A rule about several keys. */
export const certificateWithKey = {
  isMet: ({
    tls_certificate,
    tls_key,
  }: Pick<ServerConfig, 'tls_certificate' | 'tls_key'>): boolean =>
    (tls_certificate === null) === (tls_key === null),
  path: ['tls_key'],
  message: 'expected tls_certificate and tls_key together, or neither',
};
