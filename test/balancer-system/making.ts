import { waitUntil } from '../lab/wait.ts';
import { type Balancing, network } from './bench.ts';

/** An object as the API shows it. */
export interface Shown {
  id: string;
  provisioning_status?: string;
  operating_status: string;
}

export type Body = Readonly<Record<string, unknown>>;

/** A load balancer that a test has made, by one request after another. */
export interface Balancer {
  readonly id: string;
  readonly address: string;
  /** Below /v1. */
  readonly path: string;
  /** @returns the id */
  addListener(body: Body): Promise<string>;
  /** A pool that is the default one of a listener, or of none. @returns the id */
  addPool(listener: string | undefined, body?: Body): Promise<string>;
  /** @returns the id */
  addMember(pool: string, body: Body): Promise<string>;
  addMonitor(pool: string, body: Body): Promise<void>;
  /** Changes an object by its path below the load balancer's, such as `/pools/ID`. */
  put(path: string, body: Body): Promise<void>;
  delete(path: string): Promise<void>;
  read<T = Shown>(path: string): Promise<T>;
  /** Waits until an object has an operating status. */
  untilOperating(path: string, status: string): Promise<void>;
  /** Removes it with all that it has. */
  remove(): Promise<void>;
  /** Its address with a port, as URLs have it. */
  url(port: number, path?: string): string;
}

const idOf = (body: Record<string, unknown>): string => String(body['id']);

/** A limit that this place has descriptors for. */
export const connectionLimit = 500;

/** @param body of the load balancer, without its `vip` @param vip by default an IPv4 address that the controller chooses */
export async function makeBalancer(
  at: Balancing,
  body: Body = {},
  vip: Body = { subnet_id: network.subnet },
): Promise<Balancer> {
  const made = await at.change('POST', '/loadbalancers', { vip, tenant_id: 'tests', ...body });
  return balancerAt(at, made as unknown as { id: string; vip: { ip_address: string } });
}

/** A load balancer that is there. */
export function balancerAt(
  at: Balancing,
  { id, vip }: { id: string; vip: { ip_address: string } },
): Balancer {
  const path = `/loadbalancers/${id}`;
  const address = vip.ip_address;
  const read = <T = Shown>(below: string) => at.read<T>(`${path}${below}`);
  const host = address.includes(':') ? `[${address}]` : address;
  return {
    ...{ id, address, path, read },
    async addListener(body) {
      const settings = { connection_limit: connectionLimit, ...body };
      return idOf(await at.change('POST', `${path}/listeners`, settings));
    },
    async addPool(listener, body) {
      const settings = { protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', ...body };
      const place = listener === undefined ? {} : { listener_id: listener };
      return idOf(await at.change('POST', `${path}/pools`, { ...settings, ...place }));
    },
    async addMember(pool, body) {
      return idOf(await at.change('POST', `${path}/pools/${pool}/members`, body));
    },
    async addMonitor(pool, body) {
      await at.change('POST', `${path}/pools/${pool}/healthmonitor`, { ...quick, ...body });
    },
    async put(below, body) {
      await at.change('PUT', `${path}${below}`, body);
    },
    async delete(below) {
      await at.change('DELETE', `${path}${below}`);
    },
    untilOperating: (below, status) =>
      waitUntil(`${below || 'the load balancer'} to be ${status}`, async () => {
        return (await read(below)).operating_status === status;
      }),
    async remove() {
      await at.change('DELETE', `${path}/delete_cascade`);
    },
    url: (port, file = '/') => `http://${host}:${port}${file}`,
  };
}

/** A monitor that sees a change within a few seconds. */
export const quick = { delay: 1, timeout: 1, fall_threshold: 2, rise_threshold: 2 } as const;

export interface Simple extends Balancer {
  listener: string;
  pool: string;
  /** The ids of the members, in the order of the lab's. */
  members: readonly string[];
}

export interface SimpleWish {
  listener?: Body;
  pool?: Body;
  /** Undefined for none. */
  monitor?: Body | undefined;
  /** Indexes of the lab's members. */
  members?: readonly number[];
  member?: Body;
  vip?: Body;
}

/** A load balancer with one listener on port 80, one pool, one monitor and two members. */
export async function makeSimple(at: Balancing, wish: SimpleWish = {}): Promise<Simple> {
  const { members = [0, 1] } = wish;
  const balancer = await makeBalancer(at, {}, wish.vip);
  const listener = await balancer.addListener({
    ...{ protocol: 'HTTP', protocol_port: 80 },
    ...wish.listener,
  });
  const pool = await balancer.addPool(listener, wish.pool);
  if (!('monitor' in wish) || wish.monitor !== undefined) {
    await balancer.addMonitor(pool, wish.monitor ?? { type: 'HTTP', url_path: '/health' });
  }
  const ids: string[] = [];
  for (const index of members) {
    const address = at.lab.members[index]?.address;
    const settings = { ip_address: address, protocol_port: 80, ...wish.member };
    ids.push(await balancer.addMember(pool, settings));
  }
  return { ...balancer, listener, pool, members: ids };
}
