import { join } from 'node:path';

import { makeGuessBrake } from './auth/guess-brake.ts';
import { openTokenStore } from './auth/tokens.ts';
import { makeApp } from './app.ts';
import { listServices } from './cluster/services.ts';
import { makeStateReader } from './cluster/state.ts';
import { makeStatusReader } from './cluster/status.ts';
import { makeVersionsReader } from './cluster/versions.ts';
import type { Config } from './config.ts';
import type { Run } from './exec.ts';
import type { Host } from './host.ts';
import type { Log } from './log.ts';
import { debianPaths, type Paths } from './paths.ts';

/** Makes the app and all that it is made of: the one place where objects come from. */
export function makeAgentApp(
  config: Config,
  run: Run,
  log: Log,
  paths: Paths = debianPaths,
): ReturnType<typeof makeApp> {
  const host: Host = {
    run,
    paths,
    readDeadlineMs: config.read_deadline_seconds * 1000,
  };
  const state = makeStateReader(host);
  return makeApp({
    poweredBy: config.powered_by,
    log,
    tokens: makeTokenStore(config),
    brake: makeGuessBrake(log),
    ha: {
      state,
      status: makeStatusReader(host, state),
      versions: makeVersionsReader(host),
      services: () => listServices(host),
    },
  });
}

/** The tokens of this node; `hactl` and the agent open the same. */
export function makeTokenStore(config: Config): ReturnType<typeof openTokenStore> {
  return openTokenStore(join(config.state_directory, 'tokens'));
}
