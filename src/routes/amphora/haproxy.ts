import type { Action, AmphoraDomain, ApiVersion, Owner } from '../../amphora/amphora.ts';
import type { FaultCode } from '../../kit/fault.ts';
import { inBody, inPath } from '../../server/table/field.ts';
import { row, type Row } from '../../server/table/row.ts';
import type { MakeChange } from './change.ts';
import { asFault } from './errors.ts';
import { actionName, actionOf, objectId } from './fields.ts';
import {
  accepted,
  maxConfigBytes,
  md5Header,
  ok,
  okWithDetails,
  uploaded,
  pastOf,
} from './documents/reply.ts';
import { serverChanges, serverOutcomes, serverOutcomesDocument } from './documents/servers.ts';
import { fencingHeader, fencingOf, ofFencing } from './own/fencing.ts';
import { baseOf, ownerRoutesOf } from './versions.ts';

const ofActions: readonly FaultCode[] = [
  'listener_not_found',
  'udp_listener_not_found',
  'haproxy_not_started',
  'haproxy_not_stopped',
  'haproxy_not_reloaded',
  'lvs_failed',
];

/** The routes of haproxy's configurations and processes. */
export function haproxyRows(
  { haproxies, lvs }: AmphoraDomain,
  version: ApiVersion,
  changing: MakeChange,
): Row[] {
  const { kind, segment, name } = ownerRoutesOf(version);
  const base = `${baseOf[version]}/${segment}`;
  const ownerOf = (id: string): Owner => ({ kind, id });
  const fields = { id: inPath(objectId) };
  const upload = (path: string, parameters: { amphora?: typeof fields.id }) =>
    changing({
      methods: ['PUT'],
      path,
      summary: `Uploads the haproxy configuration of a ${name}.`,
      fields: { ...parameters, ...fields },
      body: { maxBytes: maxConfigBytes },
      answers: { 201: { json: ok } },
      headers: { request: fencingHeader, answer: md5Header },
      codes: ['haproxy_config_refused', ...ofFencing],
      carryOut: async ({ id }, call) =>
        uploaded(201, await haproxies.upload(ownerOf(id), call.raw(), fencingOf(call))),
    });
  return [
    upload(`${base}/:amphora/:id/haproxy`, { amphora: inPath(objectId) }),
    // The drivers of Liberty leave the amphora out.
    ...(version === '0.5' ? [upload(`${base}/:id/haproxy`, {})] : []),
    row({
      methods: ['GET'],
      path: `${base}/:id/haproxy`,
      role: 'anyone',
      summary: `The haproxy configuration of a ${name}.`,
      fields,
      answers: { 200: { text: 'text/plain' } },
      headers: { answer: md5Header },
      codes: [kind === 'loadbalancer' ? 'loadbalancer_not_found' : 'listener_not_found'],
      async handle({ id }) {
        const { md5, bytes } = await haproxies.configuration(ownerOf(id));
        return { text: bytes, headers: { 'Content-Type': 'text/plain', ETag: md5 } };
      },
    }),
    // Before the actions, whose path it would match.
    ...(version === '1.0' ? [serversRow(haproxies, changing)] : []),
    changing({
      methods: ['PUT'],
      path: `${base}/:id/:action`,
      summary: `Starts, stops or reloads the process of a ${name}.`,
      fields: { ...fields, action: inPath(actionName) },
      answers: { 202: { json: okWithDetails } },
      headers: { request: fencingHeader },
      codes: ['action_unknown', ...ofActions, ...ofFencing],
      refuse({ action }) {
        actionOf(action);
      },
      async carryOut({ id, action }, call) {
        const asked = actionOf(action);
        if (await lvs.has(id)) {
          return accepted(`keepalivedlvs listener ${id} ${pastOf[await lvs.act(id, asked)]}`);
        }
        // The document of 1.0 has the title of a listener here too.
        const acted = haproxies.act(ownerOf(id), asked, fencingOf(call));
        return accepted(
          actedText(id, await acted.catch(asFault('loadbalancer_not_found', 'listener_not_found'))),
        );
      },
    }),
    deleteRow({ haproxies, lvs }, version, changing),
  ];
}

/** The members of a running process. No document has this route: agents with `GET …/state` have it. */
function serversRow(haproxies: AmphoraDomain['haproxies'], changing: MakeChange): Row {
  return changing({
    methods: ['PUT'],
    path: `${baseOf['1.0']}/loadbalancer/:id/servers`,
    summary: 'Sets weights, and enables or disables members, without a reload (ours).',
    fields: { id: inPath(objectId), servers: inBody(serverChanges) },
    answers: { 200: { json: serverOutcomes } },
    codes: ['loadbalancer_not_found', 'haproxy_unresponsive', ...ofFencing],
    async carryOut({ id, servers }, call) {
      const outcomes = await haproxies.setServers(
        { kind: 'loadbalancer', id },
        servers,
        fencingOf(call),
      );
      return { body: serverOutcomesDocument(outcomes) };
    },
  });
}

/** What was done, in the words of the documents and of real agents. */
function actedText(id: string, done: Action): string {
  return done === 'start'
    ? `Configuration file is valid\nhaproxy daemon for ${id} started`
    : `Listener ${id} ${pastOf[done]}`;
}

function deleteRow(
  { haproxies, lvs }: Pick<AmphoraDomain, 'haproxies' | 'lvs'>,
  version: ApiVersion,
  changing: MakeChange,
): Row {
  /** In 1.0, the id may be that of a load balancer. */
  async function ownerNamed(id: string): Promise<Owner> {
    const listener: Owner = { kind: 'listener', id };
    if (version !== '1.0') return listener;
    return (await haproxies.owners()).find((owner) => owner.id === id) ?? listener;
  }
  return changing({
    methods: ['DELETE'],
    path: `${baseOf[version]}/listeners/:id`,
    summary: 'Stops the process of a listener or load balancer and removes its files.',
    fields: { id: inPath(objectId) },
    answers: { 200: { json: ok } },
    headers: { request: fencingHeader },
    codes: [...ofActions, ...ofFencing],
    async carryOut({ id }, call) {
      if (await lvs.has(id)) await lvs.remove(id);
      else {
        await lvs.removeRemains(id);
        const removed = haproxies.remove(await ownerNamed(id), fencingOf(call));
        await removed.catch(asFault('loadbalancer_not_found', 'listener_not_found'));
      }
      return { body: { message: 'OK' } };
    },
  });
}
