import type { AmphoraDomain, ApiVersion } from '../../amphora/amphora.ts';
import { inPath } from '../../server/table/field.ts';
import { row, type Row } from '../../server/table/row.ts';
import type { MakeChange } from './change.ts';
import { objectId } from './fields.ts';
import { maxOtherBytes, md5Header, ok, uploaded } from './documents/reply.ts';
import { baseOf } from './versions.ts';

/** The routes of the configurations of keepalived's LVS. Its processes have the actions and the DELETE of a listener. */
export function lvsRows({ lvs }: AmphoraDomain, version: ApiVersion, changing: MakeChange): Row[] {
  const base = `${baseOf[version]}/listeners`;
  return [
    changing({
      methods: ['PUT'],
      path: `${base}/:amphora/:id/udp_listener`,
      summary: "Uploads the configuration of keepalived's LVS for a listener of UDP or SCTP.",
      fields: { amphora: inPath(objectId), id: inPath(objectId) },
      body: { maxBytes: maxOtherBytes },
      answers: { 200: { json: ok } },
      headers: { answer: md5Header },
      codes: ['keepalived_config_refused'],
      carryOut: async ({ id }, call) => uploaded(200, await lvs.upload(id, call.raw())),
    }),
    row({
      methods: ['GET'],
      path: `${base}/:id/udp_listener`,
      role: 'anyone',
      summary: "The configuration of keepalived's LVS for a listener of UDP or SCTP.",
      fields: { id: inPath(objectId) },
      answers: { 200: { text: 'text/plain' } },
      headers: { answer: md5Header },
      codes: ['udp_listener_not_found'],
      async handle({ id }) {
        const { md5, bytes } = await lvs.configuration(id);
        return { text: bytes, headers: { 'Content-Type': 'text/plain', ETag: md5 } };
      },
    }),
  ];
}
