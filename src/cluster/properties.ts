import { Fault } from '../errors.ts';
import type { Host } from '../host.ts';
import { keep } from '../kept.ts';
import { daemonFiles, readOptionDefaults } from '../pacemaker/daemons.ts';
import type { Cib } from '../parsers/cib.ts';
import { fileStamp } from '../stamps.ts';

/** A cluster property: what counts when it is not set, and what counts. */
export interface Property {
  default: string;
  value: string;
}

/** The defaults that Pacemaker's daemons name, by the option's name. */
export type OptionDefaults = ReadonlyMap<string, string>;

export type OptionDefaultsReader = () => Promise<OptionDefaults>;

/** Faults of the reader: those of readOptionDefaults. */
export function makeOptionDefaultsReader(host: Host): OptionDefaultsReader {
  return keep(
    async () => (await Promise.all(daemonFiles(host).map(fileStamp))).join(),
    () => readOptionDefaults(host),
  );
}

/** By name, in alphabetical order. */
export type PropertyList = Readonly<Record<string, Property>>;

/**
 * The documented list: each property that Pacemaker's daemons describe, and each that is set.
 * @param defaults by name
 */
export function listProperties({ properties }: Cib, defaults: OptionDefaults): PropertyList {
  const names = new Set([...defaults.keys(), ...Object.keys(properties.pairs)]);
  return Object.fromEntries(
    [...names].sort().map((name) => {
      const byDefault = defaults.get(name) ?? '';
      return [name, { default: byDefault, value: properties.pairs[name] ?? byDefault }];
    }),
  );
}

/** Faults: `property_not_found` */
export function propertyDetails(list: PropertyList, name: string): PropertyList {
  const property = Object.hasOwn(list, name) ? list[name] : undefined;
  if (property === undefined) {
    throw new Fault(
      'property_not_found',
      `There is no property ${name}: Pacemaker does not describe it, and it is not set. GET /api/v2/system/ha/property lists them.`,
    );
  }
  return { [name]: property };
}
