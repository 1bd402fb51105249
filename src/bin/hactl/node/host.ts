import { X509Certificate } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';

import { readAgentConfig } from '../../../amphora/agent/config.ts';
import { debianAmphoraPaths } from '../../../amphora/paths.ts';
import { amphoraConfigFile } from '../../../amphora/config.ts';
import type { Joined } from '../../../controller/nodes/join.ts';
import type { NodeInterface } from '../../../controller/nodes/nodes.ts';
import { readConfig } from '../../../kit/config/read.ts';
import type { Run } from '../../../kit/exec.ts';
import { Fault } from '../../../kit/fault.ts';
import {
  readFileIfThere,
  readTextIfThere,
  replaceFile,
  statIfThere,
} from '../../../kit/files/files.ts';
import { nodeConfig } from '../../../node/config.ts';
import { makeNodeCredentials } from '../../../node/credentials.ts';
import { machineHash } from '../../../node/machine.ts';
import { credentialFiles, debianNodePaths, type NodePaths } from '../../../node/paths.ts';
import { nodeFileVariable, nodePrefix } from '../../wiring/node/config.ts';
import type { LoadBalancerFiles } from './load-balancers.ts';

/** The files of a node. ha-amphora reads them. */
export interface HostFiles extends LoadBalancerFiles, Pick<NodePaths, 'config' | 'credentials'> {
  machineId: string;
}

export const debianHostFiles: HostFiles = {
  config: debianNodePaths.config,
  credentials: debianNodePaths.credentials,
  agentConfig: debianAmphoraPaths.agentConfig,
  amphoraConfig: amphoraConfigFile,
  haproxy: '/usr/sbin/haproxy',
  machineId: '/etc/machine-id',
};

/** The host that joins. */
export interface JoiningHost {
  /** Faults: `already_joined`, `agent_config_refused` */
  refuseJoined(): Promise<void>;
  /**
   * The port of ha-amphora, on which another authority may be trusted already.
   * @param isTrusted whether a certificate is that of the controller's authority
   * @returns the number of the port
   * Faults: `already_joined`, `agent_config_refused`, `invalid_config`
   */
  port(isTrusted: (certificate: X509Certificate) => boolean): Promise<number>;
  facts(): Promise<{ name: string; machine: string; interfaces: NodeInterface[] }>;
  /** Makes a key, which stays here. @returns a certificate request as PEM. Faults: those of NodeCredentials */
  request(name: string): Promise<string>;
  /**
   * Writes what makes ha-amphora a node of that controller, with the key of the last request.
   * Faults: `node_certificate_refused`, `no_space`
   */
  store(joined: Joined, config: { name: string; controller: string }): Promise<void>;
}

export function makeJoiningHost(run: Run, files: HostFiles = debianHostFiles): JoiningHost {
  const credentials = makeNodeCredentials(run, files);
  return {
    async refuseJoined() {
      if (!(await statIfThere(credentialFiles(files).certificate))) return;
      throw new Fault(
        'already_joined',
        `This host is a node already: ${files.config} says of which controller. Take it out there with 'hactl node remove'; if that controller is lost, remove the folder ${files.credentials} here, then try again.`,
      );
    },
    async port(isTrusted) {
      const { bind_port: ownPort } = await readOwnConfig(files.config);
      const bytes = await readFileIfThere(files.agentConfig);
      if (bytes === undefined) return ownPort;
      const { serverCa, bindPort } = readAgentConfig(bytes);
      const pem = await readTextIfThere(serverCa);
      // Without an authority, the port trusts nobody else: a former join has written that file.
      if (pem === undefined || isTrusted(new X509Certificate(pem))) return bindPort;
      throw new Fault(
        'already_joined',
        `${files.agentConfig} makes this host an amphora of another controller, and its port trusts that controller's authority (${serverCa}). Nothing was changed; let another host join, or stop ha-amphora and move that file away.`,
      );
    },
    facts: async () => ({
      name: hostname().slice(0, 64),
      machine: await machineHash(files.machineId),
      interfaces: interfacesOfThisHost(),
    }),
    request: (name) => credentials.request(name),
    async store(joined, { name, controller }) {
      await credentials.store(joined);
      // What an administrator wrote there stays.
      const former = jsonOf(await readTextIfThere(files.config));
      const content = JSON.stringify({ ...former, name, controller }, null, 2);
      await replaceFile(files.config, `${content}\n`, 0o644);
    },
  };
}

/**
 * What an administrator has written before this host joins. A file that ha-amphora would refuse is refused here already.
 * Faults: `invalid_config`
 */
function readOwnConfig(file: string) {
  const source = { file, prefix: nodePrefix, fileVariable: nodeFileVariable };
  const schema = nodeConfig.partial({ name: true });
  return readConfig(schema, Object.keys(nodeConfig.shape), {}, source);
}

function jsonOf(text: string | undefined): object {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}

function interfacesOfThisHost(): NodeInterface[] {
  return Object.entries(networkInterfaces())
    .filter(([name]) => name !== 'lo' && /^[A-Za-z0-9_.:-]{1,15}$/.test(name))
    .slice(0, 256)
    .map(([name, addresses = []]) => ({
      name,
      addresses: addresses.flatMap(({ cidr }) => cidr ?? []).slice(0, 100),
    }));
}
