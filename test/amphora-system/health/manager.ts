import { agentConfigurationText } from '../../lab/amphora/agent-configuration.ts';
import type { Driver } from '../../lab/amphora/driver.ts';
import type { AmphoraLab, AmphoraNode } from '../../lab/amphora/lab.ts';

/** A heartbeat as Octavia's health manager took it, and what it wrote to its database for it. */
export interface Judged {
  /** When the kernel received it, in seconds since 1970. */
  at: number;
  from: string;
  /** The port of the controller that got it. */
  port: number;
  bytes: number;
  /** The id of the amphora; null if the health manager refused the heartbeat. */
  amphora: string | null;
  ver: number | null;
  seq: number | null;
  listeners: string[];
  /** Whether the life of the amphora was renewed. */
  isAlive: boolean;
  /** Operating states that changed: kind, id, state. */
  updates: [kind: string, id: string, state: string][];
  /** By listener, whether its statistics were added (`increment`) or set (`replace`). */
  written: Record<string, 'increment' | 'replace'>;
  warnings: string[];
}

/** What Octavia's database has counted of a listener of an amphora. */
export interface Statistics {
  listener: string;
  amphora: string;
  bytes_in: number;
  bytes_out: number;
  total_connections: number;
  request_errors: number;
  active_connections: number;
}

/** The health manager of a driver, with a database of its own. */
export interface HealthManager {
  /** From now on its database has the driver's load balancer. */
  define(provisioning?: 'ACTIVE' | 'PENDING_UPDATE'): Promise<void>;
  /** The next heartbeats, without those that came before. These are taken as well, because each has what no other has. */
  next(count: number): Promise<Judged[]>;
  /** What has come since the last call. */
  taken(): Promise<Judged[]>;
  /** Takes heartbeats until these amphorae have sent so many each. */
  nextOfEach(count: number): Promise<Judged[]>;
  states(): Promise<Record<string, string>>;
  /** The sums of a listener over all amphorae. */
  sums(listener: string): Promise<Omit<Statistics, 'listener' | 'amphora'>>;
  useKey(key: string): void;
  close(): Promise<void>;
}

export const defaultPort = 5555;

/** Starts the health manager of a driver in the management network. */
export async function startHealthManager(
  lab: AmphoraLab,
  driver: Driver,
  ports: readonly number[] = [defaultPort],
): Promise<HealthManager> {
  let key = lab.heartbeatKey;
  const resultOf = async <T>(step: string, more: object = {}): Promise<T> =>
    (await driver.play({ do: step, ...more })).result as T;
  const judge = (count?: number) =>
    resultOf<Judged[]>('judge_heartbeats', { key, ...(count !== undefined && { count }) });

  await driver.play({ do: 'manage_health', address: lab.controller, ports });
  return {
    define: (provisioning = 'ACTIVE') => resultOf('define', { provisioning_status: provisioning }),
    async next(count) {
      await judge();
      return judge(count);
    },
    taken: () => judge(),
    async nextOfEach(count) {
      await judge();
      const found: Judged[] = [];
      const isEnough = ({ id }: AmphoraNode) =>
        found.filter(({ amphora }) => amphora === id).length >= count;
      while (!lab.nodes.every(isEnough)) found.push(...(await judge(1)));
      return found;
    },
    states: () => resultOf('operating_states'),
    async sums(listener) {
      const all = await resultOf<Statistics[]>('statistics');
      const own = all.filter((each) => each.listener === listener);
      const sum = (name: keyof Omit<Statistics, 'listener' | 'amphora'>) =>
        own.reduce((total, each) => total + each[name], 0);
      return {
        bytes_in: sum('bytes_in'),
        bytes_out: sum('bytes_out'),
        total_connections: sum('total_connections'),
        request_errors: sum('request_errors'),
        active_connections: sum('active_connections'),
      };
    },
    useKey: (next) => {
      key = next;
    },
    async close() {
      for (const port of ports) await driver.play({ do: 'lose_controller', port });
    },
  };
}

/** The configuration of an agent that differs from that of the lab in how it sends heartbeats. */
export interface BeatWish {
  ports?: readonly number[];
  key?: string;
  intervalSeconds?: number;
}

/** Lets the driver upload the configuration of an agent. Without a wish it is that of the lab. */
export async function configureBeats(
  lab: AmphoraLab,
  driver: Driver,
  amphora: number,
  { ports = [defaultPort], key = lab.heartbeatKey, intervalSeconds = 3 }: BeatWish = {},
): Promise<{ end: number }> {
  const text = agentConfigurationText({
    amphoraId: lab.nodes[amphora]?.id ?? '',
    controllers: ports.map((port) => `${lab.controller}:${port}`),
    heartbeatKey: key,
    heartbeatInterval: intervalSeconds,
    topology: lab.topology,
  });
  const step = await driver.play({ do: 'update_amphora_agent_config', text, amphora });
  return { end: step.began + step.ms / 1000 };
}
