import { readFile } from 'node:fs/promises';

import { type AgentConfig, readAgentConfig } from '../../../amphora/agent/config.ts';
import { type AmphoraConfig, amphoraConfig, amphoraConfigFile } from '../../../amphora/config.ts';
import { type AmphoraPaths, debianAmphoraPaths } from '../../../amphora/paths.ts';
import { readConfig } from '../../../kit/config/read.ts';
import { Fault } from '../../../kit/fault.ts';
import { ifThere } from '../../../kit/files/files.ts';

/** The prefix of the variables that override the keys of amphora.json. */
export const amphoraPrefix = 'HA_AMPHORA_';
export const amphoraFileVariable = 'HA_AMPHORA_CONFIG';

/** What this host decides about its amphora. @throws Fault `invalid_config` */
export function loadAmphoraConfig(environment: NodeJS.ProcessEnv): Promise<AmphoraConfig> {
  return readConfig(amphoraConfig, Object.keys(amphoraConfig.shape), environment, {
    file: amphoraConfigFile,
    prefix: amphoraPrefix,
    fileVariable: amphoraFileVariable,
  });
}

/**
 * What the controller decides, which is in amphora-agent.conf.
 * Faults: `invalid_config`, `agent_config_refused`
 */
export async function loadAgentConfig(file = debianAmphoraPaths.agentConfig): Promise<AgentConfig> {
  const config = await loadAgentConfigIfThere(file);
  if (config === undefined) {
    throw new Fault(
      'invalid_config',
      `There is no ${file}. docs/amphora.md says what to write there.`,
    );
  }
  return config;
}

/** The same, or undefined if there is no such file. Faults: `agent_config_refused` */
export async function loadAgentConfigIfThere(
  file = debianAmphoraPaths.agentConfig,
): Promise<AgentConfig | undefined> {
  const bytes = await ifThere(readFile(file));
  return bytes && readAgentConfig(bytes);
}

/** The files of the amphora. The controller says where those are that it names in its uploads. */
export function amphoraPaths({ basePath, certificates }: AgentConfig): AmphoraPaths {
  return { ...debianAmphoraPaths, base: basePath, certificates };
}
