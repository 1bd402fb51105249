import type { AmphoraDomain, ApiVersion, ListenerState } from '../../amphora/amphora.ts';
import { Fault } from '../../kit/fault.ts';
import { inPath } from '../../server/table/field.ts';
import { row, type Row } from '../../server/table/row.ts';
import {
  details,
  detailsDocument,
  discovery,
  infoDocument,
  infoOfAgent,
  infoOfVersion,
} from './documents/facts.ts';
import {
  listeners,
  listenersDocument,
  listenerWithList,
  listenerWithListDocument,
  listenerWithMap,
  listenerWithMapDocument,
} from './documents/listeners.ts';
import { objectId } from './fields.ts';
import { baseOf } from './versions.ts';

const reading = { methods: ['GET'], role: 'anyone', fields: {}, codes: [] } as const;

/**
 * The routes without a version. Discovery is there only if 1.0 is offered: drivers take a 404 for an agent of API 0.5.
 * @param versions the offered versions, the highest one last
 */
export function discoveryRows(domain: AmphoraDomain, versions: readonly ApiVersion[]): Row[] {
  const highest = versions.at(-1) ?? '1.0';
  const info = row({
    ...reading,
    path: '/info',
    summary: 'The versions of the amphora, and the versions of the API that it offers.',
    answers: { 200: { json: infoOfAgent } },
    handle: async () => ({
      body: {
        ...infoDocument(await domain.info(), highest),
        api_versions: versions,
      },
    }),
  });
  // Drivers before 12.0 ask for `//`, which is the same path with a slash at the end.
  const discovering = row({
    ...reading,
    path: '/',
    summary: 'The highest version of the API.',
    answers: { 200: { json: discovery } },
    handle: () => ({ body: { api_version: highest } }),
  });
  return highest === '1.0' ? [info, discovering] : [info];
}

export function factRows(domain: AmphoraDomain, version: ApiVersion): Row[] {
  const base = baseOf[version];
  const stateOf = async (): Promise<readonly ListenerState[]> => {
    const states = await Promise.all([domain.haproxies.listeners(), domain.lvs.listeners()]);
    return states.flat();
  };
  return [
    row({
      ...reading,
      path: `${base}/info`,
      summary: 'The versions of the amphora.',
      answers: { 200: { json: infoOfVersion } },
      handle: async () => ({ body: infoDocument(await domain.info(), version) }),
    }),
    row({
      ...reading,
      path: `${base}/details`,
      summary: 'The load of the amphora, its memory, its topology and its listeners.',
      answers: { 200: { json: details } },
      async handle() {
        const [info, state, topology, states] = await Promise.all([
          domain.info(),
          domain.details(),
          domain.topologies.current(),
          stateOf(),
        ]);
        const facts = { info, details: state, topology, listeners: states };
        return { body: detailsDocument(facts, version) };
      },
    }),
    row({
      ...reading,
      path: `${base}/listeners`,
      summary: 'The states of all listeners.',
      answers: { 200: { json: listeners } },
      handle: async () => ({ body: listenersDocument(await stateOf()) }),
    }),
    ...(version === '1.0' ? [] : [listenerRow(domain, version)]),
  ];
}

function listenerRow({ haproxies, lvs }: AmphoraDomain, version: '0.1' | '0.5'): Row {
  const shape = {
    '0.1': { json: listenerWithList, documentOf: listenerWithListDocument },
    '0.5': { json: listenerWithMap, documentOf: listenerWithMapDocument },
  }[version];
  return row({
    ...reading,
    path: `${baseOf[version]}/listeners/:id`,
    summary: `The state of a listener, with its pools and members (API ${version}).`,
    fields: { id: inPath(objectId) },
    answers: { 200: { json: shape.json } },
    codes: ['listener_not_found'],
    async handle({ id }) {
      if (!(await lvs.has(id))) return { body: shape.documentOf(await haproxies.listener(id)) };
      const state = (await lvs.listeners()).find((each) => each.id === id);
      // It was removed a moment ago.
      if (state === undefined) throw noListener(id);
      return { body: shape.documentOf(state) };
    },
  });
}

/** In the words of the documents. */
export function noListener(id: string): Fault {
  return new Fault('listener_not_found', `No listener with UUID: ${id}`);
}
