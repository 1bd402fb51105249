import { type Cib, parseCib } from '../../src/parsers/cib/cib.ts';
import { type ClusterState, parseCrmMon } from '../../src/parsers/crm-mon.ts';
import { type Generation, recorded } from './fixtures.ts';

/** The recorded CIB of the topology that contains everything (test/lab/everything.ts). */
export function everythingCib(generation: Generation): Cib {
  return parseCib(recorded(generation, 'cibadmin', 'everything-query').stdout);
}

/** The state of that cluster. */
export function everythingState(generation: Generation): ClusterState {
  return parseCrmMon(recorded(generation, 'crm_mon', 'everything-as-xml').stdout);
}
