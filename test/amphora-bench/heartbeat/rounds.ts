import { setTimeout as sleep } from 'node:timers/promises';

import type { HealthManager, Statistics } from '../../amphora-system/health/manager.ts';
import type { Driver, Step } from '../../lab/amphora/driver.ts';
import type { AmphoraLab, AmphoraNode } from '../../lab/amphora/lab.ts';
import { tenant } from '../../lab/amphora/networks.ts';
import { waitUntil } from '../../lab/wait.ts';
import { type Counted, startCounting } from './traffic.ts';

/** What happens while the clients ask. */
export const roundKinds = ['calm', 'reloads', 'kills', 'stops', 'restarts', 'all'] as const;
export type RoundKind = (typeof roundKinds)[number];

export interface RoundParts {
  lab: AmphoraLab;
  driver: Driver;
  health: HealthManager;
  /** The load balancer, as a step of the driver, and the ids of its listeners for an echo and for HTTP. */
  balancer: Step;
  lb: string;
  tcp: { id: string; port: number };
  http: { id: string; port: number };
}

type Sums = Pick<Statistics, 'bytes_in' | 'bytes_out' | 'total_connections'>;

/** What clients counted, and what heartbeats added up to. */
export interface RoundResult {
  kind: RoundKind;
  seconds: number;
  events: number;
  counted: Omit<Counted, 'seconds'>;
  tcp: Sums;
  http: Sums;
  /** What haproxy itself counted of the listener for HTTP; only if none of its processes ended. */
  haproxyHttp?: Sums;
  /** The max number of bytes of connections by TCP that ended between two heartbeats, with a second for each of these. */
  intervalBytes: number;
}

const intervalSeconds = 3;
/** Between two events. */
const pauseMs = 8000;

/** Lets clients ask for some time, and compares. At its begin and end no connection is open. */
export async function playRound(
  parts: RoundParts,
  kind: RoundKind,
  seconds: number,
): Promise<RoundResult> {
  const { lab, health, tcp, http } = parts;
  await settled(parts);
  const sums = async () => [await health.sums(tcp.id), await health.sums(http.id)] as const;
  const own = () => haproxySums(parts);
  const [before, haproxyBefore] = [await sums(), await own()];
  const stop = startCounting(lab, {
    address: tenant.vip.address,
    tcpPort: tcp.port,
    httpPort: http.port,
    tcpPerSecond: 30,
    httpPerSecond: 20,
    long: 10,
  });
  const events = await disturb(parts, kind, seconds);
  const { seconds: received, ...counted } = await stop();
  await settled(parts);
  const [after, haproxyAfter] = [await sums(), await own()];
  const steps = received.map(
    (bytes, index) => (received[index + intervalSeconds + 2] ?? bytes) - bytes,
  );
  return {
    kind,
    seconds,
    events,
    counted,
    tcp: difference(before[0], after[0]),
    http: difference(before[1], after[1]),
    ...(kind === 'calm' && { haproxyHttp: difference(haproxyBefore, haproxyAfter) }),
    intervalBytes: Math.max(0, ...steps),
  };
}

/** @returns how many events there were */
async function disturb(parts: RoundParts, kind: RoundKind, seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1000;
  const what = eventsOf[kind];
  let count = 0;
  while (performance.now() < end) {
    await sleep(Math.min(pauseMs * (0.5 + Math.random()), Math.max(0, end - performance.now())));
    // Clients need some time after the last one.
    if (what.length === 0 || end - performance.now() < 2000) continue;
    await what[count % what.length]?.(parts);
    count += 1;
  }
  return count;
}

type Event = (parts: RoundParts) => Promise<unknown>;

let reloads = 0;

const reload: Event = async ({ lab, driver, balancer }) => {
  reloads += 1;
  const spec = balancer['spec'] as { listeners: readonly Record<string, unknown>[] };
  const listeners = spec.listeners.map((listener) => ({
    ...listener,
    timeout_client_data: 50_000 + reloads,
  }));
  await driver.play({ ...balancer, spec: { ...spec, listeners } });
  for (const amphora of lab.nodes.keys()) {
    await driver.play({ do: 'update_amphora_listeners', amphora });
  }
};

const kill: Event = async ({ lab }) => {
  for (const node of lab.nodes) {
    await node.run(['systemctl', 'kill', '--signal=KILL', 'ha-amphora.service']);
    await node.startAgent();
  }
};

const restart: Event = async ({ lab, lb }) => {
  for (const node of lab.nodes) await node.run(['systemctl', 'restart', `amphora-haproxy@${lb}`]);
};

/** By the API, as a controller does it. */
const stopAndStart: Event = async ({ lab, driver, lb }) => {
  for (const amphora of lab.nodes.keys()) {
    for (const action of ['stop', 'start']) {
      const path = `/1.0/loadbalancer/${lb}/${action}`;
      const { result } = await driver.play({ do: 'request', method: 'PUT', path, amphora });
      const { status, body } = result as { status: number; body: string };
      if (status !== 202) throw new Error(`${path}: ${status} ${body}`);
    }
  }
};

const eventsOf: Readonly<Record<RoundKind, readonly Event[]>> = {
  calm: [],
  reloads: [reload],
  kills: [kill],
  stops: [stopAndStart],
  restarts: [restart],
  all: [reload, kill, restart, reload, kill, stopAndStart],
};

/** Waits until heartbeats have reported all that is to be reported: no connection is open, and nothing is added. */
async function settled({ health, tcp, http }: RoundParts): Promise<void> {
  let last = '';
  await waitUntil('heartbeats to report all', async () => {
    await health.nextOfEach(1);
    const sums = [await health.sums(tcp.id), await health.sums(http.id)];
    const [now, before] = [JSON.stringify(sums), last];
    last = now;
    return now === before && sums.every(({ active_connections: open }) => open === 0);
  });
}

/** What the processes of all nodes have counted of the listener for HTTP. */
async function haproxySums({ lab, lb, http }: RoundParts): Promise<Sums> {
  const rows = await Promise.all(lab.nodes.map((node) => rowOf(node, lb, http.id)));
  const sum = (column: number) =>
    rows.reduce((total, cells) => total + Number(cells[column] ?? 0), 0);
  return { total_connections: sum(7), bytes_in: sum(8), bytes_out: sum(9) };
}

async function rowOf(node: AmphoraNode, lb: string, listener: string): Promise<string[]> {
  const program = `use Socket; socket(my $s, AF_UNIX, SOCK_STREAM, 0); connect($s, pack_sockaddr_un($ARGV[0])) or exit 1; syswrite $s, "show stat -1 1 -1\\n"; print while <$s>;`;
  const csv = await node.run(['perl', '-e', program, `/var/lib/octavia/${lb}.sock`]);
  return (
    csv
      .split('\n')
      .find((line) => line.startsWith(`${listener},`))
      ?.split(',') ?? []
  );
}

function difference(before: Sums, after: Sums): Sums {
  return {
    bytes_in: after.bytes_in - before.bytes_in,
    bytes_out: after.bytes_out - before.bytes_out,
    total_connections: after.total_connections - before.total_connections,
  };
}
