import type { BalancerDomain } from '../../balancer/domain.ts';
import { Fault } from '../../kit/fault.ts';
import type { Row } from '../../server/table/row.ts';
import { read } from '../common/read.ts';
import { collectionRows } from './collection.ts';
import { type MakeChange, scopeOf } from './change.ts';
import { listenerStatisticsDocument } from './documents/ground.ts';
import { listenerDocument } from './documents/objects.ts';
import {
  listenerSchema,
  listenerStatisticsSchema,
  listenerTreeSchema,
} from './documents/schemas.ts';
import { listenerTreeDocument } from './documents/trees.ts';
import { argument, pathId } from './fields/checking.ts';
import {
  checkListener,
  listenerChange,
  listenerChangeOf,
  newListener,
  newListenerOf,
} from './fields/listener.ts';
import { sortKeys } from './lists.ts';
import { ofLoadBalancer, one } from './load-balancers.ts';

const path = `${one}/listeners`;
export const oneListener = `${path}/:listener`;
export const ofListener = { listener: pathId('Listener') };

export function listenerRows(domain: BalancerDomain, changing: MakeChange): Row[] {
  const { listeners } = domain;
  return [
    ...collectionRows(domain, changing, {
      path,
      noun: 'listener',
      a: 'a listener',
      plural: 'listeners of a load balancer',
      above: {},
      itself: ofListener,
      key: 'listener',
      sortKeys: sortKeys.listeners,
      sent: {
        new: argument('listener', newListener, checkListener),
        change: argument('listener', listenerChange, checkListener),
      },
      schemas: { one: listenerSchema, created: listenerTreeSchema },
      objects: listeners,
      create: (sent, { scope, place, condition }) =>
        listeners.create(scope, place, newListenerOf(sent), condition),
      async change(id, { tenant_id: tenant, ...sent }, { scope, place, condition }) {
        // The document's own example sends it, although nothing can change it.
        if (tenant && tenant !== (await listeners.get(scope, place, id)).project)
          throw new Fault('balancer_invalid', 'Unknown attribute for argument listener: tenant_id');
        return listeners.change(scope, place, id, listenerChangeOf(sent), condition);
      },
      document: listenerDocument,
      createdDocument: listenerTreeDocument,
      createdId: ({ listener }) => listener.id,
    }),
    read({
      path: `${oneListener}/stats`,
      summary: 'What has gone through a listener.',
      fields: { ...ofLoadBalancer, ...ofListener },
      schema: listenerStatisticsSchema,
      codes: ['balancer_object_not_found', 'store_unavailable'],
      async handle({ loadbalancer: loadBalancer, listener }, call) {
        const figures = await listeners.statistics(scopeOf(call), { loadBalancer }, listener);
        return { body: listenerStatisticsDocument(figures) };
      },
    }),
  ];
}
