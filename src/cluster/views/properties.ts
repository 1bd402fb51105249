import { Fault } from '../../kit/fault.ts';
import type { Host } from '../../kit/host.ts';
import { keep } from '../../kit/files/cached-by-stamp.ts';
import { type ClusterOption, daemonFiles, readClusterOptions } from '../../pacemaker/daemons.ts';
import type { Cib } from '../../parsers/cib.ts';
import { fileStamp } from '../../kit/files/stamps.ts';

/** A cluster property: what counts when it is not set, and what counts. */
export interface Property {
  default: string;
  value: string;
}

/** What Pacemaker's daemons say of each option, by its name. */
export type ClusterOptions = ReadonlyMap<string, ClusterOption>;

export type ClusterOptionsReader = () => Promise<ClusterOptions>;

/** Faults of the reader: those of readClusterOptions. */
export function makeClusterOptionsReader(host: Host): ClusterOptionsReader {
  return keep(
    async () => (await Promise.all(daemonFiles(host).map(fileStamp))).join(),
    () => readClusterOptions(host),
  );
}

/** By name, in alphabetical order. */
export type PropertyList = Readonly<Record<string, Property>>;

/**
 * The documented list: each property that Pacemaker's daemons describe, and each that is set.
 */
export function listProperties({ properties }: Cib, options: ClusterOptions): PropertyList {
  const names = new Set([...options.keys(), ...Object.keys(properties.pairs)]);
  return Object.fromEntries(
    [...names].sort().map((name) => {
      const byDefault = options.get(name)?.default ?? '';
      return [name, { default: byDefault, value: properties.pairs[name] ?? byDefault }];
    }),
  );
}

/** Faults: `property_not_found` */
export function propertyDetails(list: PropertyList, name: string): PropertyList {
  const property = Object.hasOwn(list, name) ? list[name] : undefined;
  if (property === undefined) throw propertyNotFound(name);
  return { [name]: property };
}

export function propertyNotFound(name: string): Fault {
  return new Fault(
    'property_not_found',
    `There is no property ${name}: Pacemaker does not describe it, and it is not set. GET /api/v2/system/ha/property lists them.`,
  );
}
