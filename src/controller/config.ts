import * as z from 'zod';

import { absolutePath, address, port } from '../kit/config/values.ts';

/** The file of these keys. Without it, ha-controller is off. */
export const controllerConfigFile = '/etc/ha-agent/controller.json';

const connections = z.number().int().min(16);

/** The keys of the controller itself. Its families add theirs. */
export const controllerConfig = z.strictObject({
  address: address
    .nullable()
    .default(null)
    .describe('Address to listen on; null means all addresses, including IPv6.'),
  port: port.default(9876).describe('Port for callers of the API, and for hosts that join.'),
  tls_certificate: absolutePath
    .nullable()
    .default(null)
    .describe(
      "PEM file with your own certificate; null means one that the controller's authority signs. A replaced file is used within a minute.",
    ),
  tls_key: absolutePath
    .nullable()
    .default(null)
    .describe('PEM file with the key of tls_certificate; set both or neither.'),
  state_directory: absolutePath
    .default('/var/lib/ha-controller')
    .describe(
      'Folder of the store. As a resource of Pacemaker, the controller starts only if it lies on a disk that the nodes of the cluster share.',
    ),
  max_connections: connections
    .max(8192)
    .default(512)
    .describe('Maximum number of connections with a token; one token may have half of them.'),
  max_unauthenticated_connections: connections
    .max(4096)
    .default(512)
    .describe(
      'Maximum number of connections without a token yet; one address may have a quarter of them.',
    ),
  max_requests: connections
    .max(8192)
    .default(512)
    .describe('Maximum number of requests under way; one token may have half of them.'),
});

export type ControllerConfig = Readonly<z.output<typeof controllerConfig>>;
