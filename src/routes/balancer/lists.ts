import type { Page } from '../../balancer/domain.ts';
import type { ValuesOf } from '../../server/table/field.ts';
import { attribute } from './fields/attribute.ts';
import { once, orRefuse, parameter } from './fields/checking.ts';
import { isUuid } from './fields/values.ts';
import { quoted, Wrong } from './fields/wrong.ts';

/** A longer page is cut. */
const maxPageSize = 1000;

const text = attribute<string>({ type: 'string', maxLength: 255 }, (value, name) => {
  if (typeof value === 'string' && value.length <= 255) return value;
  throw new Wrong(`Supplied ${name} '${quoted(value)}' is not valid.`);
});

/** Keys may be repeated, each with its own direction. */
const several = attribute<readonly string[]>(
  { type: 'array', items: { type: 'string' }, maxItems: 16 },
  (value, name) => {
    const all = Array.isArray(value) ? (value as unknown[]) : [value];
    if (all.length <= 16 && all.every((each) => typeof each === 'string')) return all;
    throw new Wrong(`Supplied ${name} is not valid.`);
  },
);

const limit = attribute<number | undefined>(
  { type: 'string', pattern: '^(?:infinite|[+-]?\\d{1,9})$' },
  (value) => {
    if (value === 'infinite') return undefined;
    if (!/^[+-]?\d{1,9}$/.test(String(value)))
      throw new Wrong(`Supplied pagination limit '${quoted(value)}' is not valid.`);
    const number = Number(value);
    return number <= 0 ? undefined : Math.min(number, maxPageSize);
  },
);

const marker = attribute<string>({ type: 'string', format: 'uuid' }, (value) => {
  if (isUuid(value)) return String(value).toLowerCase();
  throw new Wrong(`Supplied pagination marker '${quoted(value)}' is not valid.`);
});

const truth = attribute<boolean>({ type: 'string', enum: ['true', 'false'] }, (value) =>
  ['1', 't', 'true', 'on', 'y', 'yes'].includes(String(value).toLowerCase()),
);

export const paging = {
  sort: parameter(once(text)),
  sort_key: parameter(several),
  sort_dir: parameter(several),
  limit: parameter(once(limit)),
  marker: parameter(once(marker)),
  page_reverse: parameter(once(truth)),
};

export const byTenant = { project_id: parameter(once(text)), tenant_id: parameter(once(text)) };

const timed = ['created_at', 'updated_at'];
const owned = ['project_id', 'tenant_id'];
const named = ['id', 'name', 'description', 'enabled'];

/** The keys of each kind of list by which it can be sorted. */
export const sortKeys = {
  loadBalancers: [...named, 'provisioning_status', 'operating_status', ...owned, ...timed],
  listeners: [
    ...named,
    ...['provisioning_status', 'operating_status', 'protocol', 'protocol_port'],
    ...['connection_limit', 'default_pool_id', ...owned, ...timed],
  ],
  pools: [...named, 'operating_status', 'protocol', 'lb_algorithm', ...owned, ...timed],
  members: [
    ...['id', 'enabled', 'operating_status', 'ip_address', 'protocol_port', 'weight'],
    ...['subnet_id', 'monitor_address', 'monitor_port', ...owned, ...timed],
  ],
  policies: [
    ...named,
    ...['action', 'position', 'redirect_pool_id', 'redirect_url', 'redirect_prefix'],
    ...timed,
  ],
  rules: ['id', 'type', 'compare_type', 'key', 'value', 'invert', ...timed],
} as const;

/**
 * @param keys by which the list can be sorted
 * Faults: `invalid_request`, in the recorded sentences
 */
export function pageOf(query: ValuesOf<typeof paging>, keys: readonly string[]): Page {
  return {
    sort: orRefuse(() => sortOf(query, keys)),
    limit: query.limit,
    marker: query.marker,
    isReverse: query.page_reverse ?? false,
  };
}

function sortOf(
  { sort, sort_key: names = [], sort_dir: directions = [] }: ValuesOf<typeof paging>,
  keys: readonly string[],
): Page['sort'] {
  const wanted: (readonly string[])[] =
    sort === undefined || sort === ''
      ? names.map((name, at) => [name, directions[at] ?? 'asc'])
      : sort.split(',').map((each) => each.split(':'));
  if (wanted.length > 16) throw new Wrong(`Supplied sort key '${quoted(sort)}' is not valid.`);
  return wanted.map((parts) => {
    const [key = '', direction = 'asc'] = parts;
    if (parts.length > 2) throw new Wrong(`Supplied sort key '${quoted(parts)}' is not valid.`);
    if (!keys.includes(key)) throw new Wrong(`Supplied sort key '${quoted(key)}' is not valid.`);
    if (direction !== 'asc' && direction !== 'desc')
      throw new Wrong(`Supplied sort direction '${quoted(direction)}' is not valid.`);
    return { key: key === 'tenant_id' ? 'project_id' : key, isDescending: direction === 'desc' };
  });
}
