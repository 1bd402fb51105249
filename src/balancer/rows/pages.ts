import type { Page } from '../domain.ts';
import { invalid } from '../sentences.ts';

/** Names of the answers whose words differ from those of the objects. */
const renamed: Readonly<Record<string, string>> = {
  enabled: 'isEnabled',
  project_id: 'project',
  tenant_id: 'project',
  provisioning_status: 'provisioning',
  operating_status: 'operating',
  protocol_port: 'port',
  ip_address: 'address',
  subnet_id: 'subnet',
  lb_algorithm: 'algorithm',
  session_persistence: 'persistence',
  default_pool_id: 'defaultPool',
  tls_certificate_id: 'tlsRef',
  default_tls_container_id: 'tlsRef',
  redirect_pool_id: 'redirectPool',
  invert: 'isInverted',
};

/**
 * The part of a list that a caller wants.
 * @param objects in their default order: by the time of their making, then by id
 * Faults: `balancer_invalid`
 */
export function pageOf<T extends { id: string }>(
  objects: readonly T[],
  { sort = [], limit, marker, isReverse = false }: Partial<Page> = {},
): T[] {
  const keys = sort.map(({ key, isDescending }) => ({
    name: nameOf(key, objects),
    sign: isDescending ? -1 : 1,
  }));
  const sorted = [...objects];
  if (isReverse) sorted.reverse();
  if (keys.length > 0) {
    sorted.sort((a, b) => {
      for (const { name, sign } of keys) {
        const order = compare(valueOf(a, name), valueOf(b, name)) * sign;
        if (order !== 0) return isReverse ? -order : order;
      }
      return 0;
    });
  }
  const from = marker === undefined ? 0 : afterMarker(sorted, marker);
  return sorted.slice(from, limit === undefined ? undefined : from + limit);
}

function nameOf(key: string, [first]: readonly object[]): string {
  const name =
    renamed[key] ?? key.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase());
  // Without an object there is nothing to sort, whatever the key is.
  const value = first === undefined ? null : valueOf(first, name);
  if (value === undefined || (typeof value === 'object' && value !== null))
    throw invalid(`Supplied sort key '${key}' is not valid.`);
  return name;
}

function valueOf(object: object, name: string): unknown {
  return Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined;
}

/** Nothing comes before everything else. */
function compare(a: unknown, b: unknown): number {
  if (a === b) return 0;
  if (a === null || a === undefined) return -1;
  if (b === null || b === undefined) return 1;
  return a < b ? -1 : 1;
}

function afterMarker(sorted: readonly { id: string }[], marker: string): number {
  const at = sorted.findIndex(({ id }) => id === marker.toLowerCase());
  if (at < 0) throw invalid(`Supplied pagination marker '${marker}' is not valid.`);
  return at + 1;
}
