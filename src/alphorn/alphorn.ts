import { type Change, hostChange } from '../changes/change.ts';
import type { AlphornHost } from './paths.ts';
import { type DaemonClient, makeDaemonClient } from './sending/daemon-client.ts';
import type { DaemonStatus } from './sending/daemon-status.ts';
import type { Manifest } from './format/manifest.ts';
import type { Undone } from './restoring/steps/take-back.ts';
import { makeRestorer, type Restored } from './restoring/restore.ts';
import type { LiferaftDiff, RestoreOptions } from './restoring/plan.ts';
import { readSettings, type Settings, writeSettings } from './settings.ts';
import { type AlphornStatus, readAlphornStatus } from './status.ts';
import type { LiferaftStore } from './receiving/store.ts';

/** Alphorn on this host, except for what its own two services do. */
export interface Alphorn {
  /** Faults: `alphorn_settings_invalid` */
  settings(): Promise<Settings>;
  status(): Promise<AlphornStatus>;
  liferafts: Pick<LiferaftStore, 'list'>;
  /** Faults: `liferaft_not_found`, `liferaft_damaged` */
  manifest(name: string): Promise<Manifest>;
  /** See Restorer. */
  diff(name: string, paths?: readonly string[], options?: RestoreOptions): Promise<LiferaftDiff>;
  changes: AlphornChanges;
}

/** The changes that can be requested. */
export interface AlphornChanges {
  setSettings: (settings: Settings) => Change<void>;
  /** See Restorer. */
  restore: (name: string, paths?: readonly string[], options?: RestoreOptions) => Change<Restored>;
  undo: (force: boolean) => Change<Undone>;
  /** Faults: `liferaft_not_found` */
  remove: (name: string) => Change<string>;
  /** Its result is their names. */
  removeAll: () => Change<string[]>;
  /** Makes the sender look for changes and send them now. Faults: `alphorn_not_running` */
  sync: () => Change<DaemonStatus>;
}

export function makeAlphorn(
  host: AlphornHost,
  store: LiferaftStore,
  daemon: DaemonClient = makeDaemonClient(host.paths.alphorn.socket),
): Alphorn {
  const paths = host.paths.alphorn;
  const restorer = makeRestorer(host, store);
  return {
    settings: () => readSettings(paths.settings),
    status: () => readAlphornStatus(daemon, paths),
    liferafts: store,
    async manifest(name) {
      const file = await store.open(name);
      await file.close();
      return file.manifest;
    },
    diff: (name, chosen, options) => restorer.diff(name, chosen, options),
    changes: {
      setSettings: (settings) => hostChange(() => writeSettings(paths.settings, settings)),
      restore: (name, chosen, options) =>
        hostChange(({ run, warn }) =>
          restorer.restore({ ...host, run }, name, chosen, warn, options),
        ),
      undo: (force) => hostChange(({ run, warn }) => restorer.undo({ ...host, run }, force, warn)),
      remove: (name) =>
        hostChange(async () => {
          await store.remove(name);
          return name;
        }),
      removeAll: () => hostChange(() => store.removeAll()),
      // It changes nothing on this host, and may take half a minute.
      sync: () => ({ ...hostChange(() => daemon.sync()), isConcurrent: true }),
    },
  };
}
