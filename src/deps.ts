import { join } from 'node:path';

import type { Express } from 'express';

import { makeGuessBrake } from './auth/guess-brake.ts';
import { openTokenStore } from './auth/tokens.ts';
import { openAuditLog } from './audit.ts';
import { makeApp } from './app.ts';
import { makeCorosyncReader } from './cluster/corosync.ts';
import { listServices } from './cluster/services.ts';
import { makeStateReader } from './cluster/state.ts';
import { makeStatusReader } from './cluster/status.ts';
import { makeVersionsReader } from './cluster/versions.ts';
import type { Config } from './config.ts';
import type { Run } from './exec.ts';
import type { Host } from './host.ts';
import type { Log } from './log.ts';
import { debianPaths, type Paths } from './paths.ts';
import type { HaDomain } from './routes/ha/index.ts';
import { authenticate, trustAsRoot } from './routes/middleware/authenticate.ts';

/** The app for each kind of door; both answer from the same domain. */
export interface AgentApps {
  /** For callers with a token. */
  network: Express;
  /** For root, by the Unix socket. */
  socket: Express;
}

/** Makes the apps and all that they are made of: the one place where objects come from. */
export function makeAgentApps(
  config: Config,
  run: Run,
  log: Log,
  paths: Paths = debianPaths,
): AgentApps {
  const host: Host = { run, paths, readDeadlineMs: config.read_deadline_seconds * 1000 };
  const audit = openAuditLog(join(config.state_directory, 'audit.jsonl'));
  const state = makeStateReader(host);
  const ha: HaDomain = {
    state,
    status: makeStatusReader(host, state),
    versions: makeVersionsReader(host),
    services: () => listServices(host),
    corosync: makeCorosyncReader(host, audit),
  };
  const parts = { poweredBy: config.powered_by, log, ha };
  const withToken = authenticate(makeTokenStore(config), makeGuessBrake(log));
  return {
    network: makeApp({ ...parts, authenticate: withToken }),
    socket: makeApp({ ...parts, authenticate: trustAsRoot }),
  };
}

/** The tokens of this node; `hactl` and the agent open the same. */
export function makeTokenStore(config: Config): ReturnType<typeof openTokenStore> {
  return openTokenStore(join(config.state_directory, 'tokens'));
}
