import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { waitUntil } from '../../../lab/wait.ts';
import { askPlace, type ControllerPlace } from '../../controller/process.ts';
import type { Random } from '../../random.ts';
import { type Change, creation, type Ids, type Model, newIds, nextChange } from './model.ts';

interface Owned {
  ids: Ids;
  /** What was answered last; undefined if it is to be gone. */
  expected: Model | undefined;
  /** What a request without an answer may have made of it. */
  possible: Model | undefined | 'nothing';
}

/** A caller that changes load balancers of its own, one request after another. */
export interface BalancerClient {
  /** Sends requests until one is not answered. */
  run(): Promise<void>;
  /** Compares what it was answered with what is there. @returns the complaints */
  verify(): Promise<string[]>;
  answered(): number;
}

/** The longest time that a change may be PENDING after a start. */
const maxPendingMs = 10_000;
const maxBalancers = 3;

export function makeBalancerClient(
  place: ControllerPlace,
  random: Random,
  { number, subnet }: { number: number; subnet: string },
): BalancerClient {
  const all = new Map<string, Owned>();
  const complaints: string[] = [];
  let made = 0;
  let answered = 0;

  const get = async (path: string) => {
    const answer = await askPlace(place, { method: 'GET', path });
    if (answer === undefined) throw new Error(`GET ${path} was not answered`);
    return answer;
  };

  function next(): [Owned, Change] {
    const there = [...all.values()].filter(({ expected }) => expected !== undefined);
    const chosen = there[Math.floor(random() * there.length)];
    if (chosen?.expected === undefined || (there.length < maxBalancers && random() < 0.2)) {
      made += 1;
      const fresh: Owned = { ids: newIds(), expected: undefined, possible: 'nothing' };
      return [fresh, creation(fresh.ids, `b${number}-${made}`, subnet)];
    }
    return [chosen, nextChange(random, chosen.ids, chosen.expected)];
  }

  async function step(): Promise<boolean> {
    const [owned, { method, path, body, after }] = next();
    const { balancer } = owned.ids;
    const answer = await askPlace(place, { method, path, ...(body && { body }) });
    if (answer === undefined) {
      owned.possible = after;
      all.set(balancer, owned);
      return false;
    }
    answered += 1;
    if (answer.status === 202) {
      owned.expected = after;
      all.set(balancer, owned);
    } else if (answer.status === 409) await delay(5 + random() * 20);
    else if (answer.status !== 503) {
      complaints.push(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return true;
  }

  /** What is there; undefined if it is gone. */
  async function shownOf({ balancer, pool }: Ids): Promise<Model | undefined> {
    const path = `/v1/loadbalancers/${balancer}`;
    const { status, body } = await get(path);
    const shown = body as { name: string; provisioning_status: string };
    if (status === 404 || shown.provisioning_status === 'DELETED') return undefined;
    const listeners = (await get(`${path}/listeners`)).body as {
      protocol_port: number;
      connection_limit: number;
    }[];
    const members = (await get(`${path}/pools/${pool}/members`)).body as {
      ip_address: string;
      weight: number;
    }[];
    const limits = listeners.map((each) => [String(each.protocol_port), each.connection_limit]);
    return {
      name: shown.name,
      limits: Object.fromEntries(limits) as Record<string, number>,
      weights: Object.fromEntries(members.map((each) => [each.ip_address, each.weight])),
    };
  }

  /** Waits until nothing is PENDING, and has what failed tried again. */
  async function settle(id: string): Promise<void> {
    const path = `/v1/loadbalancers/${id}`;
    const statuses = async (): Promise<string[]> => {
      const { status, body } = await get(`${path}/status`);
      const text = status === 404 ? '' : JSON.stringify(body);
      return [...text.matchAll(/"provisioning_status":"(\w+)"/g)].map(([, word]) => word ?? '');
    };
    await waitUntil(
      `${id} not to be PENDING`,
      async () => !(await statuses()).some((word) => word.startsWith('PENDING')),
      { deadlineMs: maxPendingMs, everyMs: 50 },
    );
    // What is in ERROR is tried again at any moment, so both must be of one answer.
    const { body } = await get(`${path}/status`);
    if (!JSON.stringify(body).includes('"provisioning_status":"ERROR"')) return;
    const reason = (body as { last_error: string | null }).last_error;
    if (reason === null) complaints.push(`${id} is in ERROR without a reason`);
    await askPlace(place, { method: 'POST', path: `${path}/repair` });
    await waitUntil(
      `${id} to be repaired`,
      async () => (await statuses()).every((word) => word === 'ACTIVE' || word === 'DELETED'),
      { deadlineMs: 90_000, everyMs: 100 },
    );
  }

  return {
    async run() {
      while (await step());
    },
    async verify() {
      for (const [id, owned] of all) {
        try {
          await settle(id);
          const shown = await shownOf(owned.ids);
          const allowed = [
            owned.expected,
            ...(owned.possible === 'nothing' ? [] : [owned.possible]),
          ];
          if (!allowed.some((each) => isDeepStrictEqual(each, shown))) {
            complaints.push(
              `${id} is ${JSON.stringify(shown)} instead of ${JSON.stringify(allowed)}`,
            );
          }
          owned.expected = shown;
          owned.possible = 'nothing';
          if (shown === undefined) all.delete(id);
        } catch (error) {
          complaints.push((error as Error).message);
        }
      }
      return complaints.splice(0);
    },
    answered: () => answered,
  };
}
