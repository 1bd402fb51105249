import { Fault, type FaultCode } from '../kit/fault.ts';
import type { AlphornPaths } from './paths.ts';
import type { DaemonClient } from './sending/daemon-client.ts';
import type { DaemonStatus } from './sending/daemon-status.ts';
import { hostIdOf, hostName } from './peers/host-id.ts';
import { type ListedRestore, unfinishedRestores } from './restoring/saved-restores.ts';
import { defaultSettings, readSettings } from './settings.ts';

/** What is known while the sender does not run on this host: what it would do if it did. */
export interface StoppedStatus {
  running: false;
  enabled: boolean;
  /** Milliseconds. */
  interval: number;
  /** Null if the host has no id. */
  host: { id: string; name: string } | null;
  liferaft: null;
  /** What would keep it from working. */
  error: { code: FaultCode; detail: string } | null;
  destinations: readonly never[];
}

/** The state of Alphorn on this host. */
export type AlphornStatus = (DaemonStatus | StoppedStatus) & {
  /** Restores on this host that did not end as they should. */
  unfinishedRestores: readonly ListedRestore[];
};

/**
 * Reads the state of Alphorn on this host: what the sender reports, or that it does not run.
 * @param daemon asks the sender
 */
export async function readAlphornStatus(
  daemon: DaemonClient,
  paths: AlphornPaths,
): Promise<AlphornStatus> {
  const status = await senderStatus(daemon, paths);
  return { ...status, unfinishedRestores: await unfinishedRestores(paths) };
}

async function senderStatus(
  daemon: DaemonClient,
  paths: AlphornPaths,
): Promise<DaemonStatus | StoppedStatus> {
  try {
    return await daemon.status();
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'alphorn_not_running') throw error;
    return stoppedStatus(paths);
  }
}

async function stoppedStatus(paths: AlphornPaths): Promise<StoppedStatus> {
  const problems: { code: FaultCode; detail: string }[] = [];
  const orNote =
    <T>(instead: T) =>
    (error: unknown) => {
      if (!(error instanceof Fault)) throw error;
      problems.push({ code: error.code, detail: error.message });
      return instead;
    };
  const { interval, sync } = await readSettings(paths.settings).catch(orNote(defaultSettings));
  const id = await hostIdOf(paths).catch(orNote(undefined));
  return {
    running: false,
    enabled: sync.enabled,
    interval,
    host: id === undefined ? null : { id, name: hostName() },
    liferaft: null,
    error: problems[0] ?? null,
    destinations: [],
  };
}
