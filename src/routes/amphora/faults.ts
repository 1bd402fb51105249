import type { FaultTable } from '../../server/fault-table.ts';

/**
 * The faults of the amphora API. The title is the `message` of the documents, and the fault's own message becomes
 * `details`. The drivers take only 400, 401, 403, 404, 405, 409, 500 and 503 for failures
 * (octavia/amphorae/drivers/haproxy/exceptions.py), so there is no other status.
 */
export const amphoraFaults = {
  amphora_request_invalid: { status: 400, title: 'Invalid request', exit: 'usage' },
  action_unknown: { status: 400, title: 'Invalid Request', exit: 'usage' },
  haproxy_config_refused: { status: 400, title: 'Invalid request', exit: 'refused' },
  keepalived_config_refused: { status: 400, title: 'Invalid request', exit: 'refused' },
  certificate_missing: { status: 400, title: 'No certificate found', exit: 'refused' },
  certificate_key_missing: { status: 400, title: 'No RSA key found', exit: 'refused' },
  certificate_mismatch: {
    status: 400,
    title: 'Certificate and key do not match',
    exit: 'refused',
  },
  certificate_refused: { status: 400, title: 'Invalid request', exit: 'refused' },
  agent_certificate_refused: { status: 400, title: 'Invalid request', exit: 'refused' },
  vip_invalid: { status: 400, title: 'Invalid VIP', exit: 'usage' },
  network_invalid: { status: 400, title: 'Invalid network port', exit: 'usage' },
  address_invalid: { status: 400, title: 'Bad IP address version', exit: 'usage' },
  topology_refused: { status: 400, title: 'Invalid request', exit: 'usage' },
  client_refused: { status: 401, title: 'Unauthorized', exit: 'refused' },
  listener_not_found: { status: 404, title: 'Listener Not Found', exit: 'refused' },
  loadbalancer_not_found: { status: 404, title: 'Loadbalancer Not Found', exit: 'refused' },
  udp_listener_not_found: { status: 404, title: 'UDP Listener Not Found', exit: 'refused' },
  certificate_not_found: { status: 404, title: 'Certificate Not Found', exit: 'refused' },
  port_not_found: {
    status: 404,
    title: 'No suitable network interface found',
    exit: 'refused',
  },
  interface_not_found: {
    status: 404,
    title: 'Error interface not found for IP address',
    exit: 'refused',
  },
  interface_exists: { status: 409, title: 'Interface already exists', exit: 'refused' },
  amphora_order_stale: { status: 409, title: 'Later orders were taken', exit: 'refused' },
  amphora_order_foreign: { status: 409, title: 'Another store orders this', exit: 'refused' },
  haproxy_not_started: { status: 500, title: 'Error starting haproxy', exit: 'failing' },
  haproxy_not_stopped: { status: 500, title: 'Error stopping haproxy', exit: 'failing' },
  haproxy_not_reloaded: { status: 500, title: 'Error reloading haproxy', exit: 'failing' },
  lvs_failed: { status: 500, title: 'Error controlling keepalivedlvs', exit: 'failing' },
  vip_plug_failed: { status: 500, title: 'Error plugging VIP', exit: 'failing' },
  port_plug_failed: { status: 500, title: 'Error plugging Port', exit: 'failing' },
  vrrp_upload_failed: {
    status: 500,
    title: 'Failed to upload keepalived configuration.',
    exit: 'failing',
  },
  keepalived_not_started: {
    status: 500,
    title: 'Failed to start keepalived service',
    exit: 'failing',
  },
  keepalived_not_stopped: {
    status: 500,
    title: 'Failed to stop keepalived service',
    exit: 'failing',
  },
  keepalived_not_reloaded: {
    status: 500,
    title: 'Failed to reload keepalived service',
    exit: 'failing',
  },
  agent_config_refused: { status: 400, title: 'Invalid request', exit: 'refused' },
  agent_config_failed: {
    status: 500,
    title: 'Unable to update amphora-agent configuration.',
    exit: 'failing',
  },
  certificates_not_in_memory: {
    status: 500,
    title: 'Certificates cannot be stored',
    exit: 'failing',
  },
  amphora_file_foreign: { status: 500, title: 'A foreign file is in the way', exit: 'failing' },
  amphora_not_running: {
    status: 503,
    title: 'ha-amphora does not run on this host',
    exit: 'unreachable',
  },
  amphora_unresponsive: {
    status: 503,
    title: 'ha-amphora does not answer correctly',
    exit: 'failing',
  },
  topology_transition: { status: 503, title: 'Topology transition in progress', exit: 'refused' },
} as const satisfies FaultTable;

declare module '../../kit/fault.ts' {
  interface FaultCodes extends Record<keyof typeof amphoraFaults, unknown> {}
}
