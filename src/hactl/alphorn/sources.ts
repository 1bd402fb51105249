import { makeRestorer, type Restorer } from '../../alphorn/restore.ts';
import { pathsBelow } from '../../alphorn/restore/other-root.ts';
import type { LiferaftStore } from '../../alphorn/store.ts';
import { loadConfig } from '../../config.ts';
import { makeHost, makeLiferaftStore } from '../../deps.ts';
import { makeRun } from '../../exec.ts';
import type { Host } from '../../host.ts';
import { makeLog } from '../../log.ts';
import type { Paths } from '../../paths.ts';

/** Opens what the commands of Alphorn work on, each time by the configuration as it is then. */
export interface AlphornSources {
  /** The liferafts of other hosts that are here. Faults: `invalid_config` */
  openStore: () => Promise<LiferaftStore>;
  /**
   * @param root below which it restores; this host itself if it is not given
   * Faults: `invalid_config`, `invalid_request` if there is no such folder
   */
  openRestorer: (root?: string) => Promise<{ host: Host; restorer: Restorer }>;
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
