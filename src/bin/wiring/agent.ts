import type { Express, RequestHandler } from 'express';

import { makeGuessBrake } from '../../access/guess-brake.ts';
import type { Run, StartResident } from '../../kit/exec.ts';
import { removeTemporaries } from '../../kit/files/files.ts';
import type { Log } from '../../kit/log.ts';
import { documentFamily } from '../../routes/documents.ts';
import { metricsFamily } from '../../routes/metrics.ts';
import { probeFamily } from '../../routes/probes.ts';
import { type Connections, makeConnections } from '../../server/connections/connections.ts';
import { connectionLimits } from '../../server/connections/limits.ts';
import { makeMetrics } from '../../server/metrics.ts';
import type { AnswerFault } from '../../server/middleware/answer-errors.ts';
import { authenticate, bearer, trustAsRoot } from '../../server/middleware/authenticate.ts';
import { documentedHeaders } from '../../server/middleware/headers.ts';
import { limitRequests } from '../../server/middleware/limit-requests.ts';
import { allowedBy, makeApp } from '../../server/table/serve.ts';
import { makeAlphorn } from './alphorn.ts';
import type { Config } from './config.ts';
import { makeHa } from './ha.ts';
import { readAmphoraMetrics } from './amphora/metrics.ts';
import { makeKit, type Surroundings } from './kit.ts';
import { makeTokenStore, tokenFolder } from './stores.ts';

/** The agent, without its listeners. */
export interface Agent {
  /** The app of each kind of listener. Both answer from the same domain. */
  apps: {
    /** For callers with a token. */
    network: Express;
    /** For root, by the Unix socket. */
    socket: Express;
  };
  /** The format of an error that belongs to no route. */
  answerFault: AnswerFault;
  /** The network connections. */
  connections: Connections;
  /**
   * Reads in advance what depends only on the installed software, and would otherwise delay the first caller. A failed
   * read is repeated for that caller.
   */
  prepare: () => Promise<void>;
  /** Watches what changes on this host, and finishes what the death of the agent left unfinished. */
  start: () => Promise<void>;
  /** Part of `start`; it waits until the cluster runs, or until the signal. */
  finishUnfinished: (signal: AbortSignal) => Promise<void>;
  /** Starts no further change. Returns when no change is under way, and after `maxStopMs` at the latest. */
  stopChanges: () => Promise<void>;
  maxStopMs: number;
  /** Stops everything that `start` has started. */
  stop: () => Promise<void>;
}

/** Makes the agent from its families. Each family makes itself in its own file. */
export function makeAgent(
  config: Config,
  run: Run,
  startResident: StartResident,
  log: Log,
  surroundings: Surroundings = {},
): Agent {
  const { registry, countRequests } = makeMetrics();
  const kit = makeKit(config, { run, startResident, log }, registry, surroundings);
  const alphorn = makeAlphorn(kit, config);
  const ha = makeHa(kit, config, alphorn.rows);

  const probes = probeFamily(ha.checkReadiness, kit.problems);
  const limit = limitRequests(config.max_requests);
  const appFor = (signIn: readonly RequestHandler[], signInOfMonitor = signIn) => {
    const api = ha.routes(signIn);
    const monitored = metricsFamily(registry, signInOfMonitor, () =>
      readAmphoraMetrics(surroundings.amphoraSocket),
    );
    const documents = documentFamily([api, probes, monitored]);
    const families = [probes, documents, monitored, api];
    const methods = allowedBy(families.flatMap(({ rows }) => rows));
    const before = [countRequests, ...documentedHeaders(config.powered_by, methods)];
    return makeApp({ log, before, families, elsewhere: api });
  };
  const connections = makeConnections(connectionLimits(config));
  const [tokens, brake] = [makeTokenStore(config), makeGuessBrake(log)];
  const withToken = authenticate(tokens, brake, connections);
  const withBearer = authenticate(tokens, brake, connections, bearer);
  return {
    apps: {
      network: appFor([withToken, limit], [withBearer, limit]),
      socket: appFor([trustAsRoot]),
    },
    answerFault: kit.problems.answer,
    connections,
    async prepare() {
      await Promise.allSettled([
        ha.prepare(),
        alphorn.prepare(),
        removeTemporaries(config.state_directory),
        removeTemporaries(tokenFolder(config)),
      ]);
    },
    start: () => ha.start(),
    finishUnfinished: (signal) => ha.finishUnfinished(signal),
    stopChanges: () => kit.changes.stop(),
    maxStopMs: kit.changes.maxStopMs,
    stop: () => ha.stop(),
  };
}
