import {
  described,
  flag,
  integer,
  listOf,
  orNull,
  part,
  record,
  text,
  texts,
} from '../../../server/table/schema.ts';
import { loadBalancerTreeSchema, poolTreeSchema } from './schemas.ts';

// The schemas of our own documents.

const id = { type: 'string', format: 'uuid' };
const nullable = orNull(text);

const nodeStateSchema = part(
  'NodeState',
  record({
    id: integer,
    name: text,
    is_master: flag,
    is_reachable: flag,
    wanted: described('The SHA-256 of the file that it is to run.', nullable),
    running: described('The SHA-256 of the file that it says it runs.', nullable),
    heard_seconds_ago: orNull({ type: 'number' }),
    error: nullable,
  }),
);

export const statusSchema = record({
  loadbalancer: loadBalancerTreeSchema,
  other_pools: described('Pools that no listener uses.', listOf(poolTreeSchema)),
  nodes: listOf(nodeStateSchema),
  troubles: described('One sentence for each trouble, the worst first.', texts),
  last_error: nullable,
  next_try_at: nullable,
  attempts: integer,
});

export const portSchema = part(
  'Port',
  record({
    id,
    network_id: text,
    subnet_id: text,
    ip_address: text,
    owner: described('The load balancer that has the address.', nullable),
    project_id: text,
    tenant_id: text,
    created_at: text,
  }),
);

export const secretSchema = part(
  'Secret',
  record({
    id,
    fingerprint: described('The SHA-256 of the certificate.', text),
    subject: text,
    names: texts,
    expires_at: text,
    updated_at: text,
  }),
);

export const nodeSchema = part(
  'Node',
  record({
    id: integer,
    name: text,
    is_reachable: flag,
    is_draining: flag,
    balancers: integer,
    networks: texts,
    troubles: texts,
  }),
);

export const orphanSchema = part('Orphan', record({ node: integer, name: text, id: text }));
