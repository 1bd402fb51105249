import { makeRestorer, type Restorer } from '../../../alphorn/restoring/restore.ts';
import { pathsBelow } from '../../../alphorn/restoring/other-root.ts';
import type { LiferaftStore } from '../../../alphorn/receiving/store.ts';
import { makeHost, makeLiferaftStore } from '../../wiring/stores.ts';
import { makeRun } from '../../../kit/exec.ts';
import type { Host } from '../../../kit/host.ts';
import { makeLog } from '../../../kit/log.ts';
import type { Paths } from '../../wiring/paths.ts';
import { loadConfig } from '../../wiring/config.ts';

/** Opens what the commands of Alphorn work on. Each call reads the configuration again. */
export interface AlphornSources {
  /** The liferafts of other hosts that are here. Faults: `invalid_config` */
  openStore: () => Promise<LiferaftStore>;
  /**
   * @param root the folder below which it restores; this host itself by default
   * Faults: `invalid_config`, `invalid_request` if there is no such folder
   */
  openRestorer: (root?: string) => Promise<{ host: Host<Paths>; restorer: Restorer }>;
}

export function makeAlphornSources(allPaths: Paths): AlphornSources {
  const paths = allPaths.alphorn;
  return {
    async openStore() {
      return makeLiferaftStore(await loadConfig(process.env), allPaths);
    },
    async openRestorer(root) {
      const config = await loadConfig(process.env);
      const host = makeHost(config, makeRun(makeLog('silent')), allPaths);
      const alphornPaths = root === undefined ? paths : await pathsBelow(paths, root);
      const into = { ...host, paths: { ...allPaths, alphorn: alphornPaths } };
      return { host, restorer: makeRestorer(into, makeLiferaftStore(config, allPaths)) };
    },
  };
}
