import { Fault } from '../../kit/fault.ts';
import { makeSerializer } from '../../kit/concurrency/serialize.ts';
import { cacheByStamp } from '../../kit/files/cached-by-stamp.ts';
import { makeChangeDetector } from '../../kit/log-changes.ts';
import type { Log } from '../../kit/log.ts';
import type { AlphornPaths } from '../paths.ts';
import { fileStamp, folderStamp } from '../../kit/files/stamps.ts';
import type { LiferaftBuilder, Round } from '../collecting/builder.ts';
import type { OwnLiferaft } from '../collecting/own-liferaft.ts';
import type { ChangesWatch } from './changes-watch.ts';
import { makeNewlyLeftOut } from '../collecting/left-out.ts';
import type { DaemonStatus } from './daemon-status.ts';
import { hostIdOf, hostName } from '../peers/host-id.ts';
import { isWhole } from '../format/manifest.ts';
import { readRules, type Rules } from '../collecting/rules.ts';
import type { Sender } from './sender.ts';
import { defaultSettings, readSettings, type Settings } from '../settings.ts';

/**
 * Keeps this host's liferaft and its destinations up to date.
 *
 * INVARIANTS
 * - Rounds do not overlap. They start every `interval`, and soon after a change that the watch has seen.
 * - A path that is left out is logged once, not in each round.
 * - A round that fails leaves the liferaft as it was, and the destinations still get that one.
 * - No error ends the rounds: it is logged, and the next round starts when it is due.
 * - No round depends on the watch: without it, the next round finds the changes.
 * - Each round reads the settings from the disk. If they are wrong, the former ones stay in force.
 * - While sending is not enabled, nothing is made and nothing is sent.
 */
export interface Daemon {
  /** Starts the first round. */
  start(): void;
  status(): Promise<DaemonStatus>;
  /** Runs a round and tries each destination now, regardless of its pause. Returns when all have ended. */
  sync(): Promise<void>;
  stop(): Promise<void>;
}

/** Max number of left out paths in a line of the log. */
const maxLogged = 20;

export interface DaemonParts {
  paths: AlphornPaths;
  builder: LiferaftBuilder;
  /** @param destination as written in the settings */
  makeSender: (destination: string) => Sender;
  /** @param changed is called when something has changed */
  makeWatch: (changed: () => void) => ChangesWatch;
  log: Log;
}

export function makeDaemon({ paths, builder, makeSender, makeWatch, log }: DaemonParts): Daemon {
  const settingsNow = cacheByStamp(
    () => fileStamp(paths.settings),
    () => readSettings(paths.settings),
  );
  const rulesNow = cacheByStamp(
    () => folderStamp(paths.rules),
    () => readRules(paths.rules),
  );
  const serialize = makeSerializer();
  const senders = new Map<string, Sender>();
  const watch = makeWatch(() => {
    void round({ ask: false });
  });
  let settings: Settings = defaultSettings;
  let latest: Omit<Round, 'changed'> | undefined;
  const newlyLeftOut = makeNewlyLeftOut();
  let error: DaemonStatus['error'] = null;
  const hasChanged = makeChangeDetector();
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  /** @param ask whether to ask the destinations even if nothing is new */
  function round({ ask }: { ask: boolean }): Promise<void> {
    return serialize(async () => {
      if (isStopped) return;
      const thrown = await errorOf(() => lookAtEverything(ask));
      if (thrown) report(thrown);
      waitForNext();
    });
  }

  function waitForNext(): void {
    clearTimeout(timer);
    if (!isStopped) timer = setTimeout(() => void round({ ask: true }), settings.interval);
  }

  async function lookAtEverything(ask: boolean): Promise<void> {
    const settingsError = await errorOf(async () => {
      settings = await settingsNow();
    });
    const { enabled, destinations } = settings.sync;
    keepSenders(enabled ? destinations : []);
    if (!enabled) {
      await follow(undefined);
      report(settingsError);
      return;
    }
    await followRules();
    const roundError = await errorOf(async () => {
      const { changed, ...made } = await builder.round();
      latest = made;
      if (changed) logNew(made.liferaft);
      logLeftOut(made);
    });
    report(settingsError ?? roundError ?? (latest && lackingOf(latest.liferaft)) ?? null);
    const liferaft = roundError ? await current() : latest?.liferaft;
    if (liferaft) for (const sender of senders.values()) sender.offer(liferaft, ask);
  }

  async function followRules(): Promise<void> {
    let rules: Rules | undefined;
    // The round reports what is wrong with them.
    await errorOf(async () => {
      rules = await rulesNow();
    });
    if (rules) await follow(rules);
  }

  async function follow(rules: Rules | undefined): Promise<void> {
    const failure = await errorOf(() => watch.follow(rules));
    if (hasChanged('watch', failure?.detail) && failure)
      log.warn(failure, 'files are not watched; the next round finds changes');
  }

  /** The liferaft to send when a round has failed. */
  async function current(): Promise<OwnLiferaft | undefined> {
    await errorOf(async () => {
      const liferaft = await builder.current();
      latest = liferaft && { leftOut: [], leftOutMore: 0, ...latest, liferaft };
    });
    return latest?.liferaft;
  }

  function keepSenders(destinations: readonly string[]): void {
    for (const [destination, sender] of senders) {
      if (destinations.includes(destination)) continue;
      senders.delete(destination);
      // Not awaited, because it may hang while others wait to be served.
      void sender.stop();
    }
    for (const destination of destinations) {
      if (!senders.has(destination)) senders.set(destination, makeSender(destination));
    }
  }

  function report(now: DaemonStatus['error']): void {
    const former = error;
    error = now;
    if (!hasChanged('liferaft', now ? `${now.code} ${now.detail}` : undefined)) return;
    const isLacking = now?.code === 'liferaft_lacking';
    if (now) log.warn(now, isLacking ? 'the liferaft is not whole' : 'the liferaft stays as it is');
    else log.info({ after: former?.code }, 'the liferaft is kept up again');
  }

  function logNew({ manifest, digest, size }: OwnLiferaft): void {
    const { generation, files } = manifest;
    log.info({ generation, digest, bytes: size, files: files.length }, 'made a new liferaft');
  }

  /** Logs each left out path once, not in each round. */
  function logLeftOut({ leftOut, leftOutMore }: Omit<Round, 'changed'>): void {
    const added = newlyLeftOut(leftOut);
    if (added.length === 0) return;
    const more = Math.max(0, added.length - maxLogged) + leftOutMore;
    log.warn(
      { leftOut: added.slice(0, maxLogged), ...(more > 0 && { more }) },
      "not everything that the rules include is in the liferaft as it is now; 'hactl alphorn status' lists all",
    );
  }

  return {
    start() {
      void round({ ask: true });
    },
    async status() {
      const { liferaft, leftOut = [], leftOutMore = 0 } = latest ?? {};
      return {
        running: true,
        enabled: settings.sync.enabled,
        interval: settings.interval,
        host: await hostOf(paths),
        liferaft: liferaft
          ? {
              generation: liferaft.manifest.generation,
              digest: liferaft.digest,
              bytes: liferaft.size,
              madeAt: liferaft.manifest.time,
              files: liferaft.manifest.files.length,
              whole: isWhole(liferaft.manifest),
              leftOut,
              leftOutMore,
            }
          : null,
        error,
        destinations: [...senders.values()].map((sender) => sender.status()),
      };
    },
    async sync() {
      await round({ ask: true });
      await Promise.all([...senders.values()].map((sender) => sender.sync()));
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await Promise.all([watch.stop(), ...[...senders.values()].map((sender) => sender.stop())]);
    },
  };
}

/** The error of a liferaft that lacks essential files; null if it is whole. */
function lackingOf({ manifest }: OwnLiferaft): DaemonStatus['error'] {
  const { lacking = [] } = manifest;
  const [first] = lacking;
  if (first === undefined) return null;
  const others = lacking.length > 1 ? ` The same applies to ${lacking.length - 1} more.` : '';
  const detail = `The liferaft lacks ${first.path}, without which this host cannot be brought back. ${first.why}${others} Correct that; the next round takes it in. Destinations keep the last whole liferaft until then.`;
  return { code: 'liferaft_lacking', detail };
}

/** Runs work and returns its error, so that no error ends the rounds. */
async function errorOf(work: () => Promise<void>): Promise<DaemonStatus['error']> {
  try {
    await work();
    return null;
  } catch (error) {
    if (error instanceof Fault) return { code: error.code, detail: error.message };
    return { code: 'internal_error', detail: String((error as Error).stack) };
  }
}

async function hostOf(paths: AlphornPaths): Promise<DaemonStatus['host']> {
  let id: string | undefined;
  await errorOf(async () => {
    id = await hostIdOf(paths);
  });
  return id === undefined ? null : { id, name: hostName() };
}
