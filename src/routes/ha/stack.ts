import type { StackChanges } from '../../cluster/edits/catalogue/stack.ts';
import type { Service } from '../../cluster/services.ts';
import { destroyedText } from './documents/changes.ts';
import { inPath, rule } from '../../server/table/field.ts';
import type { Row } from '../../server/table/row.ts';
import type { ClusterChangeRows } from './cluster-change-rows.ts';
import { read } from '../common/read.ts';
import { text } from '../../server/table/schema.ts';
import { service, services } from './answers/host.ts';
import { ofTools } from '../common/codes.ts';

/** What the routes of the cluster stack need from the domain. */
export interface StackDomain {
  services: () => Promise<Service[]>;
  stackChanges: StackChanges;
}

/** The routes of this node's services, and of the removal of its cluster. */
export function stackRows(
  { services: list, stackChanges }: StackDomain,
  changing: ClusterChangeRows,
): Row[] {
  const destroy = {
    summary: 'Stops the cluster on this node and removes its configuration.',
    schema: text,
    codes: ['cannot_be_tried', 'stack_busy'] as const,
    change: stackChanges.destroy,
    answer: destroyedText,
    loses: () => 'The cluster on this node is stopped, and all its configuration is removed.',
  };
  return [
    read({
      path: '/services',
      summary: 'The services of the cluster stack on this node.',
      schema: services,
      codes: ofTools,
      handle: async () => ({ body: { services: await list() } }),
    }),
    ...(['start', 'stop', 'restart', 'enable', 'disable'] as const).map((action) =>
      changing({
        path: `/services/:id/${action}`,
        summary: `Makes systemd ${action} a service of the cluster stack on this node.`,
        fields: { id: inPath(serviceId) },
        schema: service,
        codes: ['cannot_be_tried', 'service_not_found', 'service_failed'],
        change: ({ id }) => stackChanges.control(id, action),
      }),
    ),
    changing({ ...destroy, methods: ['GET', 'POST'], path: '/destroy' }),
    changing({ ...destroy, path: '/reset_all' }),
  ];
}

const serviceId = rule<string>({ type: 'string', examples: ['pacemaker.service'] }, (chain) =>
  chain
    .matches(/^[A-Za-z][A-Za-z_-]{0,63}(?:\.service)?$/)
    .withMessage('must be the id of a service, such as "pacemaker.service"'),
);
