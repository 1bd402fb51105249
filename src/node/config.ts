import * as z from 'zod';

/** The file of these keys. Without it and without amphora-agent.conf, ha-amphora is off. */
export const nodeConfigFile = '/etc/ha-agent/node.json';

/** What this host decides about itself as a node of a controller. Joining writes it. */
export const nodeConfig = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'expected 1 to 64 letters, digits, _, . or -')
    .describe('Name of this host in the controller.'),
  controller: z
    .string()
    .nullable()
    .default(null)
    .describe('Address of the controller that it joined; for people.'),
  bind_host: z
    .string()
    .default('::')
    .describe('Address of the port, if there is no amphora-agent.conf; :: means all.'),
  bind_port: z
    .number()
    .int()
    .min(1)
    .max(65_535)
    .default(9443)
    .describe('Port for the controller, if there is no amphora-agent.conf.'),
  include_keepalived: z
    .boolean()
    .default(false)
    .describe(
      "Whether /etc/keepalived/keepalived.conf becomes a part of the configuration. The host's own keepalived.service has to be stopped and disabled.",
    ),
});

export type NodeConfig = Readonly<z.output<typeof nodeConfig>>;
