import * as z from 'zod';

import { balancerConfig } from '../../../balancer/config.ts';
import { controllerConfig, controllerConfigFile } from '../../../controller/config.ts';
import { vrrpConfig } from '../../../controller/vrrp/config.ts';
import { gatewayConfig } from '../../../gateway/config.ts';
import { readConfig } from '../../../kit/config/read.ts';
import { certificateWithKey } from '../../../server/config.ts';

/** The prefix of the variables that override the keys of controller.json. */
export const controllerPrefix = 'HA_CONTROLLER_';
export const controllerFileVariable = 'HA_CONTROLLER_CONFIG';

/** The keys of controller.json, in the sections of their users. The documents are made from it. */
export const controllerSchema = z
  .strictObject({
    ...controllerConfig.shape,
    ...vrrpConfig.shape,
    ...gatewayConfig.shape,
    ...balancerConfig.shape,
  })
  .refine(certificateWithKey.isMet, certificateWithKey);

export type WholeControllerConfig = Readonly<z.output<typeof controllerSchema>>;

/** @throws Fault `invalid_config` */
export function loadControllerConfig(
  environment: NodeJS.ProcessEnv,
): Promise<WholeControllerConfig> {
  return readConfig(controllerSchema, Object.keys(controllerSchema.shape), environment, {
    file: controllerConfigFile,
    prefix: controllerPrefix,
    fileVariable: controllerFileVariable,
  });
}
