import { readConfig } from '../../../kit/config/read.ts';
import { statIfThere } from '../../../kit/files/files.ts';
import { type NodeConfig, nodeConfig, nodeConfigFile } from '../../../node/config.ts';

/** The prefix of the variables that override the keys of node.json. */
export const nodePrefix = 'HA_NODE_';
export const nodeFileVariable = 'HA_NODE_CONFIG';

/**
 * What this host decides about itself as a node of a controller.
 * @returns undefined if it has not joined one
 * @throws Fault `invalid_config`
 */
export async function loadNodeConfig(
  environment: NodeJS.ProcessEnv,
): Promise<NodeConfig | undefined> {
  const file = environment[nodeFileVariable] ?? nodeConfigFile;
  if ((await statIfThere(file)) === undefined) return undefined;
  return readConfig(nodeConfig, Object.keys(nodeConfig.shape), environment, {
    file: nodeConfigFile,
    prefix: nodePrefix,
    fileVariable: nodeFileVariable,
  });
}
