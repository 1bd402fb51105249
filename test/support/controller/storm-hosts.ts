import { readJoinToken } from '../../../src/controller/certificates/join-tokens.ts';
import { askToJoin } from '../../../src/controller/nodes/join-client.ts';
import { Fault } from '../../../src/kit/fault.ts';
import { joinPath } from '../../../src/routes/controller/join.ts';
import type { LocalStatus } from '../../../src/routes/controller/local.ts';
import type { Random } from '../random.ts';
import type { ControllerPlace, ControllerProcess } from './process.ts';

/** Hosts that join and are removed, with tokens that may be used once. */
export interface HostClient {
  run(controller: ControllerProcess): Promise<void>;
  /** @returns the complaints */
  verify(controller: ControllerProcess): Promise<string[]>;
  answered(): number;
}

interface Attempt {
  name: string;
  token: string;
}

/** @param request a certificate request, which all of these hosts use */
export function makeHostClient(
  place: ControllerPlace,
  random: Random,
  request: string,
): HostClient {
  const url = new URL(`https://127.0.0.1:${place.port}`);
  const joined = new Map<string, { id: number; token: string }>();
  const usedIds = new Set<number>();
  const complaints: string[] = [];
  let unused: string | undefined;
  let pending: Attempt | undefined;
  let removing: string | undefined;
  let made = 0;
  let answered = 0;

  /** @returns the sentence of a refusal, or undefined if it has joined. Throws if there is no answer. */
  async function join({ name, token: text }: Attempt): Promise<string | undefined> {
    const token = readJoinToken(text);
    if (token === undefined) throw new Error(`${text} is no token`);
    const machine = Buffer.from(name).toString('hex').padEnd(64, '0');
    const body = { secret: token.secret, name, machine, request, host: '127.0.0.1', port: 1 };
    try {
      const { id } = await askToJoin(url, joinPath, token, { ...body, interfaces: [] });
      if (usedIds.has(id)) complaints.push(`the node id ${id} was given out twice`);
      usedIds.add(id);
      joined.set(name, { id, token: text });
      return undefined;
    } catch (error) {
      if (error instanceof Fault && error.code === 'join_refused') return error.message;
      throw error;
    }
  }

  async function tokenBy({ ask }: ControllerProcess): Promise<string> {
    const answer = await ask({ method: 'POST', path: '/join-tokens', body: {} });
    return (answer as { token: string }).token;
  }

  async function nodesOf({ ask }: ControllerProcess): Promise<LocalStatus['nodes']> {
    return ((await ask({ method: 'GET', path: '/status' })) as LocalStatus).nodes;
  }

  async function step(controller: ControllerProcess): Promise<void> {
    const [oldest] = joined.keys();
    if (oldest !== undefined && joined.size > 3) {
      const { id } = joined.get(oldest) as { id: number };
      removing = oldest;
      const removal = {
        method: 'POST',
        path: '/node-removals',
        body: { id, is_lost: true },
      } as const;
      await controller.ask(removal);
      removing = undefined;
      joined.delete(oldest);
    } else if (unused === undefined) {
      unused = await tokenBy(controller);
    } else {
      made += 1;
      pending = { name: `j${made}`, token: unused };
      unused = undefined;
      const why = await join(pending);
      if (why !== undefined) complaints.push(`${pending.name} was refused: ${why}`);
      pending = undefined;
    }
    answered += 1;
  }

  /** A host whose answer did not come: either it is a node and its token is used, or nothing is so. */
  async function settle(attempt: Attempt, isThere: boolean): Promise<void> {
    const other = { ...attempt, name: `${attempt.name}-again` };
    const why = await join(other);
    if (isThere && !/used already/.test(why ?? ''))
      complaints.push(`the token of ${attempt.name} was used twice: ${why ?? 'it joined'}`);
    if (!isThere && why !== undefined)
      complaints.push(`the token of ${attempt.name} was used up by nobody: ${why}`);
  }

  return {
    async run(controller) {
      try {
        for (;;) {
          await step(controller);
          if (random() < 0.1) await nodesOf(controller);
        }
      } catch (error) {
        if (!controller.hasEnded() && !isGone(error)) complaints.push(String(error));
      }
    },
    async verify(controller) {
      const nodes = await nodesOf(controller);
      const isNode = (name: string) => nodes.some((each) => each.name === name);
      if (removing !== undefined && !isNode(removing)) joined.delete(removing);
      removing = undefined;
      if (pending !== undefined) {
        const [attempt, found] = [pending, nodes.find(({ name }) => name === pending?.name)];
        pending = undefined;
        await settle(attempt, found !== undefined);
        if (found) joined.set(attempt.name, { id: found.id, token: attempt.token });
        if (found) usedIds.add(found.id);
      }
      const now = await nodesOf(controller);
      for (const [name, { id }] of joined) {
        const found = now.filter((each) => each.name === name && each.id === id);
        if (found.length !== 1) complaints.push(`the node ${name} is there ${found.length} times`);
      }
      for (const { name } of now) {
        if (/^j\d/.test(name) && !joined.has(name))
          complaints.push(`the node ${name} is there, and has not joined or was removed`);
      }
      return complaints.splice(0);
    },
    answered: () => answered,
  };
}

function isGone(error: unknown): boolean {
  return (
    error instanceof Fault &&
    ['controller_unreachable', 'controller_not_running', 'controller_unresponsive'].includes(
      error.code,
    )
  );
}
