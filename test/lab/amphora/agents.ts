import { readFile } from 'node:fs/promises';
import type { LabNode } from '../lab.ts';
import type { AgentConfiguration } from './agent-configuration.ts';
import { agentConfigurationText } from './agent-configuration.ts';
import type { Trust } from './certificates.ts';
import type { AgentKind } from './record.ts';

/** Writes what an amphora gets from its controller when it is made: configuration and certificates. */
export async function configureAgent(
  node: LabNode,
  trust: Trust,
  configuration: AgentConfiguration,
): Promise<void> {
  const server = trust.servers.get(configuration.amphoraId);
  if (server === undefined) {
    throw new Error(`There is no certificate of ${configuration.amphoraId}.`);
  }
  const folder = '/etc/octavia/certs';
  await node.run(['mkdir', '-p', folder]);
  await node.writeFile(`${folder}/server.pem`, await readFile(server.pem), 0o600);
  await node.writeFile(`${folder}/client_ca.pem`, await readFile(trust.authority.certificate));
  const text = agentConfigurationText(configuration);
  await node.writeFile('/etc/octavia/amphora-agent.conf', text, 0o600);
}

/** Octavia's own agent, without the rest of its image: a unit like that of diskimage-create. */
const octaviaUnit = `[Unit]
Description=OpenStack Octavia Amphora Agent
After=network.target
[Service]
ExecStart=/usr/bin/amphora-agent --config-file /etc/octavia/amphora-agent.conf
KillMode=mixed
Restart=always
PIDFile=/run/octavia-amphora-agent.pid
[Install]
WantedBy=multi-user.target
`;

/** What an image of Octavia has. */
const octaviaFolders = [
  '/etc/octavia/interfaces',
  '/var/lib/octavia/certs',
  '/var/lib/octavia/vrrp',
];

/** The image's settings, which amphora-netns.service reads into the namespace: a standby binds the VIP without it. */
const octaviaSysctls = `net.ipv4.ip_forward = 1
net.ipv4.ip_nonlocal_bind = 1
net.ipv6.conf.all.forwarding = 1
net.ipv6.ip_nonlocal_bind = 1
`;

/** Starts the agent of a node by its unit, now and at each boot. */
export async function startAgent(node: LabNode, kind: AgentKind): Promise<void> {
  if (kind === 'octavia') {
    await node.writeFile('/etc/systemd/system/amphora-agent.service', octaviaUnit);
    // The script of the package octavia-agent is for UDP only, which this kernel cannot do. Without it, plug fails
    await node.writeFile('/usr/bin/octavia-agent-lvs-masquerade', '#!/bin/sh\n', 0o755);
    await node.run(['mkdir', '-p', ...octaviaFolders]);
    await node.writeFile('/etc/sysctl.d/99-amphora.conf', octaviaSysctls);
    const groupFile = '/var/lib/octavia/haproxy-default-user-group.conf';
    await node.writeFile(groupFile, 'global\n    group nogroup\n');
    await node.run(['systemctl', 'daemon-reload']);
    await node.run(['systemctl', 'enable', '--quiet', '--now', 'amphora-agent.service']);
  } else if (kind === 'ours') {
    await node.run(['systemctl', 'enable', '--quiet', '--now', 'ha-amphora.service']);
  }
}
