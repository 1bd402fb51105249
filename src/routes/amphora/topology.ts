import type { AmphoraDomain, Info, Topology } from '../../amphora/amphora.ts';
import type { KnownSecrets } from '../../kit/secrets/known-secrets.ts';
import { inBody, optional } from '../../server/table/field.ts';
import { row, type Row } from '../../server/table/row.ts';
import { enumOf, record, text } from '../../server/table/schema.ts';
import type { MakeChange } from './change.ts';
import { ok } from './documents/reply.ts';
import { nullable, plainText } from './fields.ts';
import { baseOf } from './versions.ts';

const topologyAnswer = record({
  hostname: text,
  uuid: text,
  topology: enumOf('SINGLE', 'ACTIVE-STANDBY', 'ACTIVE-ACTIVE'),
  role: enumOf('ACTIVE', 'STANDBY'),
  ha_ip: text,
});

/** The routes of the topology. Only API 0.1 has them. */
export function topologyRows(
  { topologies, info }: Pick<AmphoraDomain, 'topologies' | 'info'>,
  changing: MakeChange,
  secrets?: Pick<KnownSecrets, 'hold'>,
): Row[] {
  const path = `${baseOf['0.1']}/topology`;
  return [
    row({
      methods: ['GET'],
      path,
      role: 'anyone',
      summary: 'The topology of the amphora, and its role.',
      fields: {},
      answers: { 200: { json: topologyAnswer } },
      codes: [],
      async handle() {
        const [host, current] = await Promise.all([info(), topologies.current()]);
        return { body: topologyDocument(host, current) };
      },
    }),
    changing({
      methods: ['POST'],
      path,
      summary: 'Changes the topology of the amphora.',
      body: 'json',
      fields: {
        topology: inBody(plainText),
        role: optional(nullable(plainText)),
        ha_ip: optional(nullable(plainText)),
        secret: optional(nullable(plainText)),
      },
      answers: { 200: { json: ok }, 202: { json: ok } },
      codes: ['topology_refused', 'topology_transition'],
      isAlwaysOpen: true,
      async carryOut({ topology, role, ha_ip, secret }, call) {
        call.whenOver(secrets?.hold(secret === undefined ? [] : [secret]) ?? (() => undefined));
        // The example has a blank in front of the address.
        const isDone = await topologies.change({ topology, role, haIp: ha_ip?.trim(), secret });
        return { status: isDone ? 200 : 202, body: { message: 'OK' } };
      },
    }),
  ];
}

/** A role and an address mean something only for ACTIVE-STANDBY; the example has both of them for SINGLE too. */
function topologyDocument({ hostname, uuid }: Info, current: Topology): object {
  const { topology, role = 'ACTIVE', haIp = '' } = current;
  return { hostname, uuid, topology, role, ha_ip: haIp };
}
