import { createHash, X509Certificate } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';

import { readAgentConfig } from '../../../amphora/agent/config.ts';
import type { Joined } from '../../../controller/nodes/join.ts';
import type { NodeInterface } from '../../../controller/nodes/nodes.ts';
import { type Run, runToSuccess } from '../../../kit/exec.ts';
import { Fault } from '../../../kit/fault.ts';
import {
  makeFolder,
  readFileIfThere,
  readTextIfThere,
  replaceFile,
  statIfThere,
} from '../../../kit/files/files.ts';
import type { LoadBalancerFiles } from './load-balancers.ts';

/** The files of a node. ha-amphora reads them. */
export interface HostFiles extends LoadBalancerFiles {
  /** The folder of the key, the certificate and the authority. */
  credentials: string;
  config: string;
  machineId: string;
}

export const debianHostFiles: HostFiles = {
  credentials: '/etc/ha-agent/node',
  config: '/etc/ha-agent/node.json',
  agentConfig: '/etc/octavia/amphora-agent.conf',
  amphoraConfig: '/etc/ha-agent/amphora.json',
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
   * Faults: `already_joined`, `agent_config_refused`
   */
  port(isTrusted: (certificate: X509Certificate) => boolean): Promise<number>;
  facts(): Promise<{ name: string; machine: string; interfaces: NodeInterface[] }>;
  /** Makes a key, which stays here. Faults: `tool_failed`, `no_space`, those of Run */
  request(name: string): Promise<{ request: string; key: string }>;
  /** Writes what makes ha-amphora a node of that controller. Faults: `no_space` */
  store(joined: Joined, key: string, config: { name: string; controller: string }): Promise<void>;
}

const usualPort = 9443;

export function makeJoiningHost(run: Run, files: HostFiles = debianHostFiles): JoiningHost {
  const inFolder = (name: string) => join(files.credentials, name);
  return {
    async refuseJoined() {
      if (!(await statIfThere(inFolder('certificate.pem')))) return;
      throw new Fault(
        'already_joined',
        `This host is a node already: ${files.config} says of which controller. Take it out there with 'hactl node remove'; if that controller is lost, remove the folder ${files.credentials} here, then try again.`,
      );
    },
    async port(isTrusted) {
      const bytes = await readFileIfThere(files.agentConfig);
      if (bytes === undefined) return usualPort;
      const { serverCa, bindPort } = readAgentConfig(bytes);
      const pem = await readTextIfThere(serverCa);
      // Without an authority, the port trusts nobody else: a former join has written that file.
      if (pem === undefined || isTrusted(new X509Certificate(pem))) return bindPort;
      throw new Fault(
        'already_joined',
        `${files.agentConfig} makes this host an amphora of another controller, and its port trusts that controller's authority (${serverCa}). Nothing was changed; let another host join, or stop ha-amphora and move that file away.`,
      );
    },
    async facts() {
      const machine = (await readTextIfThere(files.machineId))?.trim() ?? '';
      return {
        name: hostname().slice(0, 64),
        // The id itself is confidential (machine-id(5)).
        machine: createHash('sha256').update(`ha-agent node ${machine}`).digest('hex'),
        interfaces: interfacesOfThisHost(),
      };
    },
    async request(name) {
      await makeFolder(files.credentials);
      const keyFile = inFolder('joining-key.pem');
      const curve = ['-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
      try {
        const request = await runToSuccess(
          run,
          {
            argv: [
              ...(['openssl', 'req', '-new', '-newkey', 'ec', ...curve] as const),
              ...['-subj', `/CN=${name}`, '-keyout', keyFile],
            ],
            deadlineMs: 20_000,
          },
          "openssl could not make a certificate request. Its own message is in 'stderr'.",
        );
        return { request, key: await readFile(keyFile, 'utf8') };
      } finally {
        await rm(keyFile, { force: true });
      }
    },
    async store({ certificate, authority }, key, { name, controller }) {
      const former = jsonOf(await readTextIfThere(files.config));
      const content = JSON.stringify({ ...former, name, controller }, null, 2);
      await replaceFile(inFolder('key.pem'), key, 0o600);
      await replaceFile(inFolder('authority.pem'), authority, 0o644);
      // ha-amphora starts when this one is there, so it comes after the others.
      await replaceFile(inFolder('certificate.pem'), certificate, 0o644);
      await replaceFile(files.config, `${content}\n`, 0o644);
    },
  };
}

/** What an administrator wrote there stays. */
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
