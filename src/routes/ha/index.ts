import type { AuditLog } from '../../changes/audit/audit.ts';
import type { CorosyncReader } from '../../cluster/corosync.ts';
import type { VersionsReader } from '../../cluster/versions.ts';
import type { ConfigurationReader } from '../../cluster/configuration.ts';
import type { RequestHandler } from 'express';

import { asProblems, problemSchema } from '../../server/problem.ts';
import { byValidator } from '../../server/table/check.ts';
import type { Family } from '../../server/table/family.ts';
import type { Row } from '../../server/table/row.ts';
import { agentRows, type AgentsDomain } from './agents.ts';
import { type AlphornDomain, alphornRows } from '../alphorn/liferafts.ts';
import { auditRows } from './audit.ts';
import { type ChangeDomain, changeRows } from '../changes/change.ts';
import { constraintRows } from './constraints.ts';
import { corosyncRows } from './corosync.ts';
import { dryRun } from './answers/changes.ts';
import { wholeConfiguration } from './answers/configuration.ts';
import examples from './answers/examples.json' with { type: 'json' };
import { versions } from './answers/host.ts';
import { ofCibChanges, ofClusterChanges, ofHostChanges, ofTools } from './codes.ts';
import { type NodeDomain, nodeRows } from './nodes.ts';
import { type PropertyDomain, propertyRows } from './properties.ts';
import { cibRows, read } from './read.ts';
import { resourceRows } from './resources.ts';
import { type StackDomain, stackRows } from './stack.ts';
import { type StateDomain, stateRows } from './state.ts';
import { type FencingDomain, fencingRows } from './stonith.ts';

/** What the High Availability API asks of the domain. */
export interface HaDomain
  extends
    AgentsDomain,
    AlphornDomain,
    ChangeDomain,
    FencingDomain,
    NodeDomain,
    PropertyDomain,
    StackDomain,
    StateDomain {
  configuration: ConfigurationReader;
  versions: VersionsReader;
  corosync: CorosyncReader;
  audit: Pick<AuditLog, 'list'>;
}

/** The High Availability API. @param signIn find out who calls, and refuse what is not let in */
export function haFamily(domain: HaDomain, signIn: readonly RequestHandler[]): Family {
  return {
    name: 'ha',
    title: 'High Availability API',
    version: '2',
    bases: ['/api/v2/system/ha'],
    rows: haRows(domain),
    signIn,
    security: { token: { type: 'apiKey', in: 'header', name: 'token' } },
    checking: byValidator,
    hasEtags: true,
    noSuchRoute: (path) => `There is no ${path}. The README lists the routes.`,
    answerFault: asProblems(domain.secrets),
    faultSchema: problemSchema,
    codes: [
      ...(['unauthenticated', 'too_many_attempts', 'too_many_requests', 'overloaded'] as const),
    ],
    examples,
  };
}

function haRows(domain: HaDomain): Row[] {
  const fromCibRows = cibRows(domain.configuration);
  const ofCluster = { codes: ofClusterChanges, hasVersion: true, tried: dryRun };
  const changing = changeRows(domain, { ...ofCluster, codes: ofCibChanges });
  const changingHost = changeRows(domain, ofCluster);
  const changingAlphorn = changeRows(domain, { codes: ofHostChanges, hasVersion: false });
  return [
    read({
      path: '/versions',
      summary: 'The versions of the cluster stack on this node.',
      schema: versions,
      codes: ofTools,
      handle: async () => ({ body: await domain.versions() }),
    }),
    fromCibRows.fromCib({
      path: '/configuration',
      summary: 'The whole configuration of the cluster.',
      schema: wholeConfiguration,
      bodyOf: ({ cib }) => ({
        version: cib.version,
        'validate-with': cib.validateWith,
        configuration: cib.configuration,
      }),
    }),
    ...stackRows(domain, changingHost),
    ...stateRows(domain),
    ...nodeRows(domain, changing),
    ...constraintRows(domain.words, fromCibRows, changing),
    ...propertyRows(domain, changing),
    ...agentRows(domain),
    ...resourceRows(domain.agentMetadata, fromCibRows, changing),
    ...fencingRows(domain, fromCibRows, changing),
    ...corosyncRows(domain.corosync, changingHost),
    ...alphornRows(domain, changingAlphorn),
    ...auditRows(domain.audit),
  ];
}
