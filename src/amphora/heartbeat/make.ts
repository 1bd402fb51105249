import type { Log } from '../../kit/log.ts';
import type { ListenerState, Owner } from '../amphora.ts';
import type { CounterFile } from './counter-file.ts';
import {
  type CounterState,
  differencesOf,
  noCounters,
  type OwnerCounters,
  withoutOthers,
  withReading,
  withReported,
  withUnsent,
} from './counters.ts';
import { type Datagrams, makeDatagrams } from './datagrams.ts';
import { envelopeOf } from './envelope.ts';
import { listenersOf, lvsReading } from './listeners.ts';
import { type Counters, payloadOf } from './payload.ts';
import type { CounterReader } from './read-counters.ts';
import { makeSaver } from './saver.ts';
import {
  type BeatResult,
  type BeatSettings,
  type LastBeat,
  makeBeatSender,
  type MadeBeat,
} from './sender.ts';

export interface HeartbeatParts {
  /** The id of the amphora. */
  amphora: string;
  settings: BeatSettings;
  owners: () => Promise<readonly Owner[]>;
  reader: CounterReader;
  file: CounterFile;
  /** @returns why there must be no heartbeat now, such as that keepalived is configured and does not run */
  mayBeat: () => Promise<string | undefined>;
  /** The listeners of LVS with what they counted. */
  lvs?: () => Promise<readonly { listener: ListenerState; counters: Counters }[]>;
  log: Log;
  count: (result: BeatResult) => void;
  datagrams?: Datagrams;
  /** Milliseconds between two readings of workers that a reload left. */
  leavingEveryMs?: number;
}

export interface Heartbeats {
  /** Reads the former counters and sends the first heartbeat. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Counts from the next heartbeat on. */
  reconfigure(settings: BeatSettings): void;
  /** The last heartbeat that was sent. */
  last(): LastBeat | undefined;
  /** Why no heartbeat was sent after the last one; undefined if all is well, or no controller is configured. */
  problem(): string | undefined;
  /**
   * Reads the counters of one owner now, and holds its current worker. To be called after each start and reload, and
   * before each stop: a worker that was never held is lost when it ends.
   */
  collect(owner: string): Promise<void>;
  /**
   * To be called when an owner has changed, before the controller learns of it: from then on a heartbeat must not report
   * what was there before.
   */
  changed(): void;
}

/**
 * The heartbeats of the amphora. Their version is 1 while an owner came by API 0.1 or 0.5, because controllers of that
 * time cannot read a later one; otherwise it is 3.
 *
 * INVARIANTS
 * - The state is on the disk before the heartbeat is sent. A SIGKILL between the two loses an interval and never
 *   reports one twice.
 * - What could not be sent is in the next heartbeat.
 */
export function makeHeartbeats(parts: HeartbeatParts): Heartbeats {
  const { amphora, reader, file, log, leavingEveryMs = 1000 } = parts;
  const own: { counters: CounterState; seq: number; changes: number; timer?: NodeJS.Timeout } = {
    counters: noCounters,
    seq: 0,
    changes: 0,
  };
  const save = makeSaver(file, log);

  function add(reading: OwnerCounters): void {
    own.counters = withReading(own.counters, reading);
  }

  async function readAll(owners: readonly Owner[]): Promise<readonly OwnerCounters[]> {
    const lvs = (await parts.lvs?.()) ?? [];
    const ids = owners.map(({ id }) => id);
    reader.keepOnly(new Set(ids));
    own.counters = withoutOthers(
      own.counters,
      new Set([...ids, ...lvs.map(({ listener }) => listener.id)]),
    );
    const ofLvs = lvs.map(({ listener, counters }) => lvsReading(listener, counters));
    ofLvs.forEach(add);
    return [...(await reader.read(ids, add)), ...ofLvs];
  }

  async function make(key: string): Promise<MadeBeat> {
    const { changes } = own;
    const owners = await parts.owners();
    const readings = await readAll(owners);
    const version = owners.some(({ kind }) => kind === 'listener') ? 1 : 3;
    const before = own.counters;
    const after = withReported(before, readings);
    own.counters = after;
    const { seq } = own;
    own.seq += 1;
    const listeners = listenersOf(owners, readings, version, (owner, id) =>
      differencesOf(before, owner, id),
    );
    const envelope = envelopeOf(payloadOf({ amphora, seq, listeners }, version), key);
    await save(after);
    return {
      envelope,
      seq,
      version,
      isCurrent: () => own.changes === changes,
      done: async (isSent) => {
        if (isSent) return;
        own.counters = withUnsent(own.counters, before, after);
        await save(own.counters);
      },
    };
  }

  const sender = makeBeatSender(parts.settings, {
    ...parts,
    make,
    datagrams: parts.datagrams ?? makeDatagrams(),
  });

  function watchLeaving(): void {
    own.timer = setTimeout(() => {
      void reader.read(reader.leaving(), add).finally(watchLeaving);
    }, leavingEveryMs);
    own.timer.unref();
  }

  return {
    start: async () => {
      own.counters = await file.read();
      watchLeaving();
      sender.start();
    },
    stop: async () => {
      await sender.stop();
      clearTimeout(own.timer);
      await save(own.counters);
      reader.close();
    },
    reconfigure: (settings) => {
      sender.reconfigure(settings);
    },
    last: () => sender.last(),
    problem: () => sender.problem(),
    changed: () => {
      own.changes += 1;
    },
    collect: async (owner) => {
      await reader.read([owner], add);
    },
  };
}
