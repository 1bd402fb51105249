import { listOf, mapOf, part, record, text, texts, enumOf } from '../../../server/table/schema.ts';
import { crmMonValue, xmlElement, xmlRest } from './xml.ts';

// Answers about the state of the cluster.

/** The twelve documented keys. Later versions of Pacemaker have more. */
export const status = part(
  'Status',
  record(
    {
      version: text,
      summary: crmMonValue,
      nodes: crmMonValue,
      resources: crmMonValue,
      node_attributes: crmMonValue,
      node_history: crmMonValue,
      fence_history: crmMonValue,
      tickets: crmMonValue,
      bans: crmMonValue,
      'raw?': text,
      xml: text,
      cluster_name: text,
    },
    crmMonValue,
  ),
);

const nodesByState = part(
  'NodesByState',
  record({ online: texts, standby: texts, maintenance: texts, offline: texts }),
);
export const nodes = record({
  pacemaker_nodes: nodesByState,
  pacemaker_remote_nodes: nodesByState,
});

/** What crm_mon reports about the node, and more. */
export const node = part(
  'Node',
  record(
    {
      name: text,
      attributes: mapOf(text),
      transient_attributes: mapOf(text),
      utilization: mapOf(text),
      resources: texts,
      'instance_attributes?': listOf(xmlElement),
      'utilization_sets?': listOf(xmlElement),
    },
    xmlRest,
  ),
);

export const location = record({
  status: enumOf('running', 'stopped'),
  'node?': text,
  'nodes?': texts,
  'promoted?': texts,
});

export const fencingHistory = listOf(
  part('FencingAction', record({ action: text, target: text, status: text }, crmMonValue)),
);
