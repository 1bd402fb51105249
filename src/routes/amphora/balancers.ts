import type { AmphoraDomain } from '../../amphora/amphora.ts';
import { inPath } from '../../server/table/field.ts';
import { row, type Row } from '../../server/table/row.ts';
import { listOf } from '../../server/table/schema.ts';
import { balancerDocument, balancerState } from './documents/balancers.ts';
import { objectId } from './fields.ts';
import { baseOf } from './versions.ts';

/**
 * Routes of ours in 1.0, for a controller that looks after many load balancers on one host. Octavia's agent answers them
 * with 404 or 405, by which a controller finds out that they are not there.
 */
export function balancerRows({ haproxies }: Pick<AmphoraDomain, 'haproxies'>): Row[] {
  const base = baseOf['1.0'];
  return [
    row({
      methods: ['GET'],
      path: `${base}/loadbalancers`,
      role: 'anyone',
      summary:
        'The load balancers on this host, with what their processes run (an addition of ours).',
      fields: {},
      answers: { 200: { json: listOf(balancerState) } },
      codes: [],
      handle: async () => ({ body: (await haproxies.states()).map(balancerDocument) }),
    }),
    row({
      methods: ['GET'],
      path: `${base}/loadbalancer/:id/state`,
      role: 'anyone',
      summary:
        'What there is of a load balancer on this host, even if that is nothing (an addition of ours).',
      fields: { id: inPath(objectId) },
      answers: { 200: { json: balancerState } },
      codes: [],
      handle: async ({ id }) => ({ body: balancerDocument(await haproxies.state(id)) }),
    }),
  ];
}
