import { Registry } from 'prom-client';

import { alphornRows } from '../../src/routes/alphorn/liferafts.ts';
import { changeRows } from '../../src/routes/common/change.ts';
import { hostChanges } from '../../src/routes/common/described.ts';
import { daemonFamily } from '../../src/routes/alphorn/daemon.ts';
import { documentFamily } from '../../src/routes/documents.ts';
import { haFamily } from '../../src/routes/ha/index.ts';
import { metricsFamily } from '../../src/routes/metrics.ts';
import { peersFamily } from '../../src/routes/peers/index.ts';
import { probeFamily } from '../../src/routes/probes.ts';
import type { Family } from '../../src/server/table/family.ts';

/** The families of routes, to be described. None of their routes can be called. */
export const families = {
  ha: haFamily(standIn(), alphornRows(standIn(), changeRows(standIn(), hostChanges)), []),
  probes: probeFamily(standIn()),
  metrics: metricsFamily(new Registry(), []),
  peers: peersFamily(standIn()),
  alphornd: daemonFamily(standIn()),
} as const satisfies Record<string, Family>;

/** What OpenAPI documents are served by; it has none itself. */
export const documents = documentFamily([families.ha, families.probes, families.metrics]);

/** Whatever is taken from it is the same; families are made of their domain without asking it for anything. */
function standIn(): never {
  const anything: unknown = new Proxy(() => anything, { get: () => anything });
  return anything as never;
}
