import { Fault } from '../kit/fault.ts';
import type { AmphoraPaths } from './paths.ts';
import { makeOwnerConfigs } from './haproxies/owner-configs.ts';
import { sharedPlacesOf } from './haproxies/places.ts';
import { readPlainFile } from './haproxies/plain-files.ts';

/**
 * Refuses to run in another namespace than that of the owners: their processes would go on in the former one.
 * @param inNamespace what puts a command into the configured namespace; empty for the host's own
 * Faults: `invalid_config`
 */
export async function refuseOtherNamespace(
  paths: AmphoraPaths,
  inNamespace: readonly string[],
): Promise<void> {
  const variables = (await readPlainFile(sharedPlacesOf(paths).environment))?.toString('utf8');
  const former = /^AMPHORA_IN=(.*)$/m.exec(variables ?? '')?.[1];
  if (former === undefined || former === inNamespace.join(' ')) return;
  const ids = await makeOwnerConfigs(paths).ids();
  if (ids.length === 0) return;
  throw new Fault(
    'invalid_config',
    `The key 'namespace' of amphora.json differs from that of ${ids.length} configured load balancers or listeners. Set it back, or have the controller delete them first.`,
  );
}
