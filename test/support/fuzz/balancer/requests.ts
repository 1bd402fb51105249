import type { Family } from '../../../../src/server/table/family.ts';
import type { Dice } from '../values.ts';
import { type BodyKind, makeBodies } from './bodies.ts';

/** Requests between two new load balancers. */
export const lifetime = 25;

/** A request to one of the rows of a family. */
export interface RowRequest {
  row: Family['rows'][number] | undefined;
  method: string;
  /** Path and query. */
  url: string;
  body: string | undefined;
}

/** Makes the requests of one load balancer's life, from what a seed decides. */
export function makeLife({ rows }: Pick<Family, 'rows'>, dice: Dice, network: string) {
  const { chance, pick, below } = dice;
  const uuid = () => {
    const hex = Array.from({ length: 32 }, () => below(16).toString(16)).join('');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
  };
  const ids = Object.fromEntries(
    ['loadbalancer', 'listener', 'pool', 'member', 'l7policy', 'l7rule', 'port', 'secret'].map(
      (name) => [name, [uuid(), uuid()]],
    ),
  );
  const [balancer = '', other = ''] = ids['loadbalancer'] ?? [];
  const tenant = `t-${balancer.slice(0, 8)}`;
  const of = (name: string) => ids[name] ?? [];
  const newId = () => (chance(0.3) ? uuid() : pick(Object.values(ids).flat()));
  const bodies = makeBodies(dice, {
    ...{ listeners: of('listener'), pools: of('pool'), tenant, network, newId },
  });
  const chosen = rows.filter(({ methods }) => methods.length > 0);

  /** The id of the object that a path ends with is that of its body, so that later requests find it. */
  const withId = (kind: BodyKind, name: string): unknown => {
    const body = bodies[kind]();
    const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
    return isObject && chance(0.8) ? { ...body, id: pick(of(name)) } : body;
  };

  /** What a change may have, most of the time. */
  const changed = (kind: BodyKind): unknown => {
    const body = bodies[kind]();
    if (typeof body !== 'object' || body === null || Array.isArray(body) || chance(0.1))
      return body;
    return Object.fromEntries(Object.entries(body).filter(([key]) => !fixed.has(key)));
  };

  const listener = `/v1/loadbalancers/${balancer}/listeners/${of('listener')[0]}`;
  const pool = `${listener}/pools/${of('pool')[0]}`;
  const policies = `${listener}/l7policies`;
  return {
    tenant,
    ids: [balancer, other],
    /** What is made first, so that the others find something. */
    first: [
      ['/v1/loadbalancers', { id: balancer, vip: { network_id: network }, tenant_id: tenant }],
      [
        `/v1/loadbalancers/${balancer}/listeners`,
        { id: of('listener')[0], protocol: 'HTTP', protocol_port: 80 },
      ],
      [`${listener}/pools`, { id: of('pool')[0], protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN' }],
      [`${pool}/members`, { id: of('member')[0], ip_address: '10.0.0.9', protocol_port: 80 }],
      [
        `${pool}/health_monitor`,
        { type: 'TCP', delay: 5, timeout: 3, fall_threshold: 3, rise_threshold: 2 },
      ],
      [policies, { id: of('l7policy')[0], action: 'REJECT' }],
      [
        `${policies}/${of('l7policy')[0]}/l7rules`,
        { id: of('l7rule')[0], type: 'PATH', compare_type: 'EQUAL_TO', value: '/a' },
      ],
    ] as const,
    next: (): RowRequest => {
      const row = pick(chosen.filter((each) => chance(weightOf(each))));
      const method = pick(row.methods);
      const path = row.path.replace(/[:*](\w+)/g, (_all, name: string) => {
        if (name === 'tenant') return tenant;
        if (chance(0.03)) return encodeURIComponent(pick(['x', "'", ' ', '\0', uuid()]));
        // The first ones are there from the beginning.
        const own = of(name);
        return own.length === 0 ? '1' : chance(0.9) ? (own[0] ?? '') : pick(own);
      });
      const kind = kindOf(row.path);
      const [, name] = kind;
      const takesBody = !/(?:repair|failover|drain|resume)$/.test(row.path) || chance(0.1);
      const hasBody = takesBody && (method === 'POST' || method === 'PUT');
      const isNew = method === 'POST' && name !== '';
      const body = hasBody && (isNew ? withId(kind[0], name) : changed(kind[0]));
      const query = chance(0.1)
        ? `?${pick(['wait=1s', 'wait=x', 'limit=-1', 'sort=a:b:c', 'x=1'])}`
        : '';
      return {
        ...{ row, method, url: `/v1${path}${query}` },
        body: hasBody && body !== undefined ? JSON.stringify(body) : undefined,
      };
    },
  };
}

/** Fields that no change takes. */
const fixed = new Set([
  ...[
    'id',
    'tenant_id',
    'project_id',
    'vip',
    'ip_address',
    'subnet_id',
    'listener_id',
    'listeners',
  ],
  ...['default_pool', 'l7policies', 'l7rules', 'members', 'health_monitor'],
]);

/** Objects live long enough to be changed. */
function weightOf({ methods, isChange, path }: Family['rows'][number]): number {
  // It goes on after its answer, so that a change of the store would be nobody's.
  if (path.endsWith('/drain')) return 0;
  if (!isChange) return 0.1;
  return methods.includes('DELETE') ? 0.15 : 1;
}

/** What a path takes, and the name of its id in the paths below it. */
function kindOf(path: string): readonly [BodyKind, string] {
  if (/l7rules/.test(path)) return ['rule', 'l7rule'];
  if (/l7policies/.test(path)) return ['policy', 'l7policy'];
  if (/members/.test(path)) return ['member', 'member'];
  if (/health_?monitor/.test(path)) return ['monitor', ''];
  if (/pools/.test(path)) return ['pool', 'pool'];
  if (/listeners/.test(path)) return ['listener', 'listener'];
  if (/quotas/.test(path)) return ['quota', ''];
  if (/ports/.test(path)) return ['port', 'port'];
  if (/secrets/.test(path)) return ['secret', ''];
  return ['loadBalancer', 'loadbalancer'];
}
