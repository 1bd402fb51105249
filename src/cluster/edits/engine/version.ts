import { Fault } from '../../../kit/fault.ts';

/** Faults: `version_changed` */
export function checkVersion(expected: string, found: string | undefined): void {
  if (found === expected) return;
  throw new Fault(
    'version_changed',
    `The configuration is at version ${found ?? 'unknown'} now, not ${expected}. Nothing was done. Read it again, check that you still want the change, and send it with the new version.`,
  );
}
