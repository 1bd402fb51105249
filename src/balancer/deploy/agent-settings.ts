import { Fault } from '../../kit/fault.ts';
import { hostAndPort } from '../../kit/addresses.ts';

/** What the controller decides about the agent of a node. */
export interface AgentSettings {
  /** The id of the amphora, which agents do not let change. */
  amphora: string;
  /** Where its port is, which counts after the next start of the agent. */
  port: number;
  /** Where heartbeats go: one to each in turn. */
  receivers: readonly { address: string; port: number }[];
  /** 16 to 128 letters, digits and `+ / = _ -`. */
  heartbeatKey: string;
  intervalSeconds: number;
}

/**
 * The file amphora-agent.conf of a node (docs/amphora.md). Its topology is SINGLE: VIPs come by keepalived groups.
 * Faults: `invalid_config` for a value that would change the meaning of the file
 */
export function textOf(settings: AgentSettings): string {
  const { amphora, port, receivers, heartbeatKey, intervalSeconds } = settings;
  const isSound =
    /^[A-Za-z0-9_.-]{1,64}$/.test(amphora) &&
    // oslo.config replaces what follows a dollar.
    /^[A-Za-z0-9+/=_-]{16,128}$/.test(heartbeatKey) &&
    receivers.every(({ address }) => /^[0-9a-fA-F.:]{2,45}$/.test(address)) &&
    [port, intervalSeconds].every((each) => Number.isInteger(each) && each > 0);
  if (!isSound) {
    throw new Fault(
      'invalid_config',
      'The settings of heartbeats cannot be written for an agent. The key has 16 to 128 letters, digits and + / = _ -, and receivers are IP addresses with a port.',
    );
  }
  const list = receivers.map((each) => hostAndPort(each.address, each.port)).join(', ');
  return [
    '[haproxy_amphora]',
    `bind_port = ${port}`,
    '',
    '[health_manager]',
    `controller_ip_port_list = ${list}`,
    `heartbeat_interval = ${intervalSeconds}`,
    `heartbeat_key = ${heartbeatKey}`,
    '',
    '[amphora_agent]',
    `amphora_id = ${amphora}`,
    '',
    '[controller_worker]',
    'loadbalancer_topology = SINGLE',
    '',
  ].join('\n');
}
