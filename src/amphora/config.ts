import * as z from 'zod';

import { apiVersions } from './amphora.ts';

/** The file of these keys. */
export const amphoraConfigFile = '/etc/ha-agent/amphora.json';

/**
 * What this host decides about its amphora. What the controller decides is in amphora-agent.conf, which the controller
 * replaces.
 */
export const amphoraConfig = z.strictObject({
  namespace: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'expected the name of a network namespace')
    .nullable()
    .default('amphora-haproxy')
    .describe(
      "Network namespace of haproxy, keepalived and the VIPs; null means the host's own. It cannot change while anything is configured.",
    ),
  versions: z
    .array(z.enum(apiVersions))
    .default([...apiVersions])
    .describe(
      'The versions of the API that are offered; none means that this host is a node of a controller only.',
    ),
  client_names: z
    .array(z.string().min(1))
    .nullable()
    .default(null)
    .describe(
      'Common names of the client certificates that are accepted; null means each certificate that agent_server_ca has signed.',
    ),
});

export type AmphoraConfig = Readonly<z.output<typeof amphoraConfig>>;
