/** What we and pcs make of a CIB in one step of a sequence, where that is not the same. */
export interface Difference {
  /** What the step does, in the words of its case. */
  step: string;
  /** The code of our refusal and its message; undefined if we made the edit. */
  refusal: string | undefined;
  /** What pcs prints when it refuses; undefined if it made the edit. */
  complaint: string | undefined;
  /** The fence devices that there were before the step. */
  devices: readonly string[];
  /** Of what both made, a line for each element that the other does not have. */
  lines: readonly string[];
}

/**
 * The differences from pcs that are kept, by the names that they have in docs/contract.md ("What differs from pcs, and
 * why"). Those without a test are shown by single edits alone.
 */
export const keptDifferences = {
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

export type KeptDifference = keyof typeof keptDifferences;

/** The name of a difference that is kept; undefined if nobody has explained it. */
export function explanationOf(difference: Difference): string | undefined {
  return Object.entries<((difference: Difference) => boolean) | undefined>(keptDifferences).find(
    ([, applies]) => applies?.(difference),
  )?.[0];
}
