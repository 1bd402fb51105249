import type { ChangeRequest } from '../../changes/change.ts';
import type { AuditLog } from '../../changes/audit/audit.ts';
import type { CorosyncReader } from '../../cluster/reading/corosync.ts';
import type { VersionsReader } from '../../cluster/reading/versions.ts';
import type { ConfigurationReader } from '../../cluster/reading/configuration.ts';
import type { RequestHandler } from 'express';

import { problemSchema } from '../../server/problem.ts';
import { byValidator } from '../../server/table/check.ts';
import type { Family } from '../../server/table/family.ts';
import type { Row } from '../../server/table/row.ts';
import { agentRows, type AgentsDomain } from './agents.ts';
import { auditRows } from './audit.ts';
import type { ClusterChanges } from '../../cluster/edits/engine/attempt.ts';
import type { ChangeDomain } from '../common/change.ts';
import { clusterChangeRows } from './cluster-change-rows.ts';
import { constraintRows } from './constraints.ts';
import { corosyncRows } from './corosync.ts';
import { dryRun } from './answers/changes.ts';
import { wholeConfiguration } from './answers/configuration.ts';
import examples from './answers/examples.json' with { type: 'json' };
import { versions } from './answers/host.ts';
import { ofTools } from '../common/codes.ts';
import { ofCibChanges, ofClusterChanges } from './codes.ts';
import { type NodeDomain, nodeRows } from './nodes.ts';
import { type PropertyDomain, propertyRows } from './properties.ts';
import { read } from '../common/read.ts';
import { resourceRows } from './resources.ts';
import { type StackDomain, stackRows } from './stack.ts';
import { type StateDomain, stateRows } from './state.ts';
import { type FencingDomain, fencingRows } from './stonith.ts';
import { cibRows } from './cib-rows.ts';

const base = '/api/v2/system/ha';

/** What the High Availability API needs from the domain. */
export interface HaDomain
  extends
    AgentsDomain,
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
  clusterChanges: ClusterChanges;
}

/**
 * The High Availability API.
 * @param more rows of other families below the same base path
 * @param signIn handlers that identify the caller and refuse unknown ones
 */
export function haFamily(
  domain: HaDomain,
  more: readonly Row[],
  signIn: readonly RequestHandler[],
): Family {
  return {
    name: 'ha',
    title: 'High Availability API',
    version: '2',
    bases: [base],
    rows: [...haRows(domain), ...more],
    signIn,
    security: { token: { type: 'apiKey', in: 'header', name: 'token' } },
    checking: byValidator,
    hasEtags: true,
    noSuchRoute: (path) => `There is no ${path}. The README lists the routes.`,
    answerFault: domain.problems.answer,
    faultSchema: problemSchema,
    codes: ['unauthenticated', 'too_many_attempts', 'too_many_requests', 'overloaded'],
    examples,
  };
}

function haRows(domain: HaDomain): Row[] {
  const fromCibRows = cibRows(domain.configuration);
  const kind = { codes: ofClusterChanges, hasVersion: true, tried: dryRun };
  const changing = clusterChangeRows(domain, { ...kind, codes: ofCibChanges });
  const changingNode = clusterChangeRows(domain, kind);
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
    ...stackRows(domain, changingNode),
    ...stateRows(domain),
    ...nodeRows(domain, changing),
    ...constraintRows(domain.pcsText, fromCibRows, changing),
    ...propertyRows(domain, changing),
    ...agentRows(domain),
    ...resourceRows(domain.agentMetadata, fromCibRows, changing),
    ...fencingRows(domain, fromCibRows, changing),
    ...corosyncRows(domain.corosync, changingNode),
    ...auditRows(domain.audit),
  ];
}

/** The request in the audit log when the agent itself finishes an interrupted move. */
export function moveByAgent(resources: readonly string[]): ChangeRequest {
  const route = `${base}/resource/${resources.join(',')}/migrate`;
  return {
    request: { caller: 'ha-agent', role: 'admin', method: 'POST', route },
    ifVersion: undefined,
    waitMs: undefined,
  };
}
