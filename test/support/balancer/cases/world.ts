import { randomUUID } from 'node:crypto';

import { expect } from 'chai';

import type { TestBalancer } from '../domain.ts';
import type { Method, OperatorAnswer, OperatorBench } from '../operator-bench.ts';

/** What a case works with: the routes over a domain, and a tenant of its own. */
export interface World {
  bench: OperatorBench;
  host: TestBalancer;
  project: string;
  /** A load balancer that is ACTIVE. */
  lb: string;
  /** Its path below /v1. */
  base: string;
}

/** A case of the suite of the recorded service, by our own title. */
export type Case = readonly [title: string, run: (world: World) => Promise<unknown>];
/** By the file and the name that the suite has for it. */
export type Cases = Readonly<Record<string, Case>>;

export async function makeWorld(bench: OperatorBench, host: TestBalancer): Promise<World> {
  const project = randomUUID();
  const lb = randomUUID();
  const world = { bench, host, project, lb, base: `/loadbalancers/${lb}` };
  await done(world, 'post', '/loadbalancers', {
    id: lb,
    vip: { subnet_id: randomUUID() },
    project_id: project,
  });
  return world;
}

/** Sends a change that is accepted, and lets it succeed. */
export async function done(
  { bench, host, lb }: World,
  method: Method,
  path: string,
  body?: object,
): Promise<OperatorAnswer> {
  const answer = await bench.ask(method, path, body);
  expect(answer.status, `${method} ${path} ${answer.text}`).to.equal(202);
  await host.finish(lb);
  return answer;
}

export async function refused(
  { bench }: World,
  [method, path, body]: readonly [Method, string, object?],
  status: number,
  faultstring: string | RegExp,
): Promise<void> {
  const answer = await bench.ask(method, path, body);
  expect(answer.status, answer.text).to.equal(status);
  expect(answer.body['faultcode']).to.equal(status < 500 ? 'Client' : 'Server');
  if (typeof faultstring === 'string') expect(answer.body.faultstring).to.equal(faultstring);
  else expect(answer.body.faultstring).to.match(faultstring);
}

export async function shown({ bench }: World, path: string): Promise<OperatorAnswer['body']> {
  const answer = await bench.ask('get', path);
  expect(answer.status, answer.text).to.equal(200);
  return answer.body;
}

export async function listed(world: World, path: string): Promise<Record<string, unknown>[]> {
  return (await shown(world, path)) as unknown as Record<string, unknown>[];
}

/** Makes every change of the load balancer be refused: one is under way. */
export async function keepBusy(
  { bench, host, base }: World,
  how: 'PENDING_UPDATE' | 'PENDING_DELETE',
): Promise<void> {
  host.deployer.hold();
  const method = how === 'PENDING_UPDATE' ? 'put' : 'delete';
  const path = how === 'PENDING_UPDATE' ? base : `${base}/delete_cascade`;
  const answer = await bench.ask(
    method,
    path,
    how === 'PENDING_UPDATE' ? { name: 'x' } : undefined,
  );
  expect(answer.status).to.equal(202);
}

export function immutable({ lb }: World): string {
  return `Load Balancer ${lb} is immutable and cannot be updated.`;
}

/** The objects above one kind, made for a case. */
export interface Above {
  path: string;
  /** The pool or policy above, for sentences. */
  pool: string;
  listener: string;
}

/** What cases of every kind below a load balancer need to know of it. */
export interface Kind {
  file: string;
  noun: string;
  /** Such as `Listener`, in sentences. */
  said: string;
  /** Makes what is above, and returns the path of the collection. */
  above: (world: World) => Promise<string>;
  good: () => object;
  change: object;
  bad: object;
  badSentence: RegExp;
  badChange: object;
  badChangeSentence: RegExp;
  /** What makes a second object different from the first. */
  other?: () => object;
  /** Whether it is the one of its pool, so that its path is the collection's. */
  isSingle?: boolean;
}

export async function listenerOf(world: World, more: object = {}): Promise<string> {
  const sent = { protocol: 'HTTP', protocol_port: 80, ...more };
  return (await done(world, 'post', `${world.base}/listeners`, sent)).body.id;
}

export async function poolOf(world: World, more: object = {}, below = world.base): Promise<string> {
  const sent = { protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', ...more };
  return (await done(world, 'post', `${below}/pools`, sent)).body.id;
}
