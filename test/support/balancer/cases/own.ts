import { l7Cases } from './l7.ts';
import { loadBalancerCases } from './load-balancers.ts';
import { partCases } from './parts.ts';
import type { Cases } from './world.ts';

/** Cases that one kind of object has alone. */
export const ownCases: Cases = { ...l7Cases, ...loadBalancerCases, ...partCases };
