import { setTimeout as sleep } from 'node:timers/promises';

import type { Gateway } from '../gateway-system/bench.ts';
import { now } from './asks.ts';
import { interval } from './outages.ts';
import { answering } from './watching.ts';

/** When nobody could reach a host. */
export interface Away {
  index: number;
  from: number;
  to: number;
}

/** Something that happens to the hosts of a group. */
export interface Act {
  name: string;
  title: string;
  /** How often it is chosen, compared with the others. */
  weight: number;
  /** Whether it may happen to the host of the controller. */
  mayHurtController: boolean;
  /** @returns when the host was out of reach, if it was */
  play(gateway: Gateway, group: number, index: number): Promise<Away | undefined>;
}

const kill =
  (signal: string, who: string): Act['play'] =>
  async ({ lab }, _group, index) => {
    await lab.nodes[index]?.run([
      ...(['systemctl', 'kill', `--kill-who=${who}`, `--signal=${signal}`] as const),
      'ha-keepalived.service',
    ]);
    return undefined;
  };

/** Makes another host the best one. */
const prefer: Act['play'] = async ({ ids, lab, ...gateway }, group, index) => {
  const nodes = ids.map((node, at) => ({
    ...{ node, interface: lab.interface, interval },
    priority: at === index ? 200 : 100 + Math.floor(Math.random() * 90),
  }));
  await gateway.call('PUT', `/1/virtual_groups/${group}`, { real_nodes: nodes });
  return undefined;
};

const cut: Act['play'] = async ({ lab }, _group, index) => {
  const node = lab.nodes[index];
  const from = now();
  await node?.cut();
  // Half of them are longer than a report counts.
  await sleep(Math.random() < 0.5 ? 4000 + Math.random() * 4000 : 18_000);
  await node?.mend();
  return { index, from, to: await answering(node?.address ?? '') };
};

const crash: Act['play'] = async ({ lab }, _group, index) => {
  const node = lab.nodes[index];
  const from = now();
  await node?.crash();
  await sleep(Math.random() * 5000);
  const [to] = await Promise.all([answering(node?.address ?? ''), node?.boot()]);
  return { index, from, to };
};

export const acts: readonly Act[] = [
  {
    name: 'prefer',
    title: 'other priorities by the API',
    weight: 40,
    mayHurtController: true,
    play: prefer,
  },
  {
    name: 'stop',
    title: 'SIGTERM of a keepalived',
    weight: 25,
    mayHurtController: true,
    play: kill('TERM', 'main'),
  },
  {
    name: 'kill',
    title: 'SIGKILL of a keepalived',
    weight: 15,
    mayHurtController: true,
    play: kill('KILL', 'all'),
  },
  {
    name: 'network',
    title: 'a network is cut',
    weight: 10,
    mayHurtController: false,
    play: cut,
  },
  { name: 'power', title: 'a power is cut', weight: 10, mayHurtController: false, play: crash },
];

export interface Chosen {
  act: Act;
  index: number;
}

/** @param random from 0 to 1 */
export function chooseAct(hosts: number, random: () => number = Math.random): Chosen {
  const all = acts.reduce((sum, { weight }) => sum + weight, 0);
  let left = random() * all;
  const act = acts.find(({ weight }) => (left -= weight) < 0);
  if (act === undefined) throw new RangeError('the random number is not below 1');
  const first = act.mayHurtController ? 0 : 1;
  return { act, index: first + Math.floor(random() * (hosts - first)) };
}
