import * as z from 'zod';

import { alphornConfig } from '../../alphorn/config.ts';
import { changesConfig } from '../../changes/config.ts';
import { clusterConfig } from '../../cluster/config.ts';
import { commonConfig } from '../../kit/config/common.ts';
import { readConfig } from '../../kit/config/read.ts';
import { certificateWithKey, serverConfig } from '../../server/config.ts';

/**
 * The keys of the configuration, in the sections of their users. ha-agent.json(5) and the table in the README are made
 * from it.
 */
export const configSchema = z
  .strictObject({
    ...serverConfig.shape,
    ...commonConfig.shape,
    ...changesConfig.shape,
    ...clusterConfig.shape,
    ...alphornConfig.shape,
  })
  .refine(certificateWithKey.isMet, certificateWithKey);

export type Config = Readonly<z.output<typeof configSchema>>;

/**
 * The configuration of this host's services and of `hactl`; see readConfig.
 * @throws Fault `invalid_config`
 */
export function loadConfig(environment: NodeJS.ProcessEnv): Promise<Config> {
  return readConfig(configSchema, Object.keys(configSchema.shape), environment);
}
