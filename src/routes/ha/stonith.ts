import type { AgentMetadataReader } from '../../cluster/agents/agent-metadata.ts';
import {
  addToLevel,
  createFenceDevice,
  deleteFenceDevice,
  removeFromLevel,
  updateFenceDevice,
} from '../../cluster/edits/catalogue/stonith.ts';
import type { ConfigurationReader } from '../../cluster/reading/configuration.ts';
import { emptyText, stoppedText } from './documents/changes.ts';
import { fenceDeviceOf } from './documents/resources.ts';
import { listFencing, listLevels } from './documents/fencing.ts';
import type { CibText } from '../../cluster/reading/pcs-text.ts';
import { inBody, inPath, rule } from '../../server/table/field.ts';
import type { Row } from '../../server/table/row.ts';
import { agentName, nodeName, resourceName } from './fields/names.ts';
import type { ClusterChangeRows } from './cluster-change-rows.ts';
import { operations, pairs } from './fields/values.ts';
import type { CibRows } from './cib-rows.ts';
import { always, record, text } from '../../server/table/schema.ts';
import { fencing, levels, resources } from './answers/configuration.ts';
import { ofRemoval } from './codes.ts';
import { nodesLeftWithout } from '../../cluster/fencing.ts';

/** What the routes of fencing need from the domain. */
export interface FencingDomain {
  agentMetadata: AgentMetadataReader;
  configuration: ConfigurationReader;
  pcsText: CibText;
}

/** The routes of fence devices and fencing levels. */
export function fencingRows(
  { agentMetadata, configuration, pcsText }: FencingDomain,
  { fromCib, fromCibAndText }: CibRows,
  changing: ClusterChangeRows,
): Row[] {
  const name = inPath(resourceName);
  const removeLevel = {
    summary: 'Removes a fence device from a fencing level of a node.',
    fields: { level: inPath(level), ...ofLevel },
    schema: removedLevel,
    codes: ['level_not_found'] as const,
    change: (values: LevelValues) => removeFromLevel(deviceOf(values)),
    // The documented type: here the level is text, as in the URL.
    answer: (_result: unknown, { level: index, node_name, stonith_name }: LevelValues) => ({
      level: `${index}`,
      node_name,
      stonith_name,
    }),
  };
  const remove = {
    summary: 'Deletes a fence device.',
    fields: { name },
    schema: text,
    codes: ofRemoval,
    change: (values: { name: string }) => deleteFenceDevice(values.name),
    answer: stoppedText,
    async loses(values: { name: string }) {
      const nodes = nodesLeftWithout((await configuration.get()).cib, values.name);
      return nodes.length === 0
        ? undefined
        : `No other fence device is known for ${nodes.join(', ')}: when such a node fails, the cluster cannot take over its resources.`;
    },
  };
  const update = {
    summary: 'Changes parameters and meta attributes of a fence device.',
    fields: { name, params: inBody(pairs), meta: inBody(pairs) },
    schema: always(''),
    codes: ['resource_not_found', 'agent_not_found'] as const,
    change: (
      values: { name: string } & Record<'params' | 'meta', Readonly<Record<string, string>>>,
    ) => updateFenceDevice(agentMetadata, values.name, values.params, values.meta),
    answer: emptyText,
  };

  return [
    fromCibAndText({
      path: '/stonith',
      summary: 'All fence devices and fencing levels.',
      schema: fencing,
      textOf: pcsText.fencing,
      bodyOf: ({ cib }, raw) => ({ ...(raw !== undefined && { raw }), ...listFencing(cib) }),
    }),
    changing({
      path: '/stonith/create',
      summary: 'Creates a fence device.',
      fields: {
        name: inBody(resourceName),
        agent: inBody(agentName),
        params: inBody(pairs),
        meta: inBody(pairs),
        operations: inBody(operations),
      },
      change: (values) =>
        createFenceDevice(agentMetadata, {
          ...values,
          agent: values.agent.replace(/^stonith:/, ''),
        }),
      // The documented answer has the agent under another name.
      codes: ['id_exists', 'agent_not_found'],
      echo: ['name', ['agent', 'stonith_agent'], 'params', 'meta', 'operations'],
    }),
    fromCib({
      path: '/stonith/level',
      summary: 'All fencing levels.',
      schema: levels,
      bodyOf: ({ cib }) => listLevels(cib),
    }),
    changing({
      path: '/stonith/level/create',
      summary: 'Adds a fence device to a fencing level of a node.',
      fields: { level: inBody(level), ...ofLevel },
      change: (values) => addToLevel(deviceOf(values)),
      codes: ['level_exists', 'node_not_found', 'resource_not_found'],
      echo: ['level', 'node_name', 'stonith_name'],
    }),
    changing({ ...removeLevel, path: '/stonith/level/:level/delete' }),
    fromCib({
      path: '/stonith/level/:level',
      summary: 'All fencing levels with one number.',
      fields: { level: inPath(level) },
      schema: levels,
      bodyOf: ({ cib }, values) =>
        listLevels(cib).filter(({ level: index }) => index === `${values.level}`),
    }),
    changing({ ...removeLevel, methods: ['DELETE'], path: '/stonith/level/:level' }),
    changing({ ...remove, path: '/stonith/:name/delete' }),
    changing({ ...update, path: '/stonith/:name/update' }),
    fromCib({
      path: '/stonith/:name',
      summary: 'One fence device.',
      fields: { name },
      schema: resources,
      codes: ['resource_not_found'],
      bodyOf: ({ cib }, values) => [fenceDeviceOf(cib, values.name)],
    }),
    changing({ ...remove, methods: ['DELETE'], path: '/stonith/:name' }),
    changing({ ...update, methods: ['PATCH'], path: '/stonith/:name' }),
  ];
}

const removedLevel = record({ level: text, node_name: text, stonith_name: text });

interface LevelValues {
  level: number;
  node_name: string;
  stonith_name: string;
}

const ofLevel = { node_name: inBody(nodeName), stonith_name: inBody(resourceName) };

/** Pacemaker tries levels in the order of their numbers (fencing-*.rng). */
const level = rule<number>({ type: ['integer', 'string'], minimum: 1, maximum: 9 }, (chain) =>
  chain
    .custom((value: unknown) => /^[1-9]$/.test(String(value)) && typeof value !== 'object')
    .withMessage('must be a level, 1 to 9')
    .bail()
    .customSanitizer(Number),
);

function deviceOf({ level: index, node_name: node, stonith_name: device }: LevelValues) {
  return { level: index, node, device };
}
