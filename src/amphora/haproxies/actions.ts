import { messagesWithoutQuotes } from '../../haproxy/messages.ts';
import { Fault, type FaultCode } from '../../kit/fault.ts';
import type { Log } from '../../kit/log.ts';
import type { Action } from '../amphora.ts';
import type { AmphoraPaths } from '../paths.ts';
import {
  lookBefore,
  markRunning,
  saveServersState,
  waitForMaster,
  waitForWorker,
} from './applying.ts';
import type { Checks } from './checks.ts';
import type { OwnerConfigs } from './owner-configs.ts';
import { type OwnerPlaces, placesOf } from './places.ts';
import {
  plainFileIfThere,
  readPlainFile,
  removePlainFile,
  replacePlainFile,
} from './plain-files.ts';
import type { Processes } from './processes.ts';

export interface ActionParts {
  paths: AmphoraPaths;
  checks: Checks;
  processes: Processes;
  configs: OwnerConfigs;
  log: Log;
  /** Milliseconds until a new worker has to serve. */
  applyDeadlineMs: number;
  /** Notes that other owners should run now. */
  onShouldRun: () => Promise<void>;
}

/** Starts, stops and reloads one owner. Calls for one owner must not overlap. */
export interface Actions {
  /** Faults: `haproxy_not_started`, `haproxy_not_reloaded`, `haproxy_not_stopped` */
  act(id: string, action: Action): Promise<Action>;
}

/**
 * INVARIANTS
 * - `enabled` is there while the process should run, and then it starts with the host as well.
 * - A reload or start is done when a worker serves that began after it.
 * - A reload that fails leaves the former worker.
 */
export function makeActions(parts: ActionParts): Actions {
  const { paths, processes, configs } = parts;

  async function start(id: string): Promise<Action> {
    const places = placesOf(paths, id);
    const since = new Date();
    const wasEnabled = (await plainFileIfThere(places.enabled)) !== undefined;
    await checked(parts, id, 'haproxy_not_started');
    const before = await lookBefore(places);
    // A process that waits for its certificates is started by systemd itself when they come (systemd 247 of Debian 11).
    if (before.worker !== undefined) {
      await reload(id);
      return 'start';
    }
    try {
      await processes.start(id);
      if (!(await appears(parts, id, before))) throw await failure(parts, places, { id, since });
    } catch (error) {
      // It may have served before and come back by itself. Otherwise nothing is left that tries again and again.
      if (!wasEnabled) await processes.stop(id).catch(() => undefined);
      throw await asFault('haproxy_not_started', error, parts, { id, since });
    }
    await markRunning(places);
    await enable(parts, id);
    return 'start';
  }

  async function reload(id: string): Promise<Action> {
    const places = placesOf(paths, id);
    const since = new Date();
    await checked(parts, id, 'haproxy_not_reloaded');
    await waitForMaster(places);
    const before = await lookBefore(places);
    await saveServersState(places, parts.log);
    try {
      await processes.reload(id, await configs.master(id));
      if (!(await appears(parts, id, before))) throw await failure(parts, places, { id, since });
    } catch (error) {
      throw await asFault('haproxy_not_reloaded', error, parts, { id, since });
    }
    await markRunning(places);
    await enable(parts, id);
    return 'reload';
  }

  async function stop(id: string): Promise<Action> {
    const places = placesOf(paths, id);
    const since = new Date();
    try {
      await removePlainFile(places.enabled);
      await parts.onShouldRun();
      await processes.setEnabled(id, false);
      await processes.stop(id);
    } catch (error) {
      throw await asFault('haproxy_not_stopped', error, parts, { id, since });
    }
    for (const left of [places.pid, places.running, places.statsSocket, places.masterSocket]) {
      await removePlainFile(left);
    }
    return 'stop';
  }

  return {
    async act(id, action) {
      if (action === 'stop') return stop(id);
      const isUp = (await configs.master(id)) !== undefined || (await processes.state(id)) === 'up';
      if (!isUp) return start(id);
      if (action === 'reload') return reload(id);
      const view = await configs.view(id);
      if (view?.master === undefined || view.running !== view.uploaded) await reload(id);
      await enable(parts, id);
      return 'start';
    },
  };
}

/** Certificates may have changed since haproxy accepted the file. */
async function checked({ checks }: ActionParts, id: string, code: FaultCode): Promise<void> {
  const reasons = await checks.current(id);
  if (reasons !== undefined) throw new Fault(code, reasons);
}

/** Waits for a new worker. If the master dies meanwhile, it is started. */
function appears(
  { paths, processes, applyDeadlineMs }: ActionParts,
  id: string,
  before: Awaited<ReturnType<typeof lookBefore>>,
): Promise<boolean> {
  return waitForWorker(placesOf(paths, id), before, {
    deadlineMs: applyDeadlineMs,
    isLost: async () => {
      const state = await processes.state(id);
      if (state === 'up' || state === 'coming') return false;
      await processes.start(id);
      return false;
    },
  });
}

async function enable({ paths, processes, onShouldRun }: ActionParts, id: string): Promise<void> {
  const { enabled } = placesOf(paths, id);
  if ((await plainFileIfThere(enabled)) !== undefined) return;
  await processes.setEnabled(id, true);
  await replacePlainFile(enabled, '', 0o644);
  await onShouldRun();
}

interface Attempt {
  id: string;
  since: Date;
}

async function failure(
  { processes }: ActionParts,
  places: OwnerPlaces,
  { id, since }: Attempt,
): Promise<Fault> {
  const text = (await readPlainFile(places.config))?.toString('utf8') ?? '';
  const printed = await processes.messages(id, since).catch(() => '');
  const reasons = messagesWithoutQuotes(printed, text, places.config);
  return new Fault(
    'haproxy_not_started',
    reasons === ''
      ? 'No new worker answers on the stats socket, and haproxy gave no reason.'
      : reasons,
  );
}

/** The same failure with the code of the action. Faults of other kinds, such as `no_space`, stay as they are. */
async function asFault(
  code: FaultCode,
  error: unknown,
  parts: ActionParts,
  attempt: Attempt,
): Promise<unknown> {
  if (!(error instanceof Fault)) return error;
  if (error.code === 'service_failed') {
    const { message } = await failure(parts, placesOf(parts.paths, attempt.id), attempt);
    return new Fault(code, message);
  }
  return error.code === 'haproxy_not_started' ? new Fault(code, error.message) : error;
}
