import { Fault } from '../../kit/fault.ts';
import type { ClusterHost } from '../paths.ts';
import { cacheByStamp } from '../../kit/files/cached-by-stamp.ts';
import { type ClusterOption, daemonFiles, readClusterOptions } from '../../pacemaker/daemons.ts';
import { fileStamp } from '../../kit/files/stamps.ts';

/** The options that Pacemaker's daemons describe, by name. */
export type ClusterOptions = ReadonlyMap<string, ClusterOption>;

export type ClusterOptionsReader = () => Promise<ClusterOptions>;

/** Faults of the reader: those of readClusterOptions. */
export function makeClusterOptionsReader(host: ClusterHost): ClusterOptionsReader {
  return cacheByStamp(
    async () => (await Promise.all(daemonFiles(host).map(fileStamp))).join(),
    () => readClusterOptions(host),
  );
}

export function propertyNotFound(name: string): Fault {
  return new Fault(
    'property_not_found',
    `There is no property ${name}: Pacemaker does not describe it, and it is not set. The list of properties shows all names.`,
  );
}
