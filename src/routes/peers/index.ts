import type { Express, RequestHandler } from 'express';
import { z } from 'zod';

import type { PeerCallers } from '../../alphorn/peers/peer-callers.ts';
import {
  digestHeader,
  type Heartbeat,
  type HeartbeatAnswer,
  offsetHeader,
  peerRoutes,
  rebuiltHeader,
} from '../../alphorn/peers/peer-protocol.ts';
import { type CloneCheck, cloneOfThisHost } from '../../alphorn/receiving/clones.ts';
import { byRootHeader, type WhoSends, whoSendsOf } from '../../alphorn/peers/who-sends.ts';
import type { LiferaftReceiver } from '../../alphorn/receiving/receiver.ts';
import { Fault } from '../../kit/fault.ts';
import { makeChangeDetector } from '../../kit/log-changes.ts';
import type { Log } from '../../kit/log.ts';
import { setCaller } from '../../server/middleware/authenticate.ts';
import { asProblems } from '../../server/problem.ts';
import type { Family } from '../../server/table/family.ts';
import { type Call, type Reply, row } from '../../server/table/row.ts';
import { makeApp } from '../../server/table/serve.ts';

export interface PeersParts {
  callers: PeerCallers;
  receiver: LiferaftReceiver;
  clones: CloneCheck;
  /** This host; it may have no id. */
  self: () => Promise<{ id: string | undefined } & Pick<WhoSends, 'machine' | 'boot'>>;
  log: Log;
}

// Not with express-validator, as the API does: that is 8 MB, in a process of which the network sees more than of others.
const digest = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal');

const heartbeatSchema = z.strictObject({
  digest,
  lineage: z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 hexadecimal digits'),
  generation: z.number().int().min(1),
});

/** Of the headers, by their names in small letters. */
const liferaftSchema = z.object({
  [digestHeader]: digest,
  [rebuiltHeader]: z.literal('true', "must be 'true', or left out").optional(),
  [offsetHeader]: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, 'must be a number of bytes')
    .optional(),
  'content-length': z
    .string('must be the length of the liferaft')
    .regex(/^[1-9]\d{0,14}$/, 'must be the length of the liferaft'),
});

/** What other hosts may ask on the peer port. Each may say and send what concerns itself, and nothing else. */
export function makePeersApp({ callers, receiver, clones, self, log }: PeersParts): Express {
  const refusals = refusalLog(log);
  const ofPeer = { role: 'anyone', fields: {} } as const;
  const family: Family = {
    name: 'peers',
    title: 'What peers ask',
    bases: [''],
    signIn: [knowCaller(callers)],
    rows: [
      row({
        ...ofPeer,
        methods: ['POST'],
        path: peerRoutes.heartbeat,
        body: 'json',
        summary: 'Says which liferaft a host has, and answers whether it is here.',
        async handle(_values, call) {
          const heartbeat: Heartbeat = checked(heartbeatSchema, call.body);
          const { name: hostId } = call.caller();
          await refuseClones(call, hostId).catch((error: unknown) => {
            refusals.refused(hostId, error);
            throw error;
          });
          const { id: own } = await self();
          const heard = await hear(receiver, hostId, heartbeat.digest);
          return { body: { ...heard, ...(own !== undefined && { host: own }) } };
        },
      }),
      row({
        ...ofPeer,
        methods: ['PUT'],
        path: peerRoutes.liferaft,
        body: 'stream',
        summary: 'Takes in the liferaft of a host.',
        handle: (_values, call) => takeIn(call, call.caller().name),
      }),
    ],
    noSuchRoute: (path) => `There is no ${path} on the peer port.`,
    answerFault: asProblems(),
  };
  return makeApp({ log, families: [family], elsewhere: family });

  /** What root declared to count on its host is taken for the host once, when that is not known here yet. */
  async function refuseClones({ headers, from }: Call, hostId: string): Promise<void> {
    const who = whoSendsOf(headers);
    const own = await self();
    const isOther = who !== undefined && (who.machine !== own.machine || who.boot !== own.boot);
    if (hostId === own.id && isOther) throw cloneOfThisHost(hostId, who.name, from);
    const byRoot = headers[byRootHeader];
    const isByRoot = typeof byRoot === 'string' && !(await receiver.knows(hostId, byRoot));
    if (isByRoot || !(await receiver.knows(hostId))) return;
    await clones.check(hostId, who, from);
  }

  async function takeIn(call: Call, hostId: string): Promise<Reply> {
    const startedAt = performance.now();
    const headers = checked(liferaftSchema, call.headers);
    const offset = Number(headers[offsetHeader] ?? 0);
    const announced = {
      hostId,
      digest: headers[digestHeader],
      size: offset + Number(headers['content-length']),
      rebuilt: headers[rebuiltHeader] === 'true',
      offset,
    };
    try {
      await refuseClones(call, hostId);
      const { digest, generation } = await receiver.receive(announced, bodyOf(call));
      await clones.accept(hostId, whoSendsOf(call.headers), call.from);
      const ms = Math.round(performance.now() - startedAt);
      refusals.accepted(hostId);
      log.info({ host: hostId, generation, bytes: announced.size, ms }, 'liferaft received');
      return { body: { digest, generation } };
    } catch (error) {
      refusals.refused(hostId, error);
      throw error;
    }
  }
}

/** Faults: `invalid_request` */
function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'the body'} ${message}`,
  );
  throw new Fault(
    'invalid_request',
    `This is not what a peer asks: ${problems.join('; ')}. Install the same version on both hosts.`,
  );
}

async function hear(
  receiver: LiferaftReceiver,
  hostId: string,
  digest: string,
): Promise<HeartbeatAnswer> {
  const held = await receiver.held(hostId);
  const bytes = held?.digest === digest ? 0 : await receiver.partial(hostId, digest);
  const partial = bytes > 0 && { partial: bytes };
  if (held === undefined) return { held: false, ...partial };
  const isHeld = held.digest === digest;
  if (isHeld) await receiver.confirm(hostId);
  return { held: isHeld, lineage: held.lineage, generation: held.generation, ...partial };
}

/** A host is known by its key; it has no role. */
function knowCaller(callers: PeerCallers): RequestHandler {
  return (request, response, next) => {
    setCaller(response, { name: callers.of(request.socket), role: 'viewer' });
    next();
  };
}

/** The body as it comes. Who does not want the rest of it can still answer. Faults: `liferaft_cut_off` */
async function* bodyOf({ bytes }: Call): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* bytes();
  } catch {
    throw new Fault(
      'liferaft_cut_off',
      'The liferaft did not come to its end: its sender has gone, or sent nothing for too long. Send it again; the next heartbeat says how much of it is here.',
    );
  }
}

/** A line for each host that begins to be refused, or is for another reason. */
function refusalLog(log: Log): {
  refused(host: string, error: unknown): void;
  accepted(host: string): void;
} {
  const hasChanged = makeChangeDetector();
  return {
    refused(host, error) {
      if (!(error instanceof Fault) || !hasChanged(host, error.code)) return;
      log.warn({ host, code: error.code, detail: error.message }, 'liferaft refused');
    },
    accepted(host) {
      hasChanged(host, undefined);
    },
  };
}
