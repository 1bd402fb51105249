import {
  algorithms,
  compareTypes,
  listenerProtocols,
  monitorTypes,
  persistenceTypes,
  policyActions,
  poolProtocols,
  ruleTypes,
} from '../../../balancer/objects.ts';
import type { JsonSchema } from '../../../server/table/field.ts';
import {
  described,
  enumOf,
  flag,
  integer,
  listOf,
  mapOf,
  orNull,
  part,
  record,
  text,
  texts,
} from '../../../server/table/schema.ts';

// The schemas of the documents.

const id = { type: 'string', format: 'uuid' };
const nullable = orNull(text);
const provisioning = enumOf(
  ...['ACTIVE', 'PENDING_CREATE', 'PENDING_UPDATE', 'PENDING_DELETE', 'ERROR', 'DELETED'],
);
const operating = enumOf(...['ONLINE', 'OFFLINE', 'DEGRADED', 'ERROR', 'NO_MONITOR', 'DRAINING']);
const about = { name: nullable, description: nullable, enabled: flag };
const times = {
  created_at: described('UTC without a zone, such as 2026-11-28T16:31:14.', text),
  updated_at: orNull(text),
};

const memberFields = {
  id,
  ip_address: text,
  protocol_port: integer,
  weight: integer,
  subnet_id: orNull(id),
  enabled: flag,
  operating_status: operating,
  project_id: text,
  tenant_id: text,
  ...times,
  monitor_address: nullable,
  monitor_port: orNull(integer),
};
export const memberSchema = part('Member', record(memberFields));

export const monitorSchema = part(
  'HealthMonitor',
  record({
    type: enumOf(...monitorTypes),
    delay: integer,
    timeout: integer,
    fall_threshold: integer,
    rise_threshold: integer,
    http_method: text,
    url_path: text,
    expected_codes: text,
    enabled: flag,
    project_id: text,
    tenant_id: text,
  }),
);

const poolFields = {
  id,
  protocol: enumOf(...poolProtocols),
  lb_algorithm: enumOf(...algorithms),
  session_persistence: orNull(record({ type: enumOf(...persistenceTypes), cookie_name: nullable })),
  ...about,
  operating_status: operating,
  project_id: text,
  tenant_id: text,
  ...times,
};
export const poolSchema = part('Pool', record(poolFields));
export const poolTreeSchema = part(
  'PoolTree',
  record({
    ...poolFields,
    'health_monitor?': monitorSchema,
    'members?': listOf(memberSchema),
  }),
);

export const ruleSchema = part(
  'L7Rule',
  record({
    id,
    type: enumOf(...ruleTypes),
    compare_type: enumOf(...compareTypes),
    key: nullable,
    value: text,
    invert: flag,
  }),
);

const policyFields = {
  id,
  ...about,
  action: enumOf(...policyActions),
  redirect_pool_id: orNull(id),
  redirect_url: nullable,
  redirect_prefix: nullable,
  position: integer,
};
export const policySchema = part('L7Policy', record(policyFields));
export const policyTreeSchema = part(
  'L7PolicyTree',
  record({
    ...policyFields,
    'l7rules?': listOf(ruleSchema),
    'redirect_pool?': poolTreeSchema,
  }),
);

const listenerFields = {
  id,
  protocol: enumOf(...listenerProtocols),
  protocol_port: integer,
  connection_limit: orNull(integer),
  default_tls_container_id: nullable,
  tenant_id: text,
  ...about,
  provisioning_status: provisioning,
  operating_status: operating,
  tls_certificate_id: nullable,
  sni_containers: texts,
  default_pool_id: orNull(id),
  insert_headers: mapOf(text),
  project_id: text,
  ...times,
};
export const listenerSchema = part('Listener', record(listenerFields));
export const listenerTreeSchema = part(
  'ListenerTree',
  record({
    ...listenerFields,
    'default_pool?': poolTreeSchema,
    'l7policies?': listOf(policyTreeSchema),
  }),
);

const loadBalancerFields = {
  id,
  vip: record({ port_id: text, network_id: text, ip_address: text, subnet_id: text }),
  tenant_id: text,
  ...about,
  provisioning_status: provisioning,
  operating_status: operating,
  project_id: text,
  ...times,
};
export const loadBalancerSchema = part('LoadBalancer', record(loadBalancerFields));
export const loadBalancerTreeSchema = part(
  'LoadBalancerTree',
  record({ ...loadBalancerFields, 'listeners?': listOf(listenerTreeSchema) }),
);

const figures = {
  bytes_in: integer,
  bytes_out: integer,
  active_connections: integer,
  total_connections: integer,
  request_errors: integer,
};
export const listenerStatisticsSchema: JsonSchema = record({
  ...figures,
  listener: record(figures),
});
export const loadBalancerStatisticsSchema: JsonSchema = record({
  loadbalancer: record({ ...figures, listeners: listOf(record({ id, ...figures })) }),
});

const quotaFields = {
  load_balancer: integer,
  listener: integer,
  member: integer,
  pool: integer,
  health_monitor: integer,
};
export const quotaSchema: JsonSchema = record({ quota: part('Quota', record(quotaFields)) });
export const quotasSchema: JsonSchema = record({
  quotas: listOf(record({ project_id: text, tenant_id: text, ...quotaFields })),
});
