import { expect } from 'chai';

import type { Driver, StepResult } from '../lab/amphora/driver.ts';
import type { AmphoraLab, AmphoraNode } from '../lab/amphora/lab.ts';
import { tenant } from '../lab/amphora/networks.ts';
import { waitUntil } from '../lab/wait.ts';

/** The lab, as soon as it is up. */
export type Bench = () => AmphoraLab;

/** Pulls all cards of the tenants out, as when a controller unplugs them. */
export async function pullPorts(lab: AmphoraLab): Promise<void> {
  for (const node of lab.nodes) {
    for (const port of await node.ports()) await node.pull(port);
  }
}

/** A lab that has clients. */
export type WithClients = Pick<AmphoraLab, 'inClient'>;

export interface HttpAnswer {
  /** 0 if none came. */
  status: number;
  redirect: string;
  body: string;
  /** What curl says when there is no answer. */
  error: string;
}

/** Asks from the namespace of the clients, with further arguments for curl. */
export async function ask(lab: WithClients, url: string, ...args: string[]): Promise<HttpAnswer> {
  const { stdout, stderr } = await lab.inClient([
    ...(['curl', '-sS', '--max-time', '10', '-w', '\n%{http_code} %{redirect_url}'] as const),
    ...args,
    url,
  ]);
  const lines = stdout.trimEnd().split('\n');
  const [status = '', redirect = ''] = (lines.pop() ?? '').split(' ');
  return { status: Number(status), redirect, body: lines.join('\n'), error: stderr.trim() };
}

/** What a member says of a request that came to it. */
export interface Seen {
  member: string;
  headers: Record<string, string>;
}

/** The same, for an answer that a member has to give. */
export async function askMember(lab: WithClients, url: string, ...args: string[]): Promise<Seen> {
  const { status, body, error } = await ask(lab, url, ...args);
  expect(status, `${url}: ${error} ${body}`).to.equal(200);
  return JSON.parse(body) as Seen;
}

export const vipUrl = (port: number, path = '/'): string =>
  `http://${tenant.vip.address}:${port}${path}`;

/** Sends a line to an echo behind the VIP, and returns what comes: the name of the member, then the line. */
export async function askEcho(
  lab: WithClients,
  port: number,
  line: string,
  address: string = tenant.vip.address,
): Promise<string[]> {
  const script = `exec 3<>/dev/tcp/${address}/${port}; read -r -t 10 a <&3; echo "$0" >&3; read -r -t 10 b <&3; echo "$a"; echo "$b"`;
  const { stdout } = await lab.inClient(['bash', '-c', script, line]);
  return stdout.trim().split('\n');
}

export async function waitForService(lab: AmphoraLab, port: number): Promise<void> {
  await waitUntil(
    `the VIP to serve on port ${port}`,
    async () => (await ask(lab, vipUrl(port))).status === 200,
    { deadlineMs: 90_000 },
  );
}

/** Asks the worker of a load balancer through the socket of its master, which may ask everything. */
export async function askHaproxy(node: AmphoraNode, id: string, command: string): Promise<string> {
  const program = `import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode() + b'\\n')
s.shutdown(socket.SHUT_WR)
sys.stdout.write(s.makefile().read())`;
  const path = `/var/lib/octavia/${id}/master.sock`;
  return node.run(['python3', '-c', program, path, `@1 ${command}`]);
}

/**
 * Checks that no request failed. Drivers ask for certificates before they upload them, and delete what may be gone:
 * only for these 404 is an answer like any other.
 */
export function expectNoFailure(driver: Driver): void {
  for (const step of driver.history) {
    expect(failuresOf(step), step.step).to.deep.equal([]);
    expect(step.retries, `repetitions in ${step.step}`).to.equal(0);
  }
}

function failuresOf({ error, exchanges, listenerFailures }: StepResult): string[] {
  const failed = exchanges.filter(({ method, path, status = 0 }) => {
    if (status >= 200 && status < 300) return false;
    return !(status === 404 && method !== 'PUT' && path.includes('/certificates/'));
  });
  return [
    ...(error === undefined ? [] : [error]),
    ...listenerFailures,
    ...failed.map((each) => `${each.method} ${each.path}: ${each.status ?? ''} ${each.body ?? ''}`),
  ];
}
