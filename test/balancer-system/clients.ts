import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { type Clients, requestsOf, startClients } from '../amphora-bench/clients.ts';
import { ask, askMember, type Seen } from '../amphora-system/bench.ts';
import type { BalancerLab } from '../lab/balancer/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import type { Balancer } from './making.ts';

/** What a member says of a request. */
export interface SeenWhole extends Seen {
  /** How many requests of clients it has had, with this one. */
  count: number;
  url: string;
  from: string;
  /** The client that the PROXY protocol names. */
  client?: string;
  isEncrypted: boolean;
}

export const askWhole = async (
  lab: BalancerLab,
  url: string,
  ...args: string[]
): Promise<SeenWhole> => (await askMember(lab, url, ...args)) as SeenWhole;

/** The members that answer so many requests, one after another, each on a connection of its own. */
export async function membersOf(
  lab: BalancerLab,
  url: string,
  count: number,
  ...args: string[]
): Promise<string[]> {
  const members: string[] = [];
  for (let at = 0; at < count; at += 1) members.push((await askMember(lab, url, ...args)).member);
  return members;
}

/** Waits until the listener on a port answers with 200. */
export async function untilServes(lab: BalancerLab, balancer: Balancer, port = 80): Promise<void> {
  await waitUntil(
    `${balancer.address} to serve on port ${port}`,
    async () => (await ask(lab, balancer.url(port))).status === 200,
  );
}

/** Runs work while clients ask by new connections, kept ones and downloads. None of their requests may fail. */
export async function underLoad(
  lab: BalancerLab,
  address: string,
  work: () => Promise<unknown>,
): Promise<void> {
  const clients: Clients = startClients(lab, {
    ...{ address, port: 80, perSecond: 20, timeoutMs: 10_000 },
    ...{ kept: 5, downloads: 2, download: { bytes: 1_000_000, ms: 200 } },
  });
  await sleep(2000);
  try {
    await work();
    await sleep(2000);
  } finally {
    await clients.stop();
  }
  const kinds = ['new', 'kept', 'download'] as const;
  const requests = kinds.flatMap((kind) => requestsOf(clients.events, kind));
  expect(requests.filter(({ failure }) => failure !== undefined)).to.deep.equal([]);
  expect(requests).to.have.length.above(50);
}
