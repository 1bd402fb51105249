import type { Row } from '../../controller/store/store.ts';
import type {
  Common,
  Listener,
  ListenerSettings,
  LoadBalancer,
  Member,
  MemberSettings,
  Monitor,
  MonitorSettings,
  OperatingStatus,
  Policy,
  PolicySettings,
  Pool,
  PoolSettings,
  ProvisioningStatus,
  Rule,
  RuleSettings,
} from '../objects.ts';
import type { Kind } from '../sentences.ts';

/** The settings of each kind, as the columns `settings` and `wanted` hold them. */
export interface SettingsOf {
  load_balancer: { name: string | null; description: string | null; isEnabled: boolean };
  listener: ListenerSettings;
  pool: PoolSettings;
  member: MemberSettings;
  health_monitor: MonitorSettings;
  policy: PolicySettings;
  rule: RuleSettings;
}

/** Where the rows of a kind are. The id of a monitor is that of its pool. */
export const tables: Readonly<Record<Kind, { table: string; id: string; balancer: string }>> = {
  load_balancer: { table: 'balancer_load_balancers', id: 'id', balancer: 'id' },
  listener: { table: 'balancer_listeners', id: 'id', balancer: 'load_balancer' },
  pool: { table: 'balancer_pools', id: 'id', balancer: 'load_balancer' },
  member: { table: 'balancer_members', id: 'id', balancer: 'load_balancer' },
  health_monitor: { table: 'balancer_monitors', id: 'pool', balancer: 'load_balancer' },
  policy: { table: 'balancer_policies', id: 'id', balancer: 'load_balancer' },
  rule: { table: 'balancer_rules', id: 'id', balancer: 'load_balancer' },
};

/** From what is below to what is above, so that no row is removed that another one refers to. */
export const kindsUpwards: readonly Kind[] = [
  'rule',
  'policy',
  'member',
  'health_monitor',
  'listener',
  'pool',
];

/** The visible settings of a row. */
export function settingsOf<K extends Kind>(_kind: K, row: Row): SettingsOf[K] {
  return JSON.parse(String(row['settings'])) as SettingsOf[K];
}

/** The settings that a row is to have. */
export function wantedOf<K extends Kind>(kind: K, row: Row): SettingsOf[K] {
  const { wanted } = row;
  return wanted === null || wanted === undefined
    ? settingsOf(kind, row)
    : (JSON.parse(String(wanted)) as SettingsOf[K]);
}

/** A time as the documented API writes it: UTC without a zone, in whole seconds. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19);
}

export function textIn(row: Row, column: string): string {
  return String(row[column]);
}

export function textOrNull(row: Row, column: string): string | null {
  const value = row[column] ?? null;
  return value === null ? null : String(value);
}

function commonOf(row: Row): Common {
  const updated = row['updated_ms'] ?? null;
  return {
    id: textIn(row, 'id'),
    project: textIn(row, 'project'),
    provisioning: row['provisioning'] as ProvisioningStatus,
    operating: row['operating'] as OperatingStatus,
    createdAt: timeText(Number(row['created_ms'])),
    updatedAt: updated === null ? null : timeText(Number(updated)),
  };
}

export function loadBalancerOf(row: Row): LoadBalancer {
  return {
    ...commonOf(row),
    ...settingsOf('load_balancer', row),
    vip: {
      port: textIn(row, 'vip_port'),
      network: textIn(row, 'vip_network'),
      subnet: textIn(row, 'vip_subnet'),
      address: textIn(row, 'vip_address'),
    },
    revision: Number(row['revision']),
  };
}

export function listenerOf(row: Row): Listener {
  const loadBalancer = textIn(row, 'load_balancer');
  return { ...commonOf(row), ...settingsOf('listener', row), loadBalancer };
}

export function poolOf(row: Row): Pool {
  const loadBalancer = textIn(row, 'load_balancer');
  return { ...commonOf(row), ...settingsOf('pool', row), loadBalancer };
}

export function memberOf(row: Row): Member {
  return { ...commonOf(row), ...settingsOf('member', row), pool: textIn(row, 'pool') };
}

export function monitorOf(row: Row): Monitor {
  const pool = textIn(row, 'pool');
  const { project, provisioning, createdAt, updatedAt } = commonOf(row);
  const settings = settingsOf('health_monitor', row);
  return { ...settings, pool, project, provisioning, createdAt, updatedAt };
}

export function policyOf(row: Row): Policy {
  return { ...commonOf(row), ...settingsOf('policy', row), listener: textIn(row, 'listener') };
}

export function ruleOf(row: Row): Rule {
  return { ...commonOf(row), ...settingsOf('rule', row), policy: textIn(row, 'policy') };
}
