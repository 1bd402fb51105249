import { Registry } from 'prom-client';

import { faults } from '../../src/bin/wiring/faults.ts';
import { alphornRows } from '../../src/routes/alphorn/liferafts.ts';
import { amphoraFamily } from '../../src/routes/amphora/index.ts';
import { changeRows } from '../../src/routes/common/change.ts';
import { hostChanges } from '../../src/routes/common/described.ts';
import { balancerFamily } from '../../src/routes/balancer/index.ts';
import { daemonFamily } from '../../src/routes/alphorn/daemon.ts';
import { documentFamily } from '../../src/routes/documents.ts';
import { gatewayFamily } from '../../src/routes/gateway/index.ts';
import { haFamily } from '../../src/routes/ha/index.ts';
import { metricsFamily } from '../../src/routes/metrics.ts';
import { nodeFamily } from '../../src/routes/node/index.ts';
import { peersFamily } from '../../src/routes/peers/index.ts';
import { probeFamily } from '../../src/routes/probes.ts';
import { makeProblems } from '../../src/server/problem.ts';
import type { Family } from '../../src/server/table/family.ts';

const problems = makeProblems(faults);
const domain = standIn({ problems });

/** The families of routes, to be described. None of their routes can be called. */
export const families = {
  ha: haFamily(domain, alphornRows(domain, changeRows(domain, hostChanges)), []),
  probes: probeFamily(domain, problems),
  metrics: metricsFamily(new Registry(), []),
  peers: peersFamily(domain),
  alphornd: daemonFamily(domain),
  amphora: amphoraFamily({ domain, changes: domain, log: domain }),
  node: nodeFamily({ domain, changes: domain, log: domain }),
  gateway: gatewayFamily({ domain, changes: domain, repeatedAnswers: domain }, []),
  balancer: balancerFamily({ domain, changes: domain, repeatedAnswers: domain }, []),
} as const satisfies Record<string, Family>;

/** What OpenAPI documents are served by; it has none itself. */
export const documents = documentFamily([families.ha, families.probes, families.metrics]);

/** Whatever else is taken from it is a stand-in too; families are made of their domain without asking it for anything. */
function standIn(real: Readonly<Record<PropertyKey, unknown>>): never {
  const anything: unknown = new Proxy(() => anything, { get: (_, key) => real[key] ?? anything });
  return anything as never;
}

const elsewhere: readonly string[] = [
  families.amphora.name,
  families.node.name,
  families.gateway.name,
  families.balancer.name,
];

/** The families of a cluster's node. The amphora and the controller have ports of their own, with paths of their own. */
export const clusterFamilies: readonly Family[] = Object.values(families).filter(
  ({ name }) => !elsewhere.includes(name),
);
