import { Fault } from '../kit/fault.ts';
import type { QuotaKind } from './objects.ts';

// The sentences are those of the documented API, because its clients read them.

/** What the sentences call the kinds of objects. */
export const nouns = {
  load_balancer: 'Load Balancer',
  listener: 'Listener',
  pool: 'Pool',
  member: 'Member',
  health_monitor: 'Health Monitor',
  policy: 'L7 Policy',
  rule: 'L7 Rule',
} as const;
export type Kind = keyof typeof nouns;

/** @param id as the caller has written it; for a monitor that of its pool */
export function notFound(
  kind: Kind | 'Port' | 'Secret' | 'Node' | 'Quotas',
  id: string | number,
): Fault {
  const noun = kind in nouns ? nouns[kind as Kind] : kind;
  return new Fault('balancer_object_not_found', `${noun} ${id} not found.`);
}

export function immutable(balancer: string): Fault {
  return conflict(
    'balancer_immutable',
    `Load Balancer ${balancer} is immutable and cannot be updated.`,
  );
}

export function taken(sentence: string): Fault {
  return conflict('balancer_conflict', sentence);
}

function conflict(code: 'balancer_immutable' | 'balancer_conflict', sentence: string): Fault {
  return new Fault(code, sentence);
}

export function invalid(sentence: string): Fault {
  return new Fault('balancer_invalid', sentence);
}

export function quotaMet(kind: QuotaKind): Fault {
  return new Fault('balancer_quota_met', `Quota has been met for resources: ${nouns[kind]}`);
}

export function otherRevision(present: number, wanted: number): Fault {
  return new Fault(
    'version_changed',
    `The load balancer has been changed since: it has the revision ${present}, and the request is for ${wanted}. Read it again, and repeat the change if it still makes sense.`,
  );
}
