import { isTime, roleIn, roles, secondsOf } from '../../../parsers/cib/values.ts';
import type { AgentAction } from '../../../parsers/metadata.ts';
import { childToEdit, type EditableXml, newElement } from '../../../parsers/xml-edit.ts';
import type { Agent } from '../../agents/agent-metadata.ts';
import { freeId } from '../engine/cib-ids.ts';
import { newSet } from '../engine/cib-pairs.ts';

// Makes the operations of a resource as pcs does (pcs/lib/cib/resource/operations.py, and
// resource_operation_add in pcs/resource.py).

/** An operation and its options: `interval`, `timeout`, `on-fail` … */
export interface OperationOptions {
  name: string;
  options: Readonly<Record<string, string>>;
}

/** The options of an operation (`element-operations` in resources-*.rng). */
const optionNames: readonly string[] = [
  ...['id', 'description', 'enabled', 'interval', 'interval-origin', 'on-fail', 'record-pending'],
  ...['role', 'start-delay', 'timeout', 'OCF_CHECK_LEVEL'],
];
/** This one is stored as a parameter of the operation, not as an attribute. */
const checkLevel = 'OCF_CHECK_LEVEL';

const booleans = ['0', '1', 'true', 'false'];
const values: Readonly<Record<string, readonly string[]>> = {
  role: roles,
  'on-fail': [
    ...['block', 'demote', 'fence', 'ignore', 'restart', 'restart-container', 'standby', 'stop'],
  ],
  enabled: booleans,
  'record-pending': booleans,
};

const times: readonly string[] = ['interval', 'timeout', 'start-delay'];

/** Actions that Pacemaker does not run by itself, and `status`, an old name of `monitor`. */
const notForTheCib: readonly string[] = ['meta-data', 'status', 'validate-all'];

/** @returns what is wrong with the operations of a new resource, a sentence each */
export function problemsOfNewOperations(
  agent: Agent,
  operations: readonly OperationOptions[],
): string[] {
  const empty = operations.filter(({ options }) => Object.keys(options).length === 0);
  return [
    ...empty.map(({ name }) => `The operation ${name} needs an option.`),
    ...problemsOfOperations(agent, operations),
    ...problemsOfIntervals(operations),
  ];
}

/** @returns what is wrong with each operation by itself, a sentence each */
export function problemsOfOperations(
  { type, actions }: Agent,
  operations: readonly OperationOptions[],
): string[] {
  const known = actions.map(({ name }) => name);
  return operations.flatMap(({ name, options }) => [
    ...(known.includes(name)
      ? []
      : [`${type} has no operation ${name}. It has ${known.join(', ')}.`]),
    ...problemsOfOptions(name, normalized(options)),
  ]);
}

function problemsOfOptions(operation: string, options: OperationOptions['options']): string[] {
  const of = (text: string) => `The operation ${operation} ${text}.`;
  return Object.entries(options).flatMap(([name, value]) => {
    if (!optionNames.includes(name)) {
      return [of(`takes no option ${name}; it takes ${optionNames.join(', ')}`)];
    }
    if (name === 'interval-origin' && 'start-delay' in options) {
      return [of('cannot have both interval-origin and start-delay')];
    }
    const allowed = values[name];
    if (allowed && !allowed.includes(value)) {
      return [of(`takes one of ${allowed.join(', ')} as ${name}`)];
    }
    // With an empty time, the default counts.
    if (times.includes(name) && value !== '' && !isTime(value)) {
      return [of(`needs a time as ${name}, such as "30s" or "5min"`)];
    }
    if (name === 'id' && freeId(new Set(), value) !== value) {
      return [of('needs an XML id as id: a letter or "_" first, then also digits, "." and "-"')];
    }
    return [];
  });
}

/** Pacemaker distinguishes operations of one name by their intervals. */
function problemsOfIntervals(operations: readonly OperationOptions[]): string[] {
  const seen = new Map<string, string>();
  return operations.flatMap(({ name, options }) => {
    const interval = options['interval'] ?? defaultInterval(name);
    const key = `${name} ${lengthOf(interval)}`;
    const former = seen.get(key);
    seen.set(key, interval);
    return former === undefined ? [] : [sameInterval(name, [former, interval])];
  });
}

function sameInterval(operation: string, intervals: readonly string[]): string {
  return `Two operations ${operation} have the same interval (${intervals.join(', ')}). Pacemaker distinguishes them by their intervals, so give each another one.`;
}

/**
 * The operations of a new resource: those of the caller, and others that its agent proposes. There is always a monitor.
 */
export function newOperations(
  resourceId: string,
  agent: Agent,
  operations: readonly OperationOptions[],
  ids: Set<string>,
  hasNewRoles: boolean,
): EditableXml {
  const asked = new Set(operations.map(({ name }) => name));
  const proposed = withIntervalsOfTheirOwn(
    proposedActions(agent)
      .filter(({ name }) => !asked.has(name))
      .map(asOperation),
  );
  const all = [...operations, ...proposed].sort((a, b) => compare(a.name, b.name));
  return newElement(
    'operations',
    {},
    all.map((each) => newOperation(resourceId, each, ids, hasNewRoles)),
  );
}

/** A fence device has only a monitor, because Pacemaker runs its other actions by itself. */
function proposedActions({ class: standard, actions }: Agent): AgentAction[] {
  const proposed = actions.filter(({ name }) =>
    standard === 'stonith' ? name === 'monitor' : !notForTheCib.includes(name),
  );
  const hasMonitor = proposed.some(({ name }) => name === 'monitor');
  return hasMonitor ? proposed : [...proposed, { name: 'monitor', attributes: {} }];
}

function asOperation({ name, attributes }: AgentAction): OperationOptions {
  const { timeout = '', interval = '', role = '', depth = '0' } = attributes;
  const options = {
    timeout,
    interval: interval === '' ? defaultInterval(name) : interval,
    role,
    'start-delay': attributes['start-delay'] ?? '',
    [checkLevel]: depth === '0' ? '' : depth,
  };
  return { name, options };
}

/** Agents often propose several monitors with the same interval, for different roles or depths. */
function withIntervalsOfTheirOwn(operations: readonly OperationOptions[]): OperationOptions[] {
  const taken = new Set<string>();
  return operations.map(({ name, options }) => {
    const interval = options['interval'] ?? '';
    let seconds = secondsOf(interval);
    if (seconds === undefined) return { name, options };
    const isFree = () => !taken.has(`${name} ${seconds}`);
    const asProposed = isFree();
    while (!isFree()) seconds += 1;
    taken.add(`${name} ${seconds}`);
    return { name, options: { ...options, interval: asProposed ? interval : `${seconds}` } };
  });
}

function newOperation(
  resourceId: string,
  { name, options }: OperationOptions,
  ids: Set<string>,
  hasNewRoles: boolean,
): EditableXml {
  const given = Object.entries(normalized(options)).filter(([, value]) => value !== '');
  const {
    [checkLevel]: level,
    id: wantedId,
    interval = defaultInterval(name),
    role,
    ...others
  } = Object.fromEntries(given);
  const id = wantedId ?? freeId(ids, `${resourceId}-${name}-interval-${interval}`);
  ids.add(id);
  return newElement(
    'op',
    { id, name, interval, role: role && roleIn(role, hasNewRoles), ...others },
    level === undefined ? [] : [newSet(ids, 'instance_attributes', id, { [checkLevel]: level })],
  );
}

/**
 * Replaces operations with the same name and role: first one with the same interval, else the first that is left. If none
 * is left, the new operation is added.
 * @returns what is wrong with the result, a sentence each
 */
export function replaceOperations(
  primitive: EditableXml,
  operations: readonly OperationOptions[],
  ids: Set<string>,
  hasNewRoles: boolean,
): string[] {
  const all = childToEdit(primitive, 'operations').children;
  const asIs = (each: EditableXml) => keyOf(each.attributes, hasNewRoles);
  const keys = operations.map(({ name, options }) => {
    const { role = '', interval = defaultInterval(name) } = normalized(options);
    return keyOf({ name, role, interval }, hasNewRoles);
  });
  const places: (EditableXml | undefined)[] = keys.map(() => undefined);
  for (const isPlaceOf of [isSameOperation, isOfSameKind]) {
    for (const [index, key] of keys.entries()) {
      places[index] ??= all.find((each) => !places.includes(each) && isPlaceOf(asIs(each), key));
    }
  }
  for (const former of places) if (former) forgetIds(former, ids);
  const id = primitive.attributes['id'] ?? '';
  const added = operations.map((each) => newOperation(id, each, ids, hasNewRoles));
  for (const [index, operation] of added.entries()) {
    const former = places[index];
    const place = former ? all.indexOf(former) : all.length;
    all.splice(place, former ? 1 : 0, operation);
  }
  return added.flatMap((operation, index) => {
    const { name, interval = '' } = operation.attributes;
    const isSame = ({ attributes }: EditableXml) =>
      attributes['name'] === name && lengthOf(attributes['interval'] ?? '') === lengthOf(interval);
    // If two given operations clash, one sentence is enough.
    const same = all.find((each) => !added.slice(index).includes(each) && isSame(each));
    return same ? [sameInterval(name ?? '', [same.attributes['interval'] ?? '', interval])] : [];
  });
}

interface OperationKey {
  /** Its name and role. */
  kind: string;
  length: number | string;
}

function keyOf(
  { name = '', role = '', interval = '' }: Readonly<Record<string, string>>,
  hasNewRoles: boolean,
): OperationKey {
  return { kind: `${name} ${roleIn(role, hasNewRoles)}`, length: lengthOf(interval) };
}

function isOfSameKind(one: OperationKey, other: OperationKey): boolean {
  return one.kind === other.kind;
}

function isSameOperation(one: OperationKey, other: OperationKey): boolean {
  return isOfSameKind(one, other) && one.length === other.length;
}

function forgetIds({ attributes, children }: EditableXml, ids: Set<string>): void {
  ids.delete(attributes['id'] ?? '');
  for (const each of children) forgetIds(each, ids);
}

function defaultInterval(operation: string): string {
  return operation === 'monitor' ? '60s' : '0s';
}

/** Puts values that ignore case into one form. */
function normalized(options: OperationOptions['options']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]): [string, string] => {
      const lower = value.toLowerCase();
      if (name === 'role') return [name, lower.charAt(0).toUpperCase() + lower.slice(1)];
      return [name, name in values ? lower : value];
    }),
  );
}

/** The name of the promoted role in a CIB. */
export function promotedRole(cib: EditableXml): string {
  return roleIn('Promoted', hasNewRoleNames(cib));
}

/** Whether the CIB's schema has the roles Promoted and Unpromoted. They exist since 3.7. */
export function hasNewRoleNames({ attributes }: EditableXml): boolean {
  const [, major = 0, minor = 0] =
    /^pacemaker-(\d+)\.(\d+)/.exec(attributes['validate-with'] ?? '') ?? [];
  return Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 7);
}

/** The length of a time, for comparison. */
function lengthOf(interval: string): number | string {
  return secondsOf(interval) ?? interval;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
