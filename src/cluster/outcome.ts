import { instancesOf } from '../parsers/crm-mon.ts';
import { failuresOf, isToStop, obstaclesOf, type Seen } from './obstacles.ts';

/** What a change wants of a resource: that it runs, and on which node, if that matters. */
export interface ExpectedResource {
  resource: string;
  node?: string;
  /** Whether it is to be promoted there. */
  promoted?: boolean;
  /** Whether that is what was asked for; else it may as well be configured to be stopped. */
  isStarted?: boolean;
}

export type Moment = 'before' | 'made' | 'after';

/**
 * How a resource comes out otherwise than a change wants it, and why, a sentence each; empty if it does not.
 * @param moment when the state was read: `before` the change, when only what will not change is told; when it was `made`;
 * or `after` the cluster has done all that follows from it
 */
export function disappointmentsOf(
  seen: Seen,
  { resource, node, promoted = false, isStarted = false }: ExpectedResource,
  moment: Moment,
): string[] {
  const isOver = moment === 'after';
  const instances = instancesOf(seen.state, resource) ?? [];
  const stops = instances.some(isToStop);
  if (isOver && stops && !isStarted) return [];
  const failures = failuresOf(seen, resource);
  if (instances.some(({ failed, blocked }) => failed || blocked)) {
    const how = instances.some(({ blocked }) => blocked) ? 'blocked after a failure' : 'failed';
    return [sentence(`${resource} is ${how}`, failures)];
  }
  const ids = new Set(instances.map(({ id }) => id));
  const idle = [...ids].filter(
    (id) => !instances.some((each) => each.id === id && each.nodes.length > 0),
  );
  if (instances.length === 0 || idle.length > 0) {
    const what = idle.length === 0 || ids.size === 1 ? resource : idle.join(', ');
    const why = obstaclesOf(seen, resource, { isBefore: moment === 'before' });
    if (why.length === 0 && !isOver) return [];
    const told = why.length > 0 ? why : failures;
    return [sentence(`${what} is not running${isOver ? '' : ', and will not be'}`, told)];
  }
  if (moment === 'made' && isStarted && stops && instances.every(({ managed }) => managed)) {
    return [sentence(`${resource} will be stopped`, obstaclesOf(seen, resource))];
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
  return `${what}. GET /api/v2/system/ha/status has no failure of it that would say why.`;
}
