import type { Express, RequestHandler } from 'express';
import * as z from 'zod';

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
import { Fault, type FaultCode } from '../../kit/fault.ts';
import { makeChangeDetector } from '../../kit/log-changes.ts';
import type { Log } from '../../kit/log.ts';
import { setCaller } from '../../server/middleware/authenticate.ts';
import { type Problems, problemSchema } from '../../server/problem.ts';
import type { Family } from '../../server/table/family.ts';
import { type Call, type Reply, row } from '../../server/table/row.ts';
import { flag, integer, record, text } from '../../server/table/schema.ts';
import examples from './examples.json' with { type: 'json' };
import { makeApp } from '../../server/table/serve.ts';

export interface PeersParts {
  callers: PeerCallers;
  receiver: LiferaftReceiver;
  clones: CloneCheck;
  /** This host, which may have no id. */
  self: () => Promise<{ id: string | undefined } & Pick<WhoSends, 'machine' | 'boot'>>;
  log: Log;
  problems: Problems;
}

// Unlike the API, this does not use express-validator, which takes 8 MB and adds code to an exposed process.
const digest = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal');

const heartbeatSchema = z.strictObject({
  digest,
  lineage: z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 hexadecimal digits'),
  generation: z.number().int().min(1),
});

/** The headers by their lower-case names. */
const liferaftSchema = z.object({
  [digestHeader]: digest,
  [rebuiltHeader]: z.literal('true', "must be 'true' or absent").optional(),
  [offsetHeader]: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, 'must be a number of bytes')
    .optional(),
  'content-length': z
    .string('must be the length of the liferaft')
    .regex(/^[1-9]\d{0,14}$/, 'must be the length of the liferaft'),
});

const heartbeatAnswer = record({
  held: flag,
  'lineage?': text,
  'generation?': integer,
  'host?': text,
  'partial?': integer,
});
const liferaftAnswer = record({ digest: text, generation: integer });

const ofClones: readonly FaultCode[] = ['invalid_request', 'host_cloned', 'liferaft_not_found'];
const ofReception: readonly FaultCode[] = [
  ...ofClones,
  'liferaft_cut_off',
  'liferaft_invalid',
  'liferaft_damaged',
  'liferaft_too_large',
  'liferaft_of_later_format',
  'liferaft_of_another_host',
  'liferaft_older',
  'liferaft_busy',
  'too_many_liferafts',
];

/** The app of the peer port. Other hosts may only report and send their own liferafts. */
export function makePeersApp(parts: PeersParts): Express {
  const family = peersFamily(parts);
  return makeApp({ log: parts.log, families: [family], elsewhere: family });
}

/** What other hosts may ask on the peer port. Each may report and send only what concerns itself. */
export function peersFamily({
  callers,
  receiver,
  clones,
  self,
  log,
  problems,
}: PeersParts): Family {
  const refusals = refusalLog(log);
  const ofPeer = { role: 'anyone', fields: {} } as const;
  return {
    name: 'peers',
    title: 'Requests of peers',
    bases: [''],
    signIn: [knowCaller(callers)],
    rows: [
      row({
        ...ofPeer,
        methods: ['POST'],
        path: peerRoutes.heartbeat,
        body: 'json',
        summary: 'Announces the current liferaft of a host, and answers whether this host has it.',
        answers: { 200: { json: heartbeatAnswer } },
        codes: ofClones,
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
        summary: 'Receives the liferaft of a host.',
        answers: { 200: { json: liferaftAnswer } },
        codes: ofReception,
        handle: (_values, call) => takeIn(call, call.caller().name),
      }),
    ],
    noSuchRoute: (path) => `There is no ${path} on the peer port.`,
    answerFault: problems.answer,
    faultSchema: problemSchema,
    codes: ['unauthenticated', 'no_space'],
    examples,
  };

  /** Skips the check for clones once, if root has chosen a lineage on that host that is not known here yet. */
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
    `This is not a valid request from a peer: ${problems.join('; ')}. Install the same version on both hosts.`,
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

/** A host is identified by its key, and has no role of its own. */
function knowCaller(callers: PeerCallers): RequestHandler {
  return (request, response, next) => {
    setCaller(response, { name: callers.of(request.socket), role: 'viewer' });
    next();
  };
}

/** The body as it arrives. An answer is still possible if the rest of it is refused. Faults: `liferaft_cut_off` */
async function* bodyOf({ bytes }: Call): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* bytes();
  } catch {
    throw new Fault(
      'liferaft_cut_off',
      'The liferaft did not arrive completely: its sender is gone, or sent nothing for too long. Send it again; the next heartbeat says how much of it is here.',
    );
  }
}

/** Logs a line when a host begins to be refused, or is refused for another reason. */
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
