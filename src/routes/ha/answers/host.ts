import type { JsonSchema } from '../../../server/table/field.ts';
import {
  anyOf,
  flag,
  integer,
  listOf,
  mapOf,
  part,
  partNamed,
  record,
  text,
  texts,
  enumOf,
} from '../../../server/table/schema.ts';
import { cibDifference } from './changes.ts';

// Answers about this node, whether or not its cluster runs.

export const versions = record({ pacemaker: text, corosync: text, pcs: text });

export const service = part(
  'Service',
  record({
    id: text,
    state: enumOf('online', 'offline', 'starting', 'stopping', 'failed', 'disabled'),
    locked: flag,
  }),
);
export const services = record({ services: listOf(service) });

const corosyncValue: JsonSchema = part(
  'CorosyncValue',
  anyOf(text, listOf(partNamed('CorosyncValue')), mapOf(partNamed('CorosyncValue'))),
);
/** Sections and settings by their names. */
export const corosyncConf = mapOf(corosyncValue);

export const corosyncKey = record({ key: text });

export const rings = part(
  'Rings',
  record({
    'local_node_id?': text,
    'transport?': text,
    links: listOf(
      record({
        id: text,
        'transport?': text,
        'addr?': text,
        'status?': text,
        nodes: listOf(record({ 'nodeid?': text, 'node?': text, status: text })),
      }),
    ),
    'other?': texts,
  }),
);

export const quorum = part(
  'Quorum',
  record({
    provider: text,
    nodes: text,
    node_id: text,
    ring_id: text,
    quorate: flag,
    votequorum: record({
      expected_votes: text,
      highest_expected: text,
      total_votes: text,
      quorum: text,
      flags: texts,
    }),
    members: listOf(
      record({ nodeid: text, votes: text, 'qdevice?': text, name: text, local: flag }),
    ),
    'qdevice?': record({ name: text, votes: text, 'configured_votes?': text }),
    'other?': texts,
  }),
);

export const auditEntries = listOf(
  part(
    'AuditEntry',
    record({
      at: text,
      'id?': text,
      caller: text,
      role: text,
      method: text,
      route: text,
      'request_id?': text,
      'from?': text,
      outcome: text,
      'commands?': listOf(texts),
      'changes?': listOf(cibDifference),
      'cut?': record({ commands: integer, changes: integer }),
      'before?': text,
      'after?': text,
    }),
  ),
);
