import type { TLSSocket } from 'node:tls';

import { Fault } from '../../../../src/kit/fault.ts';
import { setCaller } from '../../../../src/server/middleware/authenticate.ts';
import { byValidator } from '../../../../src/server/table/check.ts';
import type { Family } from '../../../../src/server/table/family.ts';
import { inPath, inQuery } from '../../../../src/server/table/field.ts';
import type { Examples } from '../../../../src/server/table/examples.ts';
import { always, integer, record, text } from '../../../../src/server/table/schema.ts';
import { row } from '../../../../src/server/table/row.ts';
import { resourceName } from '../../../../src/routes/ha/fields/names.ts';
import { oneOf } from '../../../../src/server/table/rules.ts';

/** The maximum size of a certificate bundle. */
export const maxUpload = 8 * 1024 * 1024;

const upload = record({ name: text, kind: text, bytes: integer, by: text });

/** The answers of this family in its tests. */
const examples: Examples = {
  'GET //': { status: 200, body: { api_version: '0.5' } },
  'PUT /uploads/{name}/file': {
    status: 202,
    body: { name: 'cert', kind: 'pem', bytes: 8388608, by: 'driver' },
  },
  'DELETE /uploads/{name}': { status: 200, body: {} },
};

/** A family like those to come. Its errors, sign-in, bodies and paths differ from those of the HA API. */
export function madeUpFamily(): Family {
  return {
    name: 'made-up',
    title: 'A family as those to come',
    bases: ['/0.5', '/made-up'],
    signIn: [
      // A caller has a client certificate or a bearer token.
      (request, response, next) => {
        const certificate = (request.socket as Partial<TLSSocket>).getPeerCertificate?.();
        const bearer = /^Bearer (\w+)$/.exec(request.get('Authorization') ?? '')?.[1];
        const subject = certificate?.subject as { CN?: string } | undefined;
        const name = subject?.CN ?? bearer;
        if (name === undefined) throw new Fault('unauthenticated', 'Nobody is known.');
        setCaller(response, { name, role: 'operator' });
        next();
      },
    ],
    checking: byValidator,
    noSuchRoute: () => 'Not Found',
    answerFault: ({ code, message }) => ({
      status: code === 'unauthenticated' ? 401 : 500,
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ faultcode: 'Client', faultstring: message, debuginfo: null }),
      isFailure: false,
    }),
    faultSchema: () => record({ faultcode: text, faultstring: text, debuginfo: always(null) }),
    codes: ['unauthenticated'],
    examples,
    rows: [
      row({
        methods: ['GET'],
        path: '//',
        isStrict: true,
        role: 'viewer',
        summary: 'The version.',
        fields: {},
        answers: { 200: { json: record({ api_version: text }) } },
        codes: [],
        handle: () => ({ body: { api_version: '0.5' } }),
      }),
      row({
        methods: ['PUT'],
        path: '/uploads/:name/file',
        role: 'operator',
        summary: 'Takes bytes.',
        fields: { name: inPath(resourceName), kind: inQuery(oneOf(['pem', 'cfg'])) },
        body: { maxBytes: maxUpload },
        answers: { 202: { json: upload } },
        codes: ['no_space'],
        handle: ({ name, kind = 'cfg' }, call) => ({
          status: 202,
          body: { name, kind, bytes: call.raw().length, by: call.caller().name },
        }),
      }),
      row({
        methods: ['DELETE'],
        path: '/uploads/:name',
        role: 'admin',
        summary: 'Removes bytes.',
        fields: { name: inPath(resourceName) },
        isChange: true,
        answers: { 200: { json: record({}) } },
        codes: [],
        handle: () => ({ body: {} }),
      }),
    ],
  };
}
