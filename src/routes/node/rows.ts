import type { Change } from '../../changes/change.ts';
import type { ChangePipeline } from '../../changes/pipeline.ts';
import type { FaultCode } from '../../kit/fault.ts';
import type { Log } from '../../kit/log.ts';
import type { NodeDomain, NodeFacts } from '../../node/node.ts';
import { type Fields, inBody, inQuery, type ValuesOf } from '../../server/table/field.ts';
import { type Call, type Reply, row, type Row } from '../../server/table/row.ts';
import { listOf, record, text } from '../../server/table/schema.ts';
import * as documents from './documents.ts';

export interface RowParts {
  domain: NodeDomain;
  changes: Pick<ChangePipeline, 'make'>;
  log: Log;
}

type ChangingRow<F extends Fields> = Omit<Row<F>, 'role' | 'isChange' | 'handle'> & {
  /** Carries the change out. Its beginning is in the audit log already. */
  carryOut: (values: ValuesOf<F>, call: Call) => Promise<Reply>;
};

const ofChanges: readonly FaultCode[] = ['audit_failed', 'no_space', 'stopping'];
const ofOrders: readonly FaultCode[] = ['node_orders_foreign', 'node_orders_stale'];

/** The routes of the node API. */
export function nodeRows({ domain, changes, log }: RowParts): Row[] {
  const changing = <F extends Fields>({ carryOut, codes, ...rest }: ChangingRow<F>): Row =>
    row({
      ...rest,
      role: 'anyone',
      isChange: true,
      codes: [...ofChanges, ...codes],
      async handle(values, call) {
        const request = { request: call.audited(), ifVersion: undefined, waitMs: undefined };
        const change = concurrentChange(() => carryOut(values, call));
        const made = await call.workOn(changes.make(request, change));
        if (made.warnings.length > 0) {
          const { route } = request.request;
          log.warn({ route, warnings: made.warnings }, 'change with warnings');
        }
        return made.answer;
      },
    });

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
    ...changeRows(domain, changing),
  ];
}

type MakeRow = <F extends Fields>(changing: ChangingRow<F>) => Row;

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

function concurrentChange<T>(work: () => Promise<T>): Change<T> {
  return {
    hasVersion: false,
    isConcurrent: true,
    begin: () => ({
      async carryOut({ recorded }) {
        await recorded;
        return work();
      },
    }),
  };
}
