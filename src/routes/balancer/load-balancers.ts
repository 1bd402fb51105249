import { Fault } from '../../kit/fault.ts';
import type { BalancerDomain } from '../../balancer/domain.ts';
import type { Row } from '../../server/table/row.ts';
import { always, listOf } from '../../server/table/schema.ts';
import { read } from '../common/read.ts';
import { type MakeChange, type ChangeResult, scopeOf } from './change.ts';
import { loadBalancerDocument } from './documents/objects.ts';
import { loadBalancerStatisticsDocument } from './documents/ground.ts';
import {
  loadBalancerSchema,
  loadBalancerStatisticsSchema,
  loadBalancerTreeSchema,
} from './documents/schemas.ts';
import { loadBalancerTreeDocument, statusDocument } from './documents/trees.ts';
import { statusSchema } from './documents/own-schemas.ts';
import { describedChangeOf, projectIn } from './fields/common.ts';
import { argument, orRefuse, pathId } from './fields/checking.ts';
import { loadBalancerChange, newLoadBalancer, newLoadBalancerOf } from './fields/listener.ts';
import { byTenant, pageOf, paging, sortKeys } from './lists.ts';
import { objectRow, tagged } from './reading.ts';

export const ofLoadBalancer = { loadbalancer: pathId('Load Balancer') };
export const one = '/loadbalancers/:loadbalancer';

export const idOf = ({ loadbalancer: id }: { loadbalancer: string }): string => id;

export function loadBalancerRows(domain: BalancerDomain, changing: MakeChange): Row[] {
  const { loadBalancers } = domain;
  return [
    read({
      path: '/',
      summary: 'The version of the API.',
      schema: always('v1'),
      codes: [],
      handle: () => ({ body: 'v1' }),
    }),
    read({
      path: '/loadbalancers',
      summary: 'The load balancers, of all tenants or of one.',
      fields: { ...paging, ...byTenant },
      schema: listOf(loadBalancerSchema),
      codes: ['store_unavailable'],
      async handle(query, call) {
        const project = orRefuse(() => projectIn(query));
        const filter = { ...pageOf(query, sortKeys.loadBalancers), project };
        const found = await loadBalancers.list(scopeOf(call), filter);
        return { body: found.map(loadBalancerDocument) };
      },
    }),
    changing({
      methods: ['POST'],
      path: '/loadbalancers',
      summary: 'Makes a load balancer, alone or with all that is below it.',
      fields: argument('load_balancer', newLoadBalancer, projectIn),
      schema: loadBalancerTreeSchema,
      codes: [
        'balancer_object_not_found',
        'balancer_invalid',
        'balancer_conflict',
        'balancer_quota_met',
      ],
      async carryOut(values, { scope }): Promise<ChangeResult> {
        const { vip, ...wanted } = newLoadBalancerOf(values);
        if (wanted.project === undefined && scope.tenant === undefined)
          throw new Fault(
            'balancer_invalid',
            'Validation failure: Missing project ID in request where one is required.',
          );
        if (vip.port === undefined && vip.network === undefined && vip.subnet === undefined)
          throw new Fault(
            'balancer_invalid',
            'Validation failure: VIP must contain one of: port_id, network_id, subnet_id.',
          );
        const tree = await loadBalancers.create(scope, { ...wanted, vip });
        const { id, revision } = tree.loadBalancer;
        return {
          body: loadBalancerTreeDocument(tree),
          after: revision,
          loadBalancer: id,
          again: async () => {
            const { tree: now } = await loadBalancers.status(scope, id);
            return loadBalancerTreeDocument(now);
          },
        };
      },
    }),
    read({
      path: one,
      summary: 'One load balancer.',
      fields: ofLoadBalancer,
      schema: loadBalancerSchema,
      codes: ['balancer_object_not_found', 'store_unavailable'],
      headers: {
        ETag: 'For the If-Match of the next change, or the If-None-Match of the next read.',
      },
      async handle({ loadbalancer: id }, call) {
        const found = await loadBalancers.get(scopeOf(call), id);
        return tagged(found.revision, loadBalancerDocument(found));
      },
    }),
    changing({
      methods: ['PUT'],
      path: one,
      summary: 'Changes a load balancer. What is not sent stays.',
      fields: { ...ofLoadBalancer, ...argument('load_balancer', loadBalancerChange) },
      schema: loadBalancerSchema,
      codes: [],
      loadBalancer: idOf,
      async carryOut({ loadbalancer: id, ...sent }, { scope, condition }): Promise<ChangeResult> {
        const change = describedChangeOf(sent);
        const changed = await loadBalancers.change(scope, id, change, condition);
        return {
          body: loadBalancerDocument(changed),
          after: changed.revision,
          again: async () => loadBalancerDocument(await loadBalancers.get(scope, id)),
        };
      },
    }),
    ...(['', '/delete_cascade'] as const).map((path) =>
      changing({
        methods: ['DELETE'],
        path: `${one}${path}`,
        summary: path
          ? 'Removes a load balancer with all that is below it.'
          : 'Removes a load balancer that has neither listeners nor pools.',
        fields: ofLoadBalancer,
        schema: 'nothing',
        codes: ['balancer_invalid'],
        loadBalancer: idOf,
        async carryOut({ loadbalancer: id }, { scope, condition }): Promise<ChangeResult> {
          await loadBalancers.remove(scope, id, path !== '', condition);
          return {};
        },
      }),
    ),
    read({
      path: `${one}/stats`,
      summary: 'What has gone through a load balancer, in all and by listener.',
      fields: ofLoadBalancer,
      schema: loadBalancerStatisticsSchema,
      codes: ['balancer_object_not_found', 'store_unavailable'],
      async handle({ loadbalancer: id }, call) {
        const { total, listeners } = await loadBalancers.statistics(scopeOf(call), id);
        return { body: loadBalancerStatisticsDocument(total, listeners) };
      },
    }),
    objectRow(domain, {
      path: `${one}/status`,
      summary: 'A load balancer with all that is below it, what its nodes run, and what is wrong.',
      fields: ofLoadBalancer,
      schema: statusSchema,
      get: async ({ loadbalancer: id }, scope) =>
        statusDocument(await loadBalancers.status(scope, id)),
    }),
    ...(['repair', 'failover'] as const).map((action) =>
      changing({
        methods: ['POST'],
        path: `${one}/${action}`,
        summary:
          action === 'repair'
            ? 'Tries at once what is to be tried again for a load balancer.'
            : 'Gives the address of a load balancer to its other node.',
        fields: ofLoadBalancer,
        schema: loadBalancerSchema,
        codes: ['balancer_conflict', 'node_unreachable', 'node_refused'],
        loadBalancer: idOf,
        async carryOut({ loadbalancer: id }, { scope }): Promise<ChangeResult> {
          const now = await loadBalancers[action](scope, id);
          return {
            body: loadBalancerDocument(now),
            after: now.revision,
            again: async () => loadBalancerDocument(await loadBalancers.get(scope, id)),
          };
        },
      }),
    ),
  ];
}
