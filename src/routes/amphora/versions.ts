import type { ApiVersion, Owner } from '../../amphora/amphora.ts';

/** The base path of each version. Only the first one has a `v`, as in its document. */
export const baseOf: Readonly<Record<ApiVersion, string>> = {
  '0.1': '/v0.1',
  '0.5': '/0.5',
  '1.0': '/1.0',
};

/** What a haproxy process belongs to in a version, and how its routes and faults name it. */
export interface OwnerRoutes {
  kind: Owner['kind'];
  /** The first segment of its routes. */
  segment: string;
  /** The owner in the faults of the documents. */
  noun: string;
  /** The owner for people. */
  name: string;
}

export function ownerRoutesOf(version: ApiVersion): OwnerRoutes {
  return version === '1.0'
    ? { kind: 'loadbalancer', segment: 'loadbalancer', noun: 'loadbalancer', name: 'load balancer' }
    : { kind: 'listener', segment: 'listeners', noun: 'listener', name: 'listener' };
}
