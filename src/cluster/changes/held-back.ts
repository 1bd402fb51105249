import type { Host } from '../../host.ts';
import { readState } from '../../pacemaker/crm-mon.ts';
import { followIn } from '../../parsers/cib-references.ts';
import {
  type ClusterState,
  type Instance,
  instancesOf,
  nodeStates,
} from '../../parsers/crm-mon.ts';
import { type EditableXml, walk } from '../../parsers/xml-edit.ts';
import type { Site } from './changes.ts';
import { isFalse, isTrue, type PlacedResource, resourcesIn, templateOf } from './cib-elements.ts';

// Why a start or a manage has no effect: pcs and we take a meta attribute out where it stands, but a template, a group
// around, `rsc_defaults`, a rule, a reference or a node may say the same. Whether they count is the cluster's to say.

/** What may keep a resource from being started, or from being managed: where it stands, in words. */
export interface HeldBack {
  stopped: readonly string[];
  unmanaged: readonly string[];
  /** Whether a node is in maintenance, which counts for what runs there. */
  hasMaintenance: boolean;
}

/** @param placed as it is after the edit */
export function heldBackBy(configuration: EditableXml, placed: PlacedResource): HeldBack {
  const saying = (name: string, isSo: (value?: string) => boolean) =>
    placesOf(configuration, placed, name, isSo).map((place) => `${name} in ${place}`);
  return {
    stopped: saying('target-role', (value = '') => value.toLowerCase() === 'stopped'),
    unmanaged: [
      ...saying('is-managed', isFalse),
      ...saying('maintenance', isTrue),
      ...(hasPair(configuration, 'crm_config', 'maintenance-mode')
        ? ['the property maintenance-mode']
        : []),
    ],
    hasMaintenance: hasPair(configuration, 'nodes', 'maintenance'),
  };
}

/** Tells the caller of a start that left the resource as it was. Faults: those of readState. */
export async function warnOfNoStart(site: Site, name: string, heldBack: HeldBack): Promise<void> {
  const { stopped } = heldBack;
  if (stopped.length === 0 && !mayBeUnmanaged(heldBack)) return;
  const state = await readState(site.host);
  const instances = instancesOf(state, name) ?? [];
  const isStopped = ({ targetRole = '' }: Instance) => targetRole.toLowerCase() === 'stopped';
  if (stopped.length > 0 && instances.some(isStopped)) {
    site.warn(`${name} stays stopped, for this still says so: ${stopped.join(', ')}.`);
  }
  const reasons = reasonsOf(state, instances, heldBack);
  if (reasons === undefined) return;
  site.warn(`The cluster starts nothing of ${name}, which it does not manage${reasons}.`);
}

/** The same of a stop. */
export async function warnOfNoStop(site: Site, name: string, heldBack: HeldBack): Promise<void> {
  if (!mayBeUnmanaged(heldBack)) return;
  const state = await readState(site.host);
  const reasons = reasonsOf(state, instancesOf(state, name) ?? [], heldBack);
  if (reasons === undefined) return;
  site.warn(`The cluster stops nothing of ${name}, which it does not manage${reasons}.`);
}

/** Nearly always nothing says so, and the cluster need not be asked. */
function mayBeUnmanaged({ unmanaged, hasMaintenance }: HeldBack): boolean {
  return unmanaged.length > 0 || hasMaintenance;
}

/** Tells the caller of a manage that left the resource as it was. Faults: those of readState. */
export async function warnOfNoManage(site: Site, name: string, heldBack: HeldBack): Promise<void> {
  const state = await readState(site.host);
  const reasons = reasonsOf(state, instancesOf(state, name) ?? [], heldBack);
  if (reasons === undefined) return;
  site.warn(`The cluster still does not manage ${name}${reasons}.`);
}

/**
 * Why the cluster would not stop what runs of a resource, as the end of a sentence; undefined if it would.
 * Faults: those of readState.
 */
export async function whyNotStopped(
  host: Host,
  name: string,
  heldBack: HeldBack,
): Promise<string | undefined> {
  const state = await readState(host);
  const running = (instancesOf(state, name) ?? []).filter(({ nodes }) => nodes.length > 0);
  return reasonsOf(state, running, heldBack);
}

/** Why any of these instances is not managed, as the end of a sentence; undefined if all are. */
function reasonsOf(
  state: ClusterState,
  instances: readonly Instance[],
  { unmanaged }: HeldBack,
): string | undefined {
  const left = instances.filter(({ managed }) => !managed);
  if (left.length === 0) return undefined;
  const nodes = nodeStates(state)
    .filter(
      ({ name, maintenance }) => maintenance && left.some((each) => each.nodes.includes(name)),
    )
    .map(({ name }) => `maintenance of the node ${name}`);
  const blocked = left.some((each) => each.blocked)
    ? ['a failed operation that blocks it until it is cleaned up']
    : [];
  const reasons = [...unmanaged, ...nodes, ...blocked];
  return reasons.length === 0 ? '' : `, because of ${reasons.join(', ')}`;
}

/** Where a meta attribute that counts for a resource may have such a value. */
function placesOf(
  configuration: EditableXml,
  { element, around }: PlacedResource,
  name: string,
  isSo: (value?: string) => boolean,
): string[] {
  const follow = followIn(configuration);
  const says = ({ children }: EditableXml) =>
    children
      .filter((each) => each.name === 'meta_attributes')
      .flatMap((set) => follow(set).children.map(follow))
      .some(({ attributes }) => attributes['name'] === name && isSo(attributes['value']));
  const inside = resourcesIn(element);
  const templates = inside.flatMap((each) => templateOf(configuration, each) ?? []);
  const defaults = configuration.children.filter((each) => each.name === 'rsc_defaults');
  return [
    ...new Set([
      ...[...inside, ...around, ...templates].filter(says).map(placeOf),
      ...defaults.filter(says).map(() => 'rsc_defaults'),
    ]),
  ];
}

function placeOf({ name, attributes }: EditableXml): string {
  return `the ${name} ${attributes['id']}`;
}

/** Whether a pair in that section, of any set, is true. */
function hasPair({ children }: EditableXml, section: string, name: string): boolean {
  return children
    .filter((each) => each.name === section)
    .flatMap((each) => [...walk(each)])
    .some(
      ({ element: { attributes } }) => attributes['name'] === name && isTrue(attributes['value']),
    );
}
