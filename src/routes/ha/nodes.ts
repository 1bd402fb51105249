import type { NodeChanges } from '../../cluster/edits/catalogue/nodes.ts';
import { ofCluster } from '../common/codes.ts';
import type { ConfigurationReader } from '../../cluster/reading/configuration.ts';
import { emptyText } from './documents/changes.ts';
import { listNodes, nodeDetails } from './documents/nodes.ts';
import type { StateReader } from '../../cluster/reading/state.ts';
import type { FaultCode } from '../../kit/fault.ts';
import { inPath } from '../../server/table/field.ts';
import type { Row } from '../../server/table/row.ts';
import { nodeName } from './fields/names.ts';
import type { ClusterChangeRows } from './cluster-change-rows.ts';
import { readAsOf } from '../common/read.ts';
import { always } from '../../server/table/schema.ts';
import { node, nodes } from './answers/state.ts';

/** What the routes of nodes need from the domain. */
export interface NodeDomain {
  state: StateReader;
  configuration: ConfigurationReader;
  nodeChanges: NodeChanges;
}

/** The routes of nodes. */
export function nodeRows(
  { state, configuration, nodeChanges }: NodeDomain,
  changing: ClusterChangeRows,
): Row[] {
  const fields = { name: inPath(nodeName) };
  const remove = {
    summary: 'Removes a node from the cluster.',
    fields,
    schema: always(''),
    codes: ofRemoval,
    change: ({ name }: { name: string }) => nodeChanges.remove(name),
    answer: emptyText,
    loses: ({ name }: { name: string }) =>
      `${name} is removed from the cluster, and its configuration there is lost.`,
  };
  const states = {
    standby: 'Moves all resources away from a node, and keeps them away.',
    online: 'Ends the standby of a node.',
    maintenance: 'Makes the cluster leave everything on a node as it is.',
    unmaintenance: 'Ends the maintenance of a node.',
  } as const;
  return [
    readAsOf({
      path: '/node',
      summary: 'The nodes of the cluster.',
      schema: nodes,
      codes: ofCluster,
      async readBody() {
        const { state: now, readAt } = await state.get();
        return { body: listNodes(now), readAt };
      },
    }),
    readAsOf({
      path: '/node/:name',
      summary: 'One node, with the resources that run there.',
      fields,
      schema: node,
      codes: [...ofCluster, 'node_not_found'],
      async readBody({ name }) {
        const [reading, { cib, readAt }] = await Promise.all([state.get(), configuration.get()]);
        const oldest = Math.min(reading.readAt, readAt);
        return { body: nodeDetails(reading.state, cib, name), readAt: oldest };
      },
    }),
    changing({ ...remove, methods: ['DELETE'], path: '/node/:name' }),
    changing({ ...remove, methods: ['GET', 'POST'], path: '/node/:name/delete' }),
    changing({
      methods: ['GET', 'POST'],
      path: '/node/:name/fence',
      summary: 'Fences a node: the cluster switches it off and on again.',
      fields,
      schema: always(''),
      codes: ['cannot_be_tried', 'node_not_found'],
      change: ({ name }) => nodeChanges.fence(name),
      answer: emptyText,
      loses: ({ name }) =>
        `${name} is switched off and on again, and everything that runs there ends at once.`,
    }),
    ...(Object.keys(states) as (keyof typeof states)[]).map((state) =>
      changing({
        methods: ['GET', 'POST'],
        path: `/node/:name/${state}`,
        summary: states[state],
        role: 'operator',
        fields,
        schema: always(''),
        codes: ['node_not_found'],
        change: ({ name }) => nodeChanges[state](name),
        answer: emptyText,
      }),
    ),
  ];
}

const ofRemoval: readonly FaultCode[] = [
  'cannot_be_tried',
  'node_not_found',
  'node_online',
  'node_is_local',
  'node_not_forgotten',
  'node_not_matched',
  'corosync_conf_invalid',
  'corosync_conf_unreadable',
];
