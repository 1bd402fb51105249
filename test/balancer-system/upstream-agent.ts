import { agentConfigurationText } from '../lab/amphora/agent-configuration.ts';
import { startAgent } from '../lab/amphora/agents.ts';
import type { BalancerLab } from '../lab/balancer/lab.ts';
import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';

const file = '/etc/octavia/amphora-agent.conf';
const certificates = '/etc/octavia/certs';
const identity = '/etc/ha-agent/node';
/** The namespace that Octavia's agent runs haproxy in. */
export const tenants = 'amphora-haproxy';

/**
 * Puts Octavia's own agent in the place of ours, on a host that has joined: with its certificate, its id, and the controller
 * that it knows.
 */
export async function becomeUpstream(
  lab: BalancerLab,
  node: LabNode,
  controller: LabNode,
): Promise<void> {
  const read = (path: string): Promise<string> => node.run(['cat', path]);
  const former = await read(file);
  const valueOf = (key: string): string | undefined =>
    new RegExp(`^${key} *= *(.*)$`, 'm').exec(former)?.[1];
  await node.run(['systemctl', 'disable', '--now', 'ha-amphora']);
  await node.run(['mkdir', '-p', certificates]);
  const own = (await read(`${identity}/certificate.pem`)) + (await read(`${identity}/key.pem`));
  await node.writeFile(`${certificates}/server.pem`, own, 0o600);
  await node.writeFile(`${certificates}/client_ca.pem`, await read(`${identity}/authority.pem`));
  const text = agentConfigurationText({
    amphoraId: valueOf('amphora_id') ?? node.name,
    controllers: [`${controller.address}:5555`],
    // The controller sends its own.
    heartbeatKey: valueOf('heartbeat_key') ?? 'the controller has another',
    heartbeatInterval: 1,
    topology: 'SINGLE',
  });
  await node.writeFile(file, text, 0o600);
  await startAgent(node, 'octavia');
  await waitUntil("Octavia's agent to listen", async () => {
    const { stdout } = await node.exec(['ss', '-Hltnp', 'sport', '=', ':9443']);
    return stdout.includes('amphora-agent') || stdout.includes('gunicorn');
  });
  await makeTenants(lab, node);
}

/** Makes what a controller with Neutron has the agent plug: the namespace, with a card in the network of the VIP. */
async function makeTenants(lab: BalancerLab, node: LabNode): Promise<void> {
  const device = 'eth1';
  const inside = ['ip', '-n', tenants] as const;
  await node.run(['ip', 'netns', 'add', tenants]);
  const card = ['name', device, 'netns', tenants, 'type', 'macvlan', 'mode', 'bridge'];
  await node.run(['ip', 'link', 'add', 'link', lab.interface, ...card]);
  await node.run([...inside, 'address', 'add', `${lab.address(60)}/24`, 'dev', device]);
  await node.run([...inside, 'link', 'set', 'lo', 'up']);
  await node.run([...inside, 'link', 'set', device, 'up']);
}

/** Gives the tenants' card an address, as this agent cannot by what the controller asks of it. */
export async function setVip(node: LabNode, address: string): Promise<void> {
  await node.run(['ip', '-n', tenants, 'address', 'add', `${address}/24`, 'dev', 'eth1']);
}
