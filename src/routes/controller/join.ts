import { isIP } from 'node:net';

import type { RequestHandler } from 'express';
import * as z from 'zod';

import type { GuessBrake } from '../../access/guess-brake.ts';
import type { Joined, JoinRequest } from '../../controller/nodes/join.ts';
import { plainAddress } from '../../kit/addresses.ts';
import { Fault } from '../../kit/fault.ts';
import { setCaller } from '../../server/middleware/authenticate.ts';
import { limitRequests } from '../../server/middleware/limit-requests.ts';
import { type Problems, problemSchema } from '../../server/problem.ts';
import type { Family } from '../../server/table/family.ts';
import { row } from '../../server/table/row.ts';
import { integer, record, text } from '../../server/table/schema.ts';
import { checked } from './checked.ts';

/** The path at which a host joins. */
export const joinPath = '/node-api/1.0/join';

/** The address of a host, or a name of one. */
const host = z
  .string()
  .max(253)
  .refine(
    (value) => isIP(value) !== 0 || /^[a-z0-9](?:[\w.-]*[a-z0-9])?$/i.test(value),
    'must be an IP address or a host name',
  );

const schema = z.strictObject({
  secret: z.string().regex(/^[0-9a-f]{32}$/, 'must be the secret of a join token'),
  name: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'must be 1 to 64 letters, digits, _, . or -'),
  machine: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal'),
  host: host.optional(),
  port: z.number().int().min(1).max(65_535),
  interfaces: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[A-Za-z0-9_.:-]{1,15}$/, 'must be the name of an interface'),
        addresses: z.array(z.string().max(64)).max(100),
      }),
    )
    .max(256),
  request: z.string().max(16 * 1024),
});

/** A host with 256 interfaces needs less. Nobody has signed in when it is read. */
const maxBodyBytes = 256 * 1024;
/** Max number of requests under way; one address may have half of them. */
const maxRequests = 32;

/** What callers without a token send here is bounded by itself, so that callers with a token lose no room. */
const limitBodies: RequestHandler = (request, response, next) => {
  if (Number(request.get('Content-Length')) > maxBodyBytes || request.get('Transfer-Encoding')) {
    response.set('Connection', 'close');
    throw new Fault(
      'body_too_large',
      'The body of a host that joins must have a length of at most 256 KiB. Nothing was done.',
    );
  }
  setCaller(response, { name: plainAddress(request.socket.remoteAddress ?? ''), role: 'viewer' });
  next();
};

/** Takes a host in, and puts it on record. @param from the address of the caller */
export type TakeIn = (request: JoinRequest, from: string) => Promise<Joined>;

/** The route by which hosts join. The secret of a join token signs a caller in. */
export function joinFamily(takeIn: TakeIn, brake: GuessBrake, problems: Problems): Family {
  return {
    name: 'join',
    title: 'Joining of nodes',
    bases: ['/node-api/1.0'],
    signIn: [limitBodies, limitRequests(maxRequests, maxBodyBytes)],
    rows: [
      row({
        methods: ['POST'],
        path: '/join',
        role: 'anyone',
        body: 'json',
        summary: 'Makes a host a node of this controller, and signs its certificate.',
        fields: {},
        answers: {
          200: { json: record({ id: integer, certificate: text, authority: text, store: text }) },
        },
        codes: [
          'invalid_request',
          'join_invalid',
          'join_refused',
          'node_exists',
          'body_too_large',
          'overloaded',
          'too_many_requests',
          'too_many_attempts',
          'too_many_changes',
          'audit_failed',
          'store_unavailable',
          'no_space',
        ],
        async handle(_values, call) {
          const { host: given, ...request } = checked(schema, call.body);
          const from = plainAddress(call.from);
          try {
            return { body: await takeIn({ ...request, host: given ?? from }, from), isOnce: true };
          } catch (error) {
            if (error instanceof Fault && error.code === 'join_refused') {
              await brake.wrongToken(from);
            }
            throw error;
          }
        },
      }),
    ],
    noSuchRoute: (path) => `There is no ${path}. Hosts join at ${joinPath}.`,
    answerFault: problems.answer,
    faultSchema: problemSchema,
    codes: [],
    examples: {},
  };
}
