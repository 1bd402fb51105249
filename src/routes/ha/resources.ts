import type { AgentMetadataReader } from '../../cluster/agents/agent-metadata.ts';
import { banResource, clearResource } from '../../cluster/edits/catalogue/bans.ts';
import { cloneResource, uncloneResource } from '../../cluster/edits/catalogue/clones.ts';
import { addToGroup, removeFromGroup } from '../../cluster/edits/catalogue/groups.ts';
import { migrateResource } from '../../cluster/edits/catalogue/migrate.ts';
import {
  createResource,
  deleteResource,
  updateResource,
} from '../../cluster/edits/catalogue/resources.ts';
import { emptyText, nameOf, nodeAndName, stoppedText } from './documents/changes.ts';
import { detailsOf, groupOf, listGroups, listResources } from './documents/resources.ts';
import { inBody, inPath, optional, rule } from '../../server/table/field.ts';
import type { Row } from '../../server/table/row.ts';
import { agentName, isXmlId, nodeName, resourceName } from './fields/names.ts';
import type { ClusterChangeRows } from './cluster-change-rows.ts';
import { operations, pairs, pairsOrTrue, resourceNames } from './fields/values.ts';
import { isObject, oneOf } from '../../server/table/rules.ts';
import type { CibRows } from './cib-rows.ts';
import {
  cleanUpResource,
  manageResource,
  restartResource,
  startResource,
  stopResource,
  unmanageResource,
} from '../../cluster/edits/catalogue/resource-states.ts';
import { always, record, text } from '../../server/table/schema.ts';
import { named, namedOnNode } from './answers/changes.ts';
import { group, groups, resourceDetails, resources } from './answers/configuration.ts';
import { ofRemoval } from './codes.ts';

const name = inPath(resourceName);
const ofResource = {
  params: inBody(pairs),
  meta: inBody(pairs),
  operations: inBody(operations),
};

/** The routes of resources and groups. */
export function resourceRows(
  agents: AgentMetadataReader,
  { fromCib }: CibRows,
  changing: ClusterChangeRows,
): Row[] {
  const details = {
    summary: 'One resource, with its parameters, meta attributes and operations.',
    fields: { name },
    schema: resourceDetails,
    codes: ['resource_not_found'] as const,
  };
  const update = {
    summary: 'Changes parameters, meta attributes and operations of a resource.',
    fields: { name, ...ofResource },
    schema: always(''),
    codes: ['resource_not_found', 'agent_not_found'] as const,
    change: ({
      name: resource,
      ...options
    }: { name: string } & Parameters<typeof updateResource>[2]) =>
      updateResource(agents, resource, options),
    answer: emptyText,
  };
  const remove = {
    summary: 'Deletes a resource.',
    fields: { name },
    schema: text,
    codes: ofRemoval,
    change: (values: { name: string }) => deleteResource(values.name, 'resource'),
    answer: stoppedText,
  };

  return [
    fromCib({
      path: '/resource',
      summary: 'All resources.',
      schema: resources,
      bodyOf: ({ cib }) => listResources(cib),
    }),
    changing({
      path: '/resource',
      summary: 'Creates a resource.',
      fields: {
        name: inBody(resourceName),
        resource_agent: inBody(agentName),
        ...ofResource,
        clone: optional(pairsOrTrue),
      },
      change: (values) =>
        createResource(agents, { ...values, agent: values.resource_agent, clone: values.clone }),
      codes: ['id_exists', 'agent_not_found'],
      echo: ['name', 'resource_agent', 'params', 'meta', 'operations', 'clone'],
    }),
    fromCib({
      path: '/resource/group',
      summary: 'All groups.',
      schema: groups,
      bodyOf: ({ cib }) => listGroups(cib),
    }),
    changing({
      path: '/resource/group/set',
      summary: 'Adds resources to a group, and creates the group if it does not exist.',
      fields: {
        groupName: inBody(resourceName),
        resources: inBody(resourceNames),
        order: optional(order),
      },
      change: ({ groupName, ...values }) =>
        addToGroup({ ...values, group: groupName, order: values.order }),
      codes: ['resource_not_found', 'id_exists'],
      echo: ['groupName', 'resources', 'order'],
    }),
    changing({
      path: '/resource/group/remove',
      summary: 'Removes resources from a group.',
      fields: { groupName: inBody(resourceName), resources: inBody(resourceNames) },
      change: ({ groupName, resources }) => removeFromGroup(groupName, resources),
      codes: ['resource_not_found'],
      echo: ['groupName', 'resources'],
    }),
    fromCib({
      path: '/resource/group/:name',
      summary: 'One group.',
      fields: { name },
      schema: group,
      codes: ['resource_not_found'],
      bodyOf: ({ cib }, values) => groupOf(cib, values.name),
    }),
    changing({
      methods: ['DELETE'],
      path: '/resource/group/:name',
      summary: 'Dissolves a group. Its resources stay.',
      fields: { name },
      schema: record({ groupName: text }),
      codes: ['resource_not_found'],
      change: (values) => removeFromGroup(values.name, []),
      answer: (_result, values) => ({ groupName: values.name }),
    }),
    ...['/resource/:name/details', '/resource/:name'].map((path) =>
      fromCib({ ...details, path, bodyOf: ({ cib }, values) => [detailsOf(cib, values.name)] }),
    ),
    changing({ ...update, path: '/resource/:name/update' }),
    changing({ ...update, methods: ['PATCH'], path: '/resource/:name' }),
    changing({ ...remove, methods: ['DELETE'], path: '/resource/:name' }),
    changing({ ...remove, methods: ['GET', 'POST'], path: '/resource/:name/delete' }),
    changing({
      methods: ['GET', 'POST'],
      path: '/resource/:name/stop',
      summary: 'Stops a resource and keeps it stopped.',
      role: 'operator',
      fields: { name },
      schema: named,
      codes: ['resource_not_found'],
      change: (values) => stopResource(values.name),
      answer: nameOf,
    }),
    changing({
      methods: ['GET', 'POST'],
      path: '/resource/:name/start',
      summary: 'Starts a resource that was stopped.',
      role: 'operator',
      fields: { name },
      schema: named,
      codes: ['resource_not_found'],
      change: (values) => startResource(values.name),
      answer: nameOf,
    }),
    changing({
      methods: ['GET', 'POST'],
      path: '/resource/:name/cleanup',
      summary: 'Clears the failures of a resource, so that the cluster tries again.',
      role: 'operator',
      fields: { name },
      schema: text,
      codes: ['cannot_be_tried', 'resource_not_found'],
      change: (values) => cleanUpResource(values.name),
    }),
    changing({
      path: '/resource/:name/migrate',
      summary: 'Moves a resource to a node, and leaves no constraint behind.',
      role: 'operator',
      fields: {
        name,
        node: inBody(nodeName),
        role: optional(oneOf(['Promoted', 'Master'])),
      },
      schema: namedOnNode,
      codes: ['resource_not_found', 'node_not_found', 'would_not_move'],
      change: ({ role, ...values }) => migrateResource({ ...values, promoted: role !== undefined }),
      answer: nodeAndName,
    }),
    changing({
      path: '/resource/:name/restart',
      summary: 'Stops a resource and starts it again.',
      role: 'operator',
      fields: { name },
      schema: named,
      codes: ['cannot_be_tried', 'resource_not_found'],
      change: (values) => restartResource(values.name),
      answer: nameOf,
    }),
    changing({
      path: '/resource/:name/ban',
      summary: 'Keeps a resource away from a node.',
      fields: { name, node: inBody(nodeName) },
      schema: namedOnNode,
      codes: ['resource_not_found', 'node_not_found'],
      change: (values) => banResource(values.name, values.node),
      answer: nodeAndName,
    }),
    changing({
      path: '/resource/:name/clear',
      summary: 'Removes the bans of a resource.',
      fields: { name, node: optional(nodeName) },
      schema: named,
      codes: ['resource_not_found', 'node_not_found'],
      change: (values) => clearResource(values.name, values.node),
      answer: nameOf,
    }),
    changing({
      path: '/resource/:name/manage',
      summary: 'Lets the cluster manage a resource again.',
      fields: { name },
      schema: named,
      codes: ['resource_not_found'],
      change: (values) => manageResource(values.name),
      answer: nameOf,
    }),
    changing({
      path: '/resource/:name/unmanage',
      summary: 'Makes the cluster leave a resource as it is.',
      fields: { name },
      schema: named,
      codes: ['resource_not_found'],
      change: (values) => unmanageResource(values.name),
      answer: nameOf,
    }),
    changing({
      path: '/resource/:name/clone',
      summary: 'Clones a resource or group, which then runs on several nodes.',
      fields: { name, clone_name: optional(resourceName), meta: inBody(pairs) },
      schema: named,
      codes: ['resource_not_found', 'id_exists'],
      change: (values) => cloneResource(agents, values.name, values.clone_name, values.meta),
      answer: nameOf,
    }),
    changing({
      path: '/resource/:name/unclone',
      summary: 'Turns a clone back into a plain resource or group.',
      fields: { name },
      schema: named,
      codes: ['resource_not_found'],
      change: (values) => uncloneResource(values.name),
      answer: nameOf,
    }),
  ];
}

const order = rule<{ position: 'before' | 'after'; resource: string }>(
  {
    type: 'object',
    properties: { position: { enum: ['before', 'after'] }, resource: resourceName.schema },
    required: ['position', 'resource'],
  },
  (chain) =>
    chain
      .custom(
        (value: unknown) =>
          isObject(value) &&
          (value['position'] === 'before' || value['position'] === 'after') &&
          isXmlId(value['resource']),
      )
      .withMessage(
        'must be an object with "position", "before" or "after", and "resource", a name',
      ),
);
