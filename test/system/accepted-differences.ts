/** How the results of the agent and of pcs differ after one step of a sequence. */
export interface Difference {
  /** The `what` of the step's case. */
  step: string;
  /** The code and the message of the agent's refusal; undefined if it made the edit. */
  refusal: string | undefined;
  /** What pcs prints when it refuses; undefined if it made the edit. */
  complaint: string | undefined;
  /** The ids of the fence devices before the step. */
  devices: readonly string[];
  /** A line for each element that only one of the two results has. */
  lines: readonly string[];
}

/**
 * The accepted differences from pcs, by their names in docs/contract.md ("What differs from pcs, and why"). Those
 * without a function appear only in tests of single edits.
 */
export const acceptedDifferences = {
  'a contradiction': ({ refusal = '', complaint }) =>
    refusal.startsWith('constraint_contradicts') && complaint === undefined,
  'the same in other words': ({ step, refusal = '', complaint }) =>
    /^(?:order|colocat|ticket)/.test(step) &&
    refusal.startsWith('constraint_exists') &&
    complaint === undefined,
  'the same location': ({ step, refusal = '', complaint }) =>
    step.startsWith('locate') && refusal.startsWith('constraint_exists') && complaint === undefined,
  'a resource and what it is in': ({ refusal = '', complaint }) =>
    /named twice|and cannot be constrained to it/.test(refusal) && complaint === undefined,
  'an ordered set of one group': ({ step, refusal = '', complaint }) =>
    step.startsWith('order set') &&
    refusal.includes('both in the group') &&
    complaint === undefined,
  'a member again': ({ step, refusal, complaint = '' }) =>
    step.startsWith('group') &&
    refusal === undefined &&
    /already (?:exists?|present)/.test(complaint),
  'a fence device by a route of resources': ({ step, refusal, complaint, devices }) =>
    complaint === undefined
      ? step.startsWith('delete') &&
        devices.some((id) => refusal?.startsWith(`resource_not_found: There is no resource ${id}.`))
      : refusal === undefined && complaint.includes('does not accept stonith resource'),
  'a clone of a fence device': ({ refusal = '', complaint }) =>
    refusal.includes('is a fence device') && complaint === undefined,
  'an empty parameter': undefined,
  'a tag of what is deleted': undefined,
  'a set without resources': ({ step, refusal, complaint = '' }) =>
    step.startsWith('delete') &&
    refusal === undefined &&
    complaint.includes('may still be referenced in constraints'),
  'names of roles': undefined,
  'an init script': undefined,
} as const satisfies Readonly<Record<string, ((difference: Difference) => boolean) | undefined>>;

export type AcceptedDifference = keyof typeof acceptedDifferences;

/** The name of an accepted difference; undefined if it is none. */
export function explanationOf(difference: Difference): string | undefined {
  return Object.entries<((difference: Difference) => boolean) | undefined>(
    acceptedDifferences,
  ).find(([, applies]) => applies?.(difference))?.[0];
}
