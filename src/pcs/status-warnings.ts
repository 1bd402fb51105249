import { isFalse } from '../parsers/cib/values.ts';
import { children, child, descendants, type XmlElement } from '../parsers/xml.ts';

// With this capability (since 0.11), pcs warns of constraints that a move or ban left behind.
const warnsOfMoves = 'pcmk.resource.move.autoclean.default';
// With this one (since 0.12), it leaves out expired constraints, and warns of unknown bundles.
const weighsRules = 'pcmk.constraint.location.simple.rule.pcmk3-date-options';
const knownContainers = ['docker', 'podman'];

/**
 * The warnings about the CIB that `pcs status` prints above the state, in its order (seen in pcs 0.10.8, 0.11.5 and
 * 0.12.0).
 * @returns the lines, or 'only pcs knows' for a rare CIB: one whose warnings depend on rules in effect, on container types,
 *   or on fence_sbd, for which each version of pcs has its own text
 */
export async function pcsWarnings(on: {
  configuration: XmlElement;
  sbdRunning: boolean;
  readCapabilities: () => Promise<ReadonlySet<string>>;
}): Promise<string[] | 'only pcs knows'> {
  const { configuration } = on;
  const resources = child(configuration, 'resources');
  const fenceDevices = resources
    ? descendants(resources, 'primitive').filter(
        ({ attributes }) => attributes['class'] === 'stonith',
      )
    : [];
  const moved = children(child(configuration, 'constraints'), 'rsc_location').filter(
    ({ attributes }) => attributes['id']?.startsWith('cli-') === true && 'rsc' in attributes,
  );
  const cycling = devicesWith(fenceDevices, 'method', (value) => value === 'cycle');
  const oddBundles = children(resources, 'bundle').filter(
    (bundle) => !bundle.children.some(({ name }) => knownContainers.includes(name)),
  );

  const capabilities =
    moved.length > 0 || oddBundles.length > 0 ? await on.readCapabilities() : new Set<string>();
  const weighed = capabilities.has(weighsRules);
  if (
    cycling.some(({ attributes }) => attributes['type'] === 'fence_sbd') ||
    (weighed && (oddBundles.length > 0 || moved.some((each) => child(each, 'rule') !== undefined)))
  ) {
    return 'only pcs knows';
  }

  const warnings: string[] = [];
  if (fenceDevices.length === 0 && !on.sbdRunning && isFencingEnabled(configuration)) {
    warnings.push('No stonith devices and stonith-enabled is not false');
  }
  const acting = devicesWith(fenceDevices, 'action', (value) => value !== '');
  if (acting.length > 0) {
    warnings.push(
      `Following stonith devices have the 'action' option set, it is recommended to set 'pcmk_off_action', 'pcmk_reboot_action' instead: ${listed(acting, 'id')}`,
    );
  }
  if (cycling.length > 0) {
    warnings.push(
      `Following stonith devices have the 'method' option set to 'cycle' which is potentially dangerous, please consider using 'onoff': ${listed(cycling, 'id')}`,
    );
  }
  if (moved.length > 0 && capabilities.has(warnsOfMoves)) {
    warnings.push(
      `Following resources have been moved and their move constraints are still in place: ${listed(moved, 'rsc')}`,
      "Run 'pcs constraint location' or 'pcs resource clear <resource id>' to view or remove the constraints, respectively",
    );
  }
  return warnings;
}

function devicesWith(
  devices: readonly XmlElement[],
  option: string,
  matches: (value: string) => boolean,
): XmlElement[] {
  return devices.filter((device) =>
    children(device, 'instance_attributes')
      .flatMap((set) => children(set, 'nvpair'))
      .some(
        ({ attributes }) => attributes['name'] === option && matches(attributes['value'] ?? ''),
      ),
  );
}

function isFencingEnabled(configuration: XmlElement): boolean {
  return !children(child(configuration, 'crm_config'), 'cluster_property_set')
    .flatMap((set) => children(set, 'nvpair'))
    .some(
      ({ attributes }) => attributes['name'] === 'stonith-enabled' && isFalse(attributes['value']),
    );
}

function listed(elements: readonly XmlElement[], attribute: string): string {
  const values = new Set(elements.map(({ attributes }) => attributes[attribute] ?? ''));
  return [...values]
    .sort()
    .map((value) => `'${value}'`)
    .join(', ');
}
