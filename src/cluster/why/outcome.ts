import { instancesOf } from '../../parsers/crm-mon.ts';
import { failuresOf, isToStop, obstaclesOf, type Seen } from './obstacles.ts';

/** The state of a resource that a change is meant to lead to: running, and on a certain node if one is given. */
export interface ExpectedResource {
  resource: string;
  node?: string;
  /** Whether it is to be promoted there. */
  promoted?: boolean;
  /** Whether the change is a start. After another change, a resource that is configured to be stopped is as expected. */
  isStarted?: boolean;
}

export type Moment = 'before' | 'made' | 'after';

/**
 * Says how a resource differs from what a change is meant to lead to, and why, a sentence each.
 * @param moment when the state was read: `before` the change, which allows only findings that the change will not alter;
 * when it was `made`; or `after` the cluster has finished
 */
export function disappointmentsOf(
  seen: Seen,
  { resource, node, promoted = false, isStarted = false }: ExpectedResource,
  moment: Moment,
): string[] {
  const isOver = moment === 'after';
  const instances = instancesOf(seen.state, resource) ?? [];
  if (isOver && !isStarted && instances.some(isToStop)) return [];
  const failures = failuresOf(seen, resource);
  if (instances.some(({ failed, blocked }) => failed || blocked)) {
    const how = instances.some(({ blocked }) => blocked) ? 'blocked after a failure' : 'failed';
    return [sentence(`${resource} is ${how}`, failures)];
  }
  const ids = new Set(instances.map(({ id }) => id));
  const nameOf = (some: readonly string[]) =>
    some.length === 0 || ids.size === 1 ? resource : [...new Set(some)].join(', ');
  const idle = [...ids].filter(
    (id) => !instances.some((each) => each.id === id && each.nodes.length > 0),
  );
  if (instances.length === 0 || idle.length > 0) {
    // The others may be about to start.
    const held = idle.filter((id) =>
      instances.some(
        (each) => each.id === id && (!each.managed || (moment === 'made' && isToStop(each))),
      ),
    );
    const named = isOver || held.length === 0 ? idle : held;
    const what = nameOf(named);
    const why = obstaclesOf(seen, resource, { isBefore: moment === 'before' });
    if (why.length === 0 && !isOver) return [];
    const reasons = why.length > 0 ? why : failures;
    return [sentence(`${what} is not running${isOver ? '' : ', and will not be'}`, reasons)];
  }
  const leaving = instances.filter((each) => each.managed && isToStop(each));
  if (moment === 'made' && isStarted && leaving.length > 0) {
    const what = nameOf(leaving.map(({ id }) => id));
    return [sentence(`${what} will be stopped`, obstaclesOf(seen, resource))];
  }
  if (!isOver || node === undefined) return [];
  const wanted = instances.filter((each) => !promoted || each.promoted);
  if (wanted.some(({ nodes }) => nodes.includes(node))) return [];
  const where = [...new Set(wanted.flatMap(({ nodes }) => nodes))].join(', ');
  const why = [...failuresOf(seen, resource, node), ...obstaclesOf(seen, resource, { node })];
  const what = promoted ? 'promoted on' : 'on';
  const but = where === '' ? '' : ` but on ${where}`;
  return [sentence(`${resource} is not ${what} ${node}${but}`, why)];
}

function sentence(what: string, why: readonly string[]): string {
  if (why.length > 0) return `${what}: ${why.join('; ')}.`;
  return `${what}. The status of the cluster shows no failure that would say why.`;
}
