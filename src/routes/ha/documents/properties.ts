import { type ClusterOptions, propertyNotFound } from '../../../cluster/reading/properties.ts';
import type { Cib } from '../../../cluster/model.ts';

/** A cluster property with its default and its value in effect. */
export interface Property {
  default: string;
  value: string;
}

/** By name, in alphabetical order. */
export type PropertyList = Readonly<Record<string, Property>>;

/** The documented list: each property that a daemon of Pacemaker describes, and each that is set. */
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
