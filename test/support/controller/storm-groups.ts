import { isDeepStrictEqual } from 'node:util';

import { withoutPrefix } from '../../../src/kit/ip.ts';
import type { Random } from '../random.ts';
import { type ApiAnswer, askApi, type ControllerPlace } from './process.ts';

/** A group as the API shows it. */
export interface ShownGroup {
  id: number;
  name: string;
  status: number;
  virtual_ip: string;
  router_id: number;
  real_nodes: { node: number; interface: string; priority: number; interval: number }[];
}

/** What a client has asked for. */
interface Wish {
  name: string;
  virtual_ip: string;
  status: number;
  real_nodes: { node: number; interface: string; priority: number; interval: number }[];
}

/** A request whose answer did not come. */
interface Pending {
  method: 'POST' | 'PUT' | 'DELETE';
  path: string;
  body: Wish | undefined;
  key: string | undefined;
  name: string;
}

/** A caller that changes groups of its own, one request after another. */
export interface GroupClient {
  /** Sends requests until one is not answered. */
  run(): Promise<void>;
  /**
   * Compares what it was answered with what is there, and repeats a request that had a key.
   * @returns the complaints
   */
  verify(shown: () => Promise<readonly ShownGroup[]>): Promise<string[]>;
  answered(): number;
}

const collection = '/1/virtual_groups';

/** Reads all groups. */
export async function readGroups(place: ControllerPlace): Promise<ShownGroup[]> {
  const answer = await askApi(place, { method: 'GET', path: `${collection}?page_size=1000` });
  if (answer?.status !== 200) throw new Error(`No groups: ${JSON.stringify(answer?.body)}`);
  return (answer.body.data as { data: ShownGroup[] }).data;
}

/**
 * @param number of this client, from which its names and addresses come
 * @param usedIds all ids that were given out, shared by all clients
 */
export function makeGroupClient(
  place: ControllerPlace,
  random: Random,
  { number, nodes, usedIds }: { number: number; nodes: readonly number[]; usedIds: Set<number> },
): GroupClient {
  const owned = new Map<string, { id: number; wish: Wish }>();
  let pending: Pending | undefined;
  let made = 0;
  let keys = 0;
  let answered = 0;
  const complaints: string[] = [];

  const wishOf = (name: string, address: number): Wish => ({
    name,
    virtual_ip: `10.9.${number + 10}.${address}`,
    status: random() < 0.8 ? 1 : 2,
    real_nodes: nodes.map((node) => ({
      node,
      interface: 'eth0',
      priority: 1 + Math.floor(random() * 254),
      interval: 1,
    })),
  });

  function next(): Pending {
    const names = [...owned.keys()];
    const name = names[Math.floor(random() * names.length)];
    const key = random() < 0.5 ? `${number}-${(keys += 1)}` : undefined;
    if (name === undefined || (names.length < 4 && random() < 0.4)) {
      made += 1;
      const fresh = `c${number}-${made}`;
      const body = wishOf(fresh, made);
      return { method: 'POST', path: collection, body, key, name: fresh };
    }
    const { id, wish } = owned.get(name) as { id: number; wish: Wish };
    const path = `${collection}/${id}`;
    if (random() < 0.25) return { method: 'DELETE', path, body: undefined, key, name };
    const body = { ...wishOf(name, 0), virtual_ip: wish.virtual_ip };
    return { method: 'PUT', path, body, key, name };
  }

  function learn({ method, body, name }: Pending, answer: ApiAnswer): void {
    answered += 1;
    if (answer.status !== 200) return;
    if (method === 'DELETE') owned.delete(name);
    if (body === undefined) return;
    if (method === 'PUT') owned.set(name, { id: owned.get(name)?.id ?? 0, wish: body });
    if (method !== 'POST') return;
    const { id } = answer.body.data as { id: number };
    if (usedIds.has(id)) complaints.push(`the id ${id} was given out twice`);
    usedIds.add(id);
    owned.set(name, { id, wish: body });
  }

  async function send(request: Pending): Promise<ApiAnswer | undefined> {
    const { method, path, body, key } = request;
    return askApi(place, { method, path, body, ...(key !== undefined && { key }) });
  }

  /** What a request without an answer may have left. */
  function isPossible(request: Pending, former: Wish | undefined, now: Wish | undefined): boolean {
    const { method, body } = request;
    const offline = former && { ...former, status: 2 };
    const allowed = method === 'DELETE' ? [former, offline, undefined] : [former, body];
    return allowed.some((each) => isDeepStrictEqual(each, now));
  }

  function settle(request: Pending, groups: readonly ShownGroup[]): void {
    const { name, method } = request;
    const found = groups.find((each) => each.name === name);
    const now = found && wishIn(found);
    if (!isPossible(request, owned.get(name)?.wish, now))
      complaints.push(`${method} of ${name} left ${JSON.stringify(now)}`);
    if (found === undefined) owned.delete(name);
    else {
      owned.set(name, { id: found.id, wish: wishIn(found) });
      usedIds.add(found.id);
    }
  }

  /** A repetition changes nothing that was done, and never does it twice. */
  async function repeat(request: Pending): Promise<void> {
    const answer = await send(request);
    const { name, method } = request;
    if (answer === undefined) {
      complaints.push(`the repeated ${method} of ${name} got no answer`);
      return;
    }
    if (answer.body.code === 'outcome_unknown') return;
    if (answer.status !== 200) {
      // It was not done, and now cannot be: its nodes do not answer yet.
      if (![404, 409, 503].includes(answer.status))
        complaints.push(`the repeated ${method} of ${name}: ${JSON.stringify(answer.body)}`);
      return;
    }
    const known = owned.get(name)?.id;
    const id = (answer.body.data as { id: number } | undefined)?.id;
    if (method === 'POST' && known !== undefined && id !== known)
      complaints.push(`the repeated POST of ${name} answers ${id ?? '-'} instead of ${known}`);
    if (method === 'POST' && known === undefined) learn(request, answer);
    if (method === 'PUT' && request.body) owned.set(name, { id: known ?? 0, wish: request.body });
    if (method === 'DELETE') owned.delete(name);
  }

  return {
    async run() {
      for (;;) {
        const request = next();
        const answer = await send(request);
        if (answer === undefined) {
          pending = request;
          return;
        }
        learn(request, answer);
      }
    },
    async verify(shown) {
      const request = pending;
      pending = undefined;
      if (request) {
        settle(request, await shown());
        if (request.key !== undefined) await repeat(request);
      }
      const groups = await shown();
      for (const [name, { id, wish }] of owned) {
        const found = groups.filter((each) => each.name === name);
        const [first] = found;
        if (found.length !== 1 || first === undefined || first.id !== id)
          complaints.push(`${name} (${id}) is there ${found.length} times`);
        else if (!isDeepStrictEqual(wishIn(first), wish))
          complaints.push(
            `${name} was answered ${JSON.stringify(wish)} and is ${JSON.stringify(wishIn(first))}`,
          );
      }
      for (const { name } of groups.filter((each) => each.name.startsWith(`c${number}-`))) {
        if (!owned.has(name)) complaints.push(`${name} is there, and was not made or was deleted`);
      }
      return complaints.splice(0);
    },
    answered: () => answered,
  };
}

function wishIn(group: ShownGroup): Wish {
  return {
    name: group.name,
    virtual_ip: withoutPrefix(group.virtual_ip),
    status: group.status,
    real_nodes: group.real_nodes.map(({ node, interface: device, priority, interval }) => ({
      ...{ node, interface: device, priority, interval },
    })),
  };
}
