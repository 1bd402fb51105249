import type { Express, RequestHandler } from 'express';

import { makeGuessBrake } from '../../../access/guess-brake.ts';
import type { TokenStore } from '../../../access/tokens.ts';
import type { Log } from '../../../kit/log.ts';
import { joinFamily, type TakeIn } from '../../../routes/controller/join.ts';
import { type LocalDomain, localFamily } from '../../../routes/controller/local.ts';
import { controllerToken } from '../../../routes/controller/sign-in.ts';
import { documentFamily } from '../../../routes/documents.ts';
import { metricsFamily } from '../../../routes/metrics.ts';
import { probeFamily } from '../../../routes/probes.ts';
import type { CallerConnections } from '../../../server/connections/connections.ts';
import type { Metrics } from '../../../server/metrics.ts';
import { authenticate, bearer, trustAsRoot } from '../../../server/middleware/authenticate.ts';
import { documentedHeaders, type OwnHeaders } from '../../../server/middleware/headers.ts';
import { limitRequests } from '../../../server/middleware/limit-requests.ts';
import { type Problems, problemSchema } from '../../../server/problem.ts';
import type { Family } from '../../../server/table/family.ts';
import { allowedBy, makeApp } from '../../../server/table/serve.ts';
import type { ControllerFamily } from './family.ts';

export interface AppParts {
  families: readonly ControllerFamily[];
  /** The tokens of ha-agent on this host count here too. */
  tokens: TokenStore;
  connections: CallerConnections;
  maxRequests: number;
  poweredBy: string;
  takeIn: TakeIn;
  local: LocalDomain;
  /** Throws a fault that says why the controller is not ready. */
  checkReadiness: () => Promise<void>;
  metrics: Metrics;
  problems: Problems;
  log: Log;
}

/** The apps of the controller's two listeners. */
export function makeControllerApps(parts: AppParts): { network: Express; socket: Express } {
  const { tokens, connections, log, problems } = parts;
  const brake = makeGuessBrake(log);
  const limit = limitRequests(parts.maxRequests);
  const byToken = ({ token }: Pick<ControllerFamily, 'token'> = {}) => {
    const { place, takesTenants } = token ?? usualToken;
    return [authenticate(tokens, brake, connections, place, takesTenants), limit];
  };
  const withBearer = [authenticate(tokens, brake, connections, bearer), limit];
  const join = joinFamily(parts.takeIn, brake, problems);
  return {
    network: appOf(parts, byToken, withBearer, join),
    socket: appOf(parts, () => [trustAsRoot], [trustAsRoot], localFamily(parts.local, problems)),
  };
}

/** The headers of the documented APIs of the families, and the stable code of an error of load balancers. */
const ofFamilies: OwnHeaders = {
  allowed: ['API-Token', 'X-Auth-Token', 'Prefer'],
  exposed: ['X-HA-Code', 'x-openstack-request-id'],
};

const usualToken = { place: controllerToken, takesTenants: false };

function appOf(
  { families, checkReadiness, metrics, poweredBy, problems, log }: AppParts,
  signIn: (family?: ControllerFamily) => readonly RequestHandler[],
  signInOfMonitor: readonly RequestHandler[],
  own: Family,
): Express {
  const elsewhere = nowhere(signIn(), problems);
  const probes = probeFamily(checkReadiness, problems);
  const [first, ...others] = families.map((each) => each.family(signIn(each)));
  const shown: [Family, ...Family[]] =
    first === undefined ? [own, probes] : [first, ...others, own, probes];
  const monitored = metricsFamily(metrics.registry, signInOfMonitor);
  const all = [...shown, monitored, documentFamily(shown)];
  const methods = allowedBy(all.flatMap(({ rows }) => rows));
  const before = [metrics.countRequests, ...documentedHeaders(poweredBy, methods, ofFamilies)];
  return makeApp({ log, before, families: all, elsewhere });
}

/** Answers for paths of no family, and only to callers that sign in. */
function nowhere(signIn: readonly RequestHandler[], problems: Problems): Family {
  return {
    name: 'controller',
    title: 'The controller',
    bases: [],
    signIn,
    rows: [],
    noSuchRoute: (path) => `There is no ${path} on the port of the controller.`,
    answerFault: problems.answer,
    faultSchema: problemSchema,
    codes: [],
    examples: {},
  };
}
