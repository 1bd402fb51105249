import type { LabNode } from '../lab/lab.ts';

/** The port of the service on each host. */
export const servicePort = 4242;

/** Answers each question at the virtual addresses with it and the name of the host. */
const program = `
  const [port, name, ...addresses] = process.argv.slice(2);
  for (const address of addresses) {
    const socket = require('node:dgram').createSocket('udp4');
    socket.on('message', (question, { address: to, port: at }) => {
      socket.send(question + ' ' + name, at, to, () => undefined);
    });
    socket.bind(Number(port), address);
  }
`;

const unit = 'measured-service.service';
const file = '/usr/local/lib/measured-service.cjs';

/** It runs while another host has the address, and after a boot before keepalived does. */
const unitText = (argv: readonly string[]): string => `[Unit]
Before=ha-keepalived.service
[Service]
ExecStartPre=/bin/sh -c 'echo 1 > /proc/sys/net/ipv4/ip_nonlocal_bind'
ExecStart=${argv.join(' ')}
Restart=always
RestartSec=200ms
[Install]
WantedBy=multi-user.target
`;

/** Starts the service of a host at these addresses, now and after each boot. */
export async function startService(node: LabNode, ...addresses: string[]): Promise<void> {
  await node.writeFile(file, program);
  const argv = ['/usr/lib/ha-agent/node', file, `${servicePort}`, node.name, ...addresses];
  await node.writeFile(`/etc/systemd/system/${unit}`, unitText(argv));
  await node.run(['systemctl', 'enable', '--quiet', '--now', unit]);
}
