import type { FaultCode } from '../../kit/fault.ts';
import type { NodeDomain, NodeFacts } from '../../node/node.ts';
import { type Fields, inBody, inQuery } from '../../server/table/field.ts';
import { row, type Row } from '../../server/table/row.ts';
import { listOf, record, text } from '../../server/table/schema.ts';
import { type RecordedRow, recordedRow, type RecordedRowParts } from '../common/recorded-row.ts';
import * as documents from './documents.ts';

export interface RowParts extends RecordedRowParts {
  domain: NodeDomain;
}

const ofOrders: readonly FaultCode[] = ['node_orders_foreign', 'node_orders_stale'];

/** The routes of the node API. */
export function nodeRows({ domain, ...parts }: RowParts): Row[] {
  const changing = <F extends Fields>(changed: RecordedRow<F>): Row => recordedRow(parts, changed);

  return [
    row({
      methods: ['GET'],
      path: '/',
      role: 'anyone',
      summary: 'What this host is, and whose orders it runs.',
      fields: {},
      answers: { 200: { json: documents.facts } },
      codes: [],
      handle: async () => ({ body: factsDocument(await domain.facts()), isOnce: true }),
    }),
    row({
      methods: ['GET'],
      path: '/keepalived',
      role: 'anyone',
      summary:
        'What keepalived and the kernel say of each instance. With `after` and `boot` it waits up to 5 s for a later report.',
      fields: { after: inQuery(documents.sequence), boot: inQuery(documents.boot) },
      answers: { 200: { json: documents.report } },
      codes: [],
      async handle({ after, boot }, call) {
        const wait =
          after === undefined || boot === undefined ? undefined : { sequence: after, boot };
        return { body: await call.workOn(domain.report(wait)), isOnce: true };
      },
    }),
    row({
      methods: ['POST'],
      path: '/address-probe',
      role: 'anyone',
      summary:
        'Asks the hosts on a link whether one of them has an address, by ARP and neighbour solicitation. It changes nothing.',
      fields: {
        interface: inBody(documents.checkedLater(text)),
        addresses: inBody(documents.checkedLater(listOf(text))),
      },
      answers: { 200: { json: documents.usedAddresses } },
      codes: ['overloaded'],
      handle: async (request, call) => ({
        body: { used: await call.workOn(domain.probe(request)) },
        isOnce: true,
      }),
    }),
    ...changeRows(domain, changing),
  ];
}

type MakeRow = <F extends Fields>(changing: RecordedRow<F>) => Row;

function changeRows(domain: NodeDomain, changing: MakeRow): Row[] {
  return [
    changing({
      methods: ['PUT'],
      path: '/keepalived',
      summary: 'Has keepalived run a configuration, and answers when it does.',
      fields: {
        orders: inBody(documents.checkedLater(documents.orders)),
        wanted: inBody(documents.checkedLater(documents.wanted)),
        watch: inBody(documents.checkedLater(listOf(text))),
      },
      answers: { 200: { json: record({ running: documents.orders }) } },
      codes: [
        ...ofOrders,
        'node_configuration_refused',
        'node_keepalived_configured',
        'node_not_applied',
      ],
      carryOut: async ({ orders, wanted, watch }) => ({
        body: { running: await domain.order({ orders, wanted, watch }) },
      }),
    }),
    changing({
      methods: ['POST'],
      path: '/certificate-request',
      summary: 'Makes a new key, which stays on this host, and a certificate request for it.',
      fields: {},
      answers: { 200: { json: record({ request: text }) } },
      codes: [],
      carryOut: async () => ({ body: { request: await domain.requestCertificate() } }),
    }),
    changing({
      methods: ['PUT'],
      path: '/certificate',
      summary: 'Uses a certificate for the key of the last request, from the next connection on.',
      fields: { certificate: inBody(documents.pem), authority: inBody(documents.pem) },
      answers: { 200: { json: record({}) } },
      codes: ['node_certificate_refused'],
      async carryOut(issued) {
        await domain.certify(issued);
        return { body: {} };
      },
    }),
    changing({
      methods: ['POST'],
      path: '/leave',
      summary: 'Stops keepalived, and forgets the store and the certificates of this host.',
      fields: { orders: inBody(documents.checkedLater(documents.orders)) },
      answers: { 200: { json: record({}) } },
      codes: ofOrders,
      async carryOut({ orders }) {
        await domain.leave(orders);
        return { body: {} };
      },
    }),
  ];
}

function factsDocument({ interfaces, ...facts }: NodeFacts): object {
  return {
    ...facts,
    interfaces: interfaces.map(({ name, addresses, isUp }) => ({ name, addresses, is_up: isUp })),
  };
}
