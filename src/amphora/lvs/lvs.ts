import { setTimeout as sleep } from 'node:timers/promises';

import { makeSerializerPerKey } from '../../kit/concurrency/serialize.ts';
import { Fault } from '../../kit/fault.ts';
import type { Action, ListenerState, LvsListeners, Stored } from '../amphora.ts';
import type { IpvsTables } from '../../keepalived/ipvs.ts';
import type { Counters } from '../heartbeat/payload.ts';
import { md5Of } from '../haproxies/owner-configs.ts';
import { isOwnerId } from '../haproxies/places.ts';
import {
  plainFileIfThere,
  readPlainFile,
  removePlainFile,
  renamePlainFile,
  replacePlainFile,
} from '../haproxies/plain-files.ts';
import type { Processes } from '../haproxies/processes.ts';
import type { AmphoraPaths } from '../paths.ts';
import { lvsIds, lvsPlacesOf } from './places.ts';
import { type LvsConfigured, lvsCountersOf, lvsPoolsOf } from './readings.ts';
import { writeLvsFiles } from './shared-files.ts';

/** What is read of a configuration. */
export interface LvsRead extends LvsConfigured {
  /** What no driver writes, without text of the file. */
  problems: readonly { line: number; reason: string }[];
}

export interface LvsParts {
  paths: AmphoraPaths;
  /** Instances of `amphora-lvs@.service`. */
  processes: Processes;
  read: (text: string) => LvsRead;
  /** Has keepalived test a file in the namespace. Faults: `keepalived_config_refused` */
  check: (file: string) => Promise<void>;
  /** The tables of IPVS; undefined if they cannot be read. */
  tables: () => Promise<IpvsTables | undefined>;
  /** Milliseconds for which a started process has to live: without IPVS, keepalived ends at once. */
  settleMs?: number;
}

export interface HostLvs extends LvsListeners {
  /** The listeners that serve, with what they counted. */
  readings(): Promise<readonly { listener: ListenerState; counters: Counters }[]>;
}

/** The LVS processes of keepalived. Faults: see LvsListeners */
export function makeLvsListeners(parts: LvsParts): HostLvs {
  const { paths, processes, read, tables } = parts;
  const serialized = makeSerializerPerKey();

  async function has(id: string): Promise<boolean> {
    return isOwnerId(id) && (await plainFileIfThere(lvsPlacesOf(paths, id).config)) !== undefined;
  }

  async function needs(id: string): Promise<void> {
    if (!(await has(id))) throw notFound(id);
  }

  async function stop(id: string): Promise<void> {
    await orFailed(async () => {
      await processes.setEnabled(id, false);
      await processes.stop(id);
    });
    for (const pid of lvsPlacesOf(paths, id).pids) await removePlainFile(pid);
  }

  async function configOf(id: string): Promise<LvsRead> {
    const bytes = await readPlainFile(lvsPlacesOf(paths, id).config);
    return read(bytes?.toString('utf8') ?? '');
  }

  async function statusOf(id: string): Promise<ListenerState['status']> {
    if ((await processes.state(id)) === 'up') return 'ACTIVE';
    const [pid] = lvsPlacesOf(paths, id).pids;
    const hasPid = pid !== undefined && (await plainFileIfThere(pid)) !== undefined;
    return hasPid ? 'ERROR' : 'STOPPED';
  }

  /** Whether the upload is newer than the process of the health checks, as Octavia's agent compares them. */
  async function isRestarting(id: string): Promise<boolean> {
    const { config, checker } = lvsPlacesOf(paths, id);
    const [uploaded, started] = await Promise.all([config, checker].map(plainFileIfThere));
    return uploaded !== undefined && started !== undefined && uploaded.mtimeMs > started.mtimeMs;
  }

  /** All listeners, with the tables of IPVS if any of them runs. */
  async function readAll() {
    const all = await Promise.all(
      (await lvsIds(paths)).map(async (id) => {
        return {
          id,
          status: await statusOf(id),
          config: await configOf(id),
          isRestarting: await isRestarting(id),
        };
      }),
    );
    const isAnyUp = all.some(({ status }) => status === 'ACTIVE');
    const seen = isAnyUp ? await tables() : undefined;
    return all.map(({ id, status, config, isRestarting }) => {
      const type: ListenerState['type'] = config.protocol === 'SCTP' ? 'SCTP' : 'UDP';
      const pools = status === 'ACTIVE' ? lvsPoolsOf(config, seen, isRestarting) : [];
      const listener: ListenerState = { id, owner: id, status, type, pools };
      return { listener, counters: lvsCountersOf(config, seen), isEnabled: config.isEnabled };
    });
  }

  return {
    has,
    upload: (id, bytes) => serialized(id, () => uploadLvs(parts, id, bytes)),
    async configuration(id): Promise<Stored> {
      const bytes = isOwnerId(id) ? await readPlainFile(lvsPlacesOf(paths, id).config) : undefined;
      if (bytes === undefined) throw notFound(id);
      return { bytes, md5: md5Of(bytes) };
    },
    act: (id, action) =>
      serialized(id, async () => {
        await needs(id);
        if (action === 'stop') await stop(id);
        else await start(parts, id, action);
        return action;
      }),
    remove: (id) =>
      serialized(id, async () => {
        await needs(id);
        await stop(id);
        await removePlainFile(lvsPlacesOf(paths, id).refused);
        await removePlainFile(lvsPlacesOf(paths, id).config);
      }),
    removeRemains: (id) =>
      serialized(id, async () => {
        if (!isOwnerId(id) || (await has(id))) return;
        await removePlainFile(lvsPlacesOf(paths, id).refused);
      }),
    listeners: async () => (await readAll()).map(({ listener }) => listener),
    readings: async () =>
      (await readAll()).filter(
        ({ listener, isEnabled }) => isEnabled && listener.status === 'ACTIVE',
      ),
  };
}

async function uploadLvs(
  { paths, read, check }: LvsParts,
  id: string,
  bytes: Buffer,
): Promise<{ md5: string }> {
  if (!isOwnerId(id)) {
    throw new Fault(
      'amphora_request_invalid',
      "An id has 1 to 64 letters, digits, '-' and '_', and is none of 'certs', 'lvs' and 'vrrp'.",
    );
  }
  await writeLvsFiles(paths);
  const { config, candidate, refused } = lvsPlacesOf(paths, id);
  await removePlainFile(candidate);
  await replacePlainFile(candidate, bytes, 0o644);
  try {
    const { problems } = read(bytes.toString('utf8'));
    if (problems.length > 0) {
      const reasons = problems.map(({ line, reason }) => `Line ${line}: ${reason}`);
      throw new Fault('keepalived_config_refused', reasons.join('\n'));
    }
    await check(candidate);
  } catch (error) {
    const isRefused = error instanceof Fault && error.code === 'keepalived_config_refused';
    if (isRefused) await renamePlainFile(candidate, nameOf(refused));
    else await removePlainFile(candidate);
    throw error;
  }
  await renamePlainFile(candidate, nameOf(config));
  await removePlainFile(refused);
  return { md5: md5Of(bytes) };
}

/**
 * A reload is a restart: after a reload, keepalived leaves out a member that was down (story 2005774). A process that ends
 * is stopped for good, because it would end again and again.
 */
async function start(
  { processes, settleMs = 3000 }: LvsParts,
  id: string,
  action: Action,
): Promise<void> {
  const since = new Date();
  const startedAt = performance.now();
  try {
    if (action === 'reload') await processes.stop(id);
    await processes.start(id);
    while (performance.now() - startedAt < settleMs) {
      if ((await processes.state(id)) !== 'up') throw new Fault('service_failed', 'It ended.');
      await sleep(100);
    }
    await processes.setEnabled(id, true);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'service_failed') throw error;
    const printed = await processes.messages(id, since).catch(() => '');
    await processes.stop(id).catch(() => undefined);
    throw new Fault('lvs_failed', reasonIn(printed));
  }
}

/** keepalived quotes its file, so only what is known to be harmless is passed on. */
function reasonIn(printed: string): string {
  // It says "Initializing ipvs" before it tries, and ends with other faults too.
  if (/can't initiali[sz]e ipvs/i.test(printed)) {
    return "keepalived ended because the kernel has no IPVS. Load the module 'ip_vs' on the host, then try again.";
  }
  return 'keepalived ended right after its start. The journal of amphora-lvs shows why.';
}

async function orFailed(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'service_failed') throw error;
    throw new Fault('lvs_failed', error.message);
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function notFound(id: string): Fault {
  return new Fault('udp_listener_not_found', `No listener with UUID: ${id}`);
}
