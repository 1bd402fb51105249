/**
 * Where the agents of nodes store the files of a load balancer. Octavia's agent has the same places; their `base_path` and
 * `base_cert_dir` have to be the default ones, because the controller writes the paths into the files.
 */
const base = '/var/lib/octavia';

export const pingWrapper = `${base}/ping-wrapper.sh`;

export function statsSocket(balancer: string): string {
  return `${base}/${balancer}.sock`;
}

/** Where the agent stores the states of members before a reload. */
export function serversState(balancer: string): string {
  return `${base}/${balancer}/servers-state`;
}

/** A file that was uploaded as `loadbalancer/ID/certificates/NAME`. */
export function certificatePath(balancer: string, name: string): string {
  return `${base}/certs/${balancer}/${name}`;
}
