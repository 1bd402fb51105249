import type { Cib } from '../../parsers/cib/cib.ts';
import { infinity } from '../../parsers/cib/values.ts';
import {
  bansIn,
  type ClusterState,
  conditionsIn,
  failCountsIn,
  type Failure,
  failuresIn,
  type Instance,
  instancesOf,
  type NodeState,
  nodeStates,
} from '../../parsers/crm-mon.ts';
import { familyOf, needsOf } from './needs.ts';

// Says why a resource does not run or is not managed, but only if the cluster's state and configuration leave no doubt. A
// wrong hint would send its reader away from the cause.

/** The state, and the configuration that belongs to it. */
export interface Seen {
  state: ClusterState;
  cib: Cib;
  /** The reasons in the configuration, if they were looked for. */
  heldBack?: HeldBack | undefined;
}

/**
 * The places in a configuration that may keep a resource stopped or unmanaged, such as `target-role in rsc_defaults`.
 * Only the state shows whether they do.
 */
export interface HeldBack {
  stopped: readonly string[];
  unmanaged: readonly string[];
  /** Whether a node is in maintenance, which affects the resources there. */
  hasMaintenance: boolean;
}

/** The exit code of an agent for a wrong setting. The scheduler then tries the resource on no node. */
const fatalExitCode = 6;
/** With these, the scheduler avoids one node: wrong arguments, not implemented, no permission, not installed. */
const hardExitCodes: readonly number[] = [2, 3, 4, 5];

/**
 * The reasons that keep all resources from running, a clause each. They depend on the properties in effect:
 * `no-quorum-policy`, `stop-all-resources` and `maintenance-mode` (pacemaker-schedulerd(7)).
 */
export function obstaclesOfAll(state: ClusterState): string[] {
  const { hasCoordinator, hasQuorum, options } = conditionsIn(state);
  return [
    ...(hasCoordinator
      ? []
      : ['the cluster has no coordinator at the moment, so nothing is decided']),
    ...(hasCoordinator && !hasQuorum && options['no-quorum-policy'] === 'stop'
      ? [noQuorum('starts nothing', 'stop')]
      : []),
    ...(options['stop-all-resources'] === 'true'
      ? ['the property stop-all-resources is true']
      : []),
    ...(options['maintenance-mode'] === 'true'
      ? ['the property maintenance-mode is true, so the cluster starts and stops nothing']
      : []),
  ];
}

function noQuorum(effect: string, policy: string): string {
  return `there is no quorum, so the cluster ${effect} (no-quorum-policy is ${policy}); the quorum shows which nodes are together`;
}

/**
 * The reasons that keep a resource from running on one node, or on all nodes, a clause each.
 * @param on.isBefore whether the state does not show the change yet. The change may then end the target role, and the
 * resource counts as unmanaged only if the configuration still says so
 * @returns the reasons that are certain; empty if none is
 */
export function obstaclesOf(
  seen: Seen,
  resource: string,
  { node, isBefore = false }: { node?: string; isBefore?: boolean } = {},
): string[] {
  const ofAll = obstaclesOfAll(seen.state);
  if (ofAll.length > 0) return ofAll;
  const ofItself = obstaclesOfItself(seen, resource, isBefore);
  if (ofItself.length > 0) return ofItself;
  if (node !== undefined) return obstaclesOn(seen, resource, node);
  const byNode = nodeStates(seen.state).map(({ name }) => ({
    name,
    why: obstaclesOn(seen, resource, name),
  }));
  // If one node could run it, no reason is certain.
  if (byNode.some(({ why }) => why.length === 0)) return [];
  return byNode.map(({ name, why }) => `on ${name}: ${why.join(', and ')}`);
}

/** The failures of a resource on one node or on all, a clause each. */
export function failuresOf({ state, cib }: Seen, resource: string, node?: string): string[] {
  const { inside } = familyOf(cib, resource);
  const failures = failuresIn(state).filter(
    (each) => inside.includes(each.resource) && (node === undefined || each.node === node),
  );
  return failures.map((each) => {
    const what = each.resource === resource ? '' : ` of ${each.resource}`;
    return `${each.task}${what} failed on ${each.node}: ${each.reason}`;
  });
}

/** Whether it is configured to be stopped, in whatever place. */
export function isToStop({ targetRole = '' }: Instance): boolean {
  return targetRole.toLowerCase() === 'stopped';
}

/**
 * Why the cluster does not manage a resource, as the end of a sentence.
 * @param counts selects the instances to look at
 * @returns undefined if it manages each of them
 */
export function whyNotManaged(
  state: ClusterState,
  resource: string,
  heldBack: HeldBack | undefined,
  counts: (instance: Instance) => boolean = () => true,
): string | undefined {
  const left = (instancesOf(state, resource) ?? []).filter((each) => !each.managed && counts(each));
  if (left.length === 0) return undefined;
  const nodes = nodeStates(state)
    .filter(
      ({ name, maintenance }) => maintenance && left.some((each) => each.nodes.includes(name)),
    )
    .map(({ name }) => `maintenance of the node ${name}`);
  const blocked = left.some((each) => each.blocked)
    ? ['a failed operation that blocks it until it is cleaned up']
    : [];
  return because([...(heldBack?.unmanaged ?? []), ...nodes, ...blocked]);
}

function because(reasons: readonly string[]): string {
  return reasons.length === 0 ? '' : `, because of ${reasons.join(', ')}`;
}

function obstaclesOfItself(seen: Seen, resource: string, isBefore: boolean): string[] {
  const { state, cib, heldBack } = seen;
  const instances = instancesOf(state, resource) ?? [];
  const isRunning = instances.some(({ nodes }) => nodes.length > 0);
  const { hasQuorum, options } = conditionsIn(state);
  const { inside } = familyOf(cib, resource);
  const fatal = failuresIn(state).find(
    ({ resource: id, exitCode }) => inside.includes(id) && exitCode === fatalExitCode,
  );
  const failures = failuresOf(seen, resource);
  const why = failures.length > 0 ? ` (${failures.join('; ')})` : '';
  // A blocked resource is unmanaged as well, and that would be the same reason twice.
  const unmanaged = whyNotManaged(state, resource, heldBack, ({ blocked }) => !blocked);
  return [
    ...(!isRunning && !hasQuorum && options['no-quorum-policy'] === 'freeze'
      ? [noQuorum('starts nothing that does not run already', 'freeze')]
      : []),
    ...(!isRunning && fatal ? [failedHard(fatal, resource, 'any node')] : []),
    ...(instances.some(({ blocked }) => blocked)
      ? [
          `the cluster has blocked it after a failure${why}; correct the cause, then clean up ${resource}`,
        ]
      : []),
    ...(!isBefore && instances.some(isToStop)
      ? [`its target-role is Stopped${because(heldBack?.stopped ?? [])}`]
      : []),
    ...(unmanaged === undefined || (isBefore && unmanaged === '')
      ? []
      : [`the cluster does not manage it${unmanaged}`]),
  ];
}

/** @param asked resources whose obstacles are already being looked for */
function obstaclesOn(
  seen: Seen,
  resource: string,
  node: string,
  asked: readonly string[] = [],
): string[] {
  const { state, cib } = seen;
  const place = nodeStates(state).find(({ name }) => name === node);
  const ofNode = place === undefined ? undefined : stateOf(place);
  if (ofNode !== undefined) return [`the node is ${ofNode}`];
  const { inside, around } = familyOf(cib, resource);
  const own = [resource, ...inside, ...around];
  const bans = bansIn(state).filter(
    (ban) =>
      ban.node === node &&
      own.includes(ban.resource) &&
      ban.weight <= -infinity &&
      !ban.promotedOnly,
  );
  const failed = failCountsIn(state).filter(
    ({ resource: id, node: where, count, threshold }) =>
      where === node && inside.includes(id) && threshold > 0 && count >= threshold,
  );
  const hard = failuresIn(state).filter(
    ({ resource: id, node: where, exitCode }) =>
      inside.includes(id) && where === node && hardExitCodes.includes(exitCode),
  );
  const certain = [
    ...bans.map(({ id, resource: banned }) =>
      id.startsWith('cli-ban-')
        ? `a ban keeps it away (constraint ${id}) until the bans of ${banned} are cleared`
        : `the constraint ${id} keeps it away`,
    ),
    ...failed.map((each) => failedOften(seen, each)),
    ...(failed.length > 0 ? [] : hard.map((each) => failedHard(each, resource, 'that node'))),
  ];
  if (certain.length > 0) return certain;
  for (const { other, how } of needsOf(cib, own)) {
    if (asked.includes(other) || own.includes(other)) continue;
    const why = obstaclesOn(seen, other, node, [...asked, ...own]);
    if (why.length > 0) return [`it ${how}, which cannot run there: ${why.join(', and ')}`];
  }
  return [];
}

function failedHard(
  { task, node, reason, exitCode }: Failure,
  resource: string,
  where: 'any node' | 'that node',
): string {
  return `${task} failed on ${node}: ${reason}, and after exit code ${exitCode} no retry on ${where} helps; correct the cause, then clean up ${resource}`;
}

function failedOften(
  seen: Seen,
  { resource, node, count, threshold }: ReturnType<typeof failCountsIn>[number],
): string {
  const failures = failuresOf(seen, resource, node);
  const why = failures.length > 0 ? ` (${failures.join('; ')})` : '';
  const often =
    count >= infinity
      ? `${resource} failed there for good${why}`
      : `${resource} failed there ${count === 1 ? 'once' : `${count} times`}${why}, and its migration-threshold is ${threshold}`;
  return `${often}; correct the cause, then clean up ${resource}`;
}

function stateOf({ online, standby, maintenance }: NodeState): string | undefined {
  if (!online) return 'offline';
  if (standby) return 'in standby';
  return maintenance ? 'in maintenance' : undefined;
}
