import { Fault } from '../../kit/fault.ts';
import { readState } from '../../pacemaker/crm-mon.ts';
import { followIn } from '../../parsers/cib/references.ts';
import { isFalse, isTrue } from '../../parsers/cib/values.ts';
import type { EditableXml } from '../../parsers/xml-edit.ts';
import type { Site } from '../edits/cluster-change.ts';
import {
  findResource,
  type PlacedResource,
  resourcesIn,
  templateOf,
} from '../edits/engine/cib-elements.ts';
import { hasTrue } from '../edits/engine/cib-pairs.ts';
import { type HeldBack, whyNotManaged } from './obstacles.ts';

// Finds why a change may have no effect. pcs and the agent remove a meta attribute from the resource, but a template, a
// surrounding group, `rsc_defaults`, a rule, a reference or a node may still set it. Only the cluster knows which of these
// counts.

/** As heldBackBy, for the resource of that id; undefined if there is none. */
export function heldBackIn(configuration: EditableXml, id: string): HeldBack | undefined {
  const placed = findResource(configuration, id);
  return placed && heldBackBy(configuration, placed);
}

/**
 * Finds what may keep a resource stopped or unmanaged.
 * @param placed the resource after the edit
 */
export function heldBackBy(configuration: EditableXml, placed: PlacedResource): HeldBack {
  const saying = (name: string, isSo: (value?: string) => boolean) =>
    placesOf(configuration, placed, name, isSo).map((place) => `${name} in ${place}`);
  return {
    stopped: saying('target-role', (value = '') => value.toLowerCase() === 'stopped'),
    unmanaged: [
      ...saying('is-managed', isFalse),
      ...saying('maintenance', isTrue),
      ...(hasTrue(configuration, 'crm_config', 'maintenance-mode')
        ? ['the property maintenance-mode']
        : []),
    ],
    hasMaintenance: hasTrue(configuration, 'nodes', 'maintenance'),
  };
}

/** Warns if a stop left the resource as it was. */
export async function warnOfNoStop(site: Site, name: string, heldBack: HeldBack): Promise<void> {
  // The cluster is asked only if the configuration gives a reason, which is rare.
  if (heldBack.unmanaged.length === 0 && !heldBack.hasMaintenance) return;
  await warnWhereNotManaged(site, name, heldBack, (why) => {
    site.warn(`The cluster does not manage ${name}${why}, so it does not stop it.`);
  });
}

/** Warns if the cluster still does not manage the resource. */
export function warnOfNoManage(site: Site, name: string, heldBack: HeldBack): Promise<void> {
  return warnWhereNotManaged(site, name, heldBack, (why) => {
    site.warn(`The cluster still does not manage ${name}${why}.`);
  });
}

/** The change is already made, so it does not fail if the cluster cannot be asked. */
async function warnWhereNotManaged(
  site: Site,
  name: string,
  heldBack: HeldBack,
  warn: (why: string) => void,
): Promise<void> {
  try {
    const why = whyNotManaged(await readState(site.host), name, heldBack);
    if (why !== undefined) warn(why);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    site.warn(`Whether the cluster manages ${name} could not be read: ${error.message}`);
  }
}

/** The places where a meta attribute that may count for the resource has such a value. */
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
