import { randomUUID } from 'node:crypto';

import type { Random } from '../../random.ts';

/** What a load balancer of a client is to be, as far as the storm changes it. */
export interface Model {
  name: string;
  /** By the port of each listener. */
  limits: Readonly<Record<string, number>>;
  /** By the address of each member. */
  weights: Readonly<Record<string, number>>;
}

/** The ids of one load balancer, which the client chooses. */
export interface Ids {
  balancer: string;
  pool: string;
  /** By the port of each listener. */
  listeners: Map<string, string>;
  /** By the address of each member. */
  members: Map<string, string>;
}

/** A request, and what the load balancer is when it is done; undefined if it is gone. */
export interface Change {
  method: 'POST' | 'PUT' | 'DELETE';
  path: string;
  body?: object;
  after: Model | undefined;
}

export const newIds = (): Ids => ({
  balancer: randomUUID(),
  pool: randomUUID(),
  listeners: new Map(),
  members: new Map(),
});

/** The id of a port or of an address; a new one for each that is made again. */
function idIn(ids: Map<string, string>, key: string, isNew: boolean): string {
  const id = isNew ? randomUUID() : (ids.get(key) ?? randomUUID());
  ids.set(key, id);
  return id;
}

const pathOf = ({ balancer }: Ids): string => `/v1/loadbalancers/${balancer}`;

/** A new load balancer, as a tree with a listener and two members. */
export function creation(ids: Ids, name: string, subnet: string): Change {
  const members = ['10.8.0.1', '10.8.0.2'];
  const limits = { 80: 100 };
  const pool = {
    ...{ id: ids.pool, protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN' },
    members: members.map((address) => memberBody(ids, address, 1)),
  };
  const listener = { ...listenerBody(ids, '80', 100), default_pool: pool };
  return {
    ...{ method: 'POST', path: '/v1/loadbalancers' },
    body: {
      ...{ id: ids.balancer, name, tenant_id: 'storm', vip: { subnet_id: subnet } },
      listeners: [listener],
    },
    after: { name, limits, weights: Object.fromEntries(members.map((each) => [each, 1])) },
  };
}

const listenerBody = (ids: Ids, port: string, limit: number): object => ({
  ...{ id: idIn(ids.listeners, port, true), protocol: 'HTTP', protocol_port: Number(port) },
  connection_limit: limit,
});

const memberBody = (ids: Ids, address: string, weight: number): object => ({
  ...{ id: idIn(ids.members, address, true), ip_address: address, protocol_port: 80, weight },
});

const without = <T>(all: Readonly<Record<string, T>>, key: string): Record<string, T> =>
  Object.fromEntries(Object.entries(all).filter(([each]) => each !== key));

const maxListeners = 4;
const maxMembers = 5;

/** A change of a load balancer that is there. */
export function nextChange(random: Random, ids: Ids, now: Model): Change {
  const path = pathOf(ids);
  const pick = (keys: readonly string[]): string =>
    keys[Math.floor(random() * keys.length)] as string;
  const [ports, addresses] = [Object.keys(now.limits), Object.keys(now.weights)];
  const number = 1 + Math.floor(random() * 200);
  const dice = random();
  if (dice < 0.08) return { method: 'DELETE', path: `${path}/delete_cascade`, after: undefined };
  if (dice < 0.2) {
    const name = `renamed-${number}`;
    return { method: 'PUT', path, body: { name }, after: { ...now, name } };
  }
  if (dice < 0.35 && ports.length < maxListeners) {
    const port = String(8000 + number);
    if (!ports.includes(port)) {
      return {
        ...{ method: 'POST', path: `${path}/listeners`, body: listenerBody(ids, port, number) },
        after: { ...now, limits: { ...now.limits, [port]: number } },
      };
    }
  }
  if (dice < 0.55) {
    const port = pick(ports);
    const listener = `${path}/listeners/${idIn(ids.listeners, port, false)}`;
    if (random() < 0.3 && port !== '80') {
      return {
        ...{ method: 'DELETE', path: listener },
        after: { ...now, limits: without(now.limits, port) },
      };
    }
    return {
      ...{ method: 'PUT', path: listener, body: { connection_limit: number } },
      after: { ...now, limits: { ...now.limits, [port]: number } },
    };
  }
  const members = `${path}/pools/${ids.pool}/members`;
  if (addresses.length < 2 || (dice < 0.75 && addresses.length < maxMembers)) {
    const address = `10.8.1.${number}`;
    if (!addresses.includes(address)) {
      return {
        ...{ method: 'POST', path: members, body: memberBody(ids, address, number) },
        after: { ...now, weights: { ...now.weights, [address]: number } },
      };
    }
  }
  const address = pick(addresses);
  const member = `${members}/${idIn(ids.members, address, false)}`;
  if (random() < 0.3 && addresses.length > 1) {
    return {
      ...{ method: 'DELETE', path: member },
      after: { ...now, weights: without(now.weights, address) },
    };
  }
  return {
    ...{ method: 'PUT', path: member, body: { weight: number } },
    after: { ...now, weights: { ...now.weights, [address]: number } },
  };
}
