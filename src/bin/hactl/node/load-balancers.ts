import { dirname } from 'node:path';

import { readAgentConfig } from '../../../amphora/agent/config.ts';
import { amphoraConfig } from '../../../amphora/config.ts';
import { readConfig } from '../../../kit/config/read.ts';
import { Fault } from '../../../kit/fault.ts';
import { createFile, makeFolder, readFileIfThere, statIfThere } from '../../../kit/files/files.ts';
import { amphoraFileVariable, amphoraPrefix } from '../../wiring/amphora/config.ts';

/** What makes a node one that carries load balancers. */
export interface LoadBalancerFiles {
  /** The configuration of the agent. The controller adds the heartbeats to it. */
  agentConfig: string;
  /** What this host decides about its amphora. */
  amphoraConfig: string;
  haproxy: string;
}

/** The version of the amphora API that the controller speaks. */
const version = '1.0';

/**
 * Refuses a host that could not carry load balancers, before it joins.
 * @param name the name that it will have in the controller
 * Faults: `tool_missing`, `already_joined`, `agent_config_refused`, `invalid_config`
 */
export async function refuseWithoutLoadBalancers(
  files: LoadBalancerFiles,
  name: string,
): Promise<void> {
  if (!(await statIfThere(files.haproxy))) {
    throw new Fault(
      'tool_missing',
      `There is no ${files.haproxy}, which carries the traffic of load balancers. Nothing was changed: type 'apt-get install haproxy', then let this host join.`,
    );
  }
  const bytes = await readFileIfThere(files.agentConfig);
  const id = bytes && readAgentConfig(bytes).amphoraId;
  if (id !== undefined && id !== name) {
    throw new Fault(
      'already_joined',
      `${files.agentConfig} says that this host is the amphora '${id}', and the controller would know it as '${name}'. Nothing was changed: join with '--name ${id}', or move that file away.`,
    );
  }
  const { namespace, versions } = await readAmphoraConfig(files);
  if (namespace !== null) {
    throw new Fault(
      'already_joined',
      `${files.amphoraConfig} puts haproxy into the network namespace '${namespace}', where the addresses of load balancers are not. Nothing was changed: set "namespace" to null there, or move that file away.`,
    );
  }
  if (!versions.includes(version)) {
    throw new Fault(
      'already_joined',
      `${files.amphoraConfig} does not offer version ${version} of the amphora API, which the controller speaks. Nothing was changed: add it to "versions" there, or move that file away.`,
    );
  }
}

/**
 * Writes what ha-amphora needs to carry load balancers. A file that is there stays as it is.
 * Faults: `no_space`
 */
export async function writeLoadBalancerFiles(
  files: LoadBalancerFiles,
  name: string,
): Promise<void> {
  const agent = `# Written by 'hactl node join'. The controller adds the rest.\n[amphora_agent]\namphora_id = ${name}\n`;
  await createIfMissing(files.agentConfig, agent, 0o600);
  const own = JSON.stringify({ namespace: null, versions: [version] }, null, 2);
  await createIfMissing(files.amphoraConfig, `${own}\n`, 0o644);
}

/** With what the file will have, if it is not there yet. */
async function readAmphoraConfig({ amphoraConfig: file }: LoadBalancerFiles) {
  if (!(await statIfThere(file))) return amphoraConfig.parse({ namespace: null });
  return readConfig(amphoraConfig, Object.keys(amphoraConfig.shape), process.env, {
    file,
    prefix: amphoraPrefix,
    fileVariable: amphoraFileVariable,
  });
}

async function createIfMissing(path: string, content: string, mode: number): Promise<void> {
  if (await statIfThere(path)) return;
  await makeFolder(dirname(path));
  await createFile(path, content, mode);
}
