import type { FaultTable } from '../../server/fault-table.ts';
import { storeFaults } from '../common/store-faults.ts';

/** The faults of load balancers, and those of the store and the nodes that their changes need. */
export const balancerFaults = {
  ...storeFaults,
  balancer_invalid: { status: 400, title: 'The request is not valid', exit: 'usage' },
  balancer_quota_met: { status: 403, title: 'The quota is used up', exit: 'refused' },
  balancer_object_not_found: { status: 404, title: 'There is no such object', exit: 'refused' },
  balancer_not_acceptable: {
    status: 406,
    title: 'The answer is offered as JSON only',
    exit: 'usage',
  },
  balancer_immutable: { status: 409, title: 'The load balancer is being changed', exit: 'refused' },
  balancer_conflict: { status: 409, title: 'It conflicts with another object', exit: 'refused' },
} as const satisfies FaultTable;

declare module '../../kit/fault.ts' {
  interface FaultCodes extends Record<keyof typeof balancerFaults, unknown> {}
}
