import type { VrrpInstance } from '../parsers/keepalived/dump.ts';

/**
 * Makes a function that puts the time of the last transition in the place of what keepalived says: a reload sets that to
 * its own time, in each instance and in all releases from 2.1.5 to 2.3.3. An instance that has the state of the previous
 * call, and was not master or something else in between, has had no transition.
 * @param pid the process that the instances are from
 */
export function makeSinceTransitions(): (
  pid: number | undefined,
  instances: readonly VrrpInstance[] | undefined,
) => readonly VrrpInstance[] | undefined {
  let former: { pid: number | undefined; byName: ReadonlyMap<string, VrrpInstance> } | undefined;
  return (pid, instances) => {
    if (instances === undefined) return undefined;
    const known = former?.pid === pid ? former?.byName : undefined;
    const corrected = instances.map((each) => {
      const before = known?.get(each.name);
      const isSame =
        before?.state === each.state && (each.transitions ?? 0) <= (before.transitions ?? 0);
      return isSame ? { ...each, since: before.since } : each;
    });
    former = { pid, byName: new Map(corrected.map((each) => [each.name, each])) };
    return corrected;
  };
}
