import type { Express } from 'express';

import { type AmphoraDomain, type ApiVersion, apiVersions } from '../../amphora/amphora.ts';
import type { ChangePipeline } from '../../changes/pipeline.ts';
import type { Log } from '../../kit/log.ts';
import type { KnownSecrets } from '../../kit/secrets/known-secrets.ts';
import { limitRequests } from '../../server/middleware/limit-requests.ts';
import { byValidator } from '../../server/table/check.ts';
import type { Family } from '../../server/table/family.ts';
import type { Row } from '../../server/table/row.ts';
import { makeApp } from '../../server/table/serve.ts';
import { ofTools } from '../common/codes.ts';
import { agentRows } from './agent.ts';
import { balancerRows } from './balancers.ts';
import { certificateRows } from './certificates.ts';
import { changeRows } from './change.ts';
import examples from './documents/examples.json' with { type: 'json' };
import { maxConfigBytes } from './documents/reply.ts';
import { faultSchema, makeAnswerFault } from './errors.ts';
import { discoveryRows, factRows } from './facts.ts';
import { haproxyRows } from './haproxy.ts';
import { lvsRows } from './lvs.ts';
import { networkRows } from './network.ts';
import { knowClient } from './sign-in.ts';
import { topologyRows } from './topology.ts';
import { vrrpRows } from './vrrp.ts';

export interface AmphoraParts {
  domain: AmphoraDomain;
  changes: Pick<ChangePipeline, 'make'>;
  log: Log;
  secrets?: KnownSecrets;
}

export interface AmphoraOptions {
  /** The versions that are offered; all by default. */
  versions?: readonly ApiVersion[];
  /** The names of client certificates that are served; every verified certificate by default. */
  clients?: readonly string[];
  /** Families that share the port. */
  others?: readonly Family[];
}

/** Max number of requests under way. A controller sends one at a time to an amphora. */
const maxRequests = 256;

/** The app of the amphora's port. Its listener has verified the client certificate of each request. */
export function makeAmphoraApp(parts: AmphoraParts, options: AmphoraOptions = {}): Express {
  const family = amphoraFamily(parts, options);
  return makeApp({
    log: parts.log,
    families: [...(options.others ?? []), family],
    elsewhere: family,
  });
}

/** The API by which a controller of OpenStack configures an amphora, in its three versions. */
export function amphoraFamily(
  { domain, changes, log, secrets }: AmphoraParts,
  { versions = apiVersions, clients }: AmphoraOptions = {},
): Family {
  const offered = apiVersions.filter((version) => versions.includes(version));
  const changing = changeRows({ topologies: domain.topologies, changes, log });
  const rowsOf = (version: ApiVersion): Row[] => [
    ...factRows(domain, version),
    ...haproxyRows(domain, version, changing),
    ...lvsRows(domain, version, changing),
    ...certificateRows(domain, version, changing),
    ...networkRows(domain, version, changing),
    ...vrrpRows(domain, version, changing),
    ...agentRows(domain, version, changing),
    ...(version === '1.0' ? balancerRows(domain) : []),
    ...(version === '0.1' ? topologyRows(domain, changing, secrets) : []),
  ];
  return {
    name: 'amphora',
    title: 'HAProxy Amphora API',
    version: offered.at(-1) ?? '1.0',
    bases: [''],
    rows:
      offered.length === 0 ? [] : [...discoveryRows(domain, offered), ...offered.flatMap(rowsOf)],
    signIn: [knowClient(clients), limitRequests(maxRequests, maxConfigBytes)],
    security: { certificate: { type: 'mutualTLS' } },
    checking: byValidator,
    noSuchRoute: (path) =>
      `There is no ${path} in the API of an amphora. See docs/amphora.md for the routes of each version.`,
    answerFault: makeAnswerFault(secrets),
    faultSchema,
    codes: ['client_refused', 'too_many_requests', 'overloaded', ...ofTools],
    examples,
  };
}
