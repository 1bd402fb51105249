import { hkdfSync } from 'node:crypto';
import { readFileSync, type Stats, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { z } from 'zod';

import { systemErrorCode } from '../../kit/fault.ts';
import { replaceFile } from '../../kit/files/files.ts';
import { isUnchanged } from '../../kit/files/unchanged.ts';
import { makeSerializer } from '../../kit/concurrency/serialize.ts';
import type { Log } from '../../kit/log.ts';

/** A key that two hosts know each other by. */
export interface PeerKey {
  /** Eight hexadecimal digits that tell it from others and do not give it away. */
  id: string;
  /** The pre-shared key of TLS: 32 bytes. */
  secret: Buffer;
}

/**
 * The keys of this host: one of the file that an administrator carries to hosts outside of the cluster, one of
 * corosync's, which all nodes of a cluster share, and for an hour those that were replaced.
 *
 * INVARIANTS
 * - Each call sees the files as they are at that moment.
 * - A key that is no more in its file counts for an hour from when that was first seen, also over a restart.
 * - Nothing that is too short to be a key ever becomes one: what all know must not open a door.
 * - An own key that others than root may read or write counts neither now nor as a former one.
 */
export interface KeyRing {
  /** This host's own key first, then the cluster's, then former ones, the last replaced first. */
  all(): readonly PeerKey[];
  find(id: string): PeerKey | undefined;
  /** Why the key in this host's own file does not count, if it is refused for who may read it. */
  refusal(): string | undefined;
  /** Returns when what is known of former keys is on the disk. */
  saved(): Promise<void>;
}

export interface KeyFiles {
  /** Made by `hactl alphorn key generate`; need not be there. */
  key: string;
  /** corosync's authkey; need not be there. */
  clusterKey: string;
  /** What outlives a restart: keys, and when they were replaced. */
  knownKeys: string;
}

/** For how long a key that was replaced is good for those who have not got the new one yet. */
export const formerKeyMs = 3_600_000;
/** The shortest that corosync takes, in bytes (corosync-keygen(8): 1024 bits). */
const minClusterKeyBytes = 128;
/** In hexadecimal digits: 256 bits, as long as what is made of it. */
const ownKeyDigits = 64;
const ownKeyExpected = `expected ${ownKeyDigits} hexadecimal digits; 'hactl alphorn key generate' makes them`;
const clusterKeyExpected = `expected at least ${minClusterKeyBytes} bytes; copy it from another node of the cluster`;

const knownSchema = z.strictObject({
  keys: z.array(
    z.strictObject({
      from: z.enum(['key', 'clusterKey']),
      secret: z.string().regex(/^[0-9a-f]{64}$/),
      /** Milliseconds since 1970; null while it is in use. */
      replacedAt: z.number().nullable(),
    }),
  ),
});

interface KnownKey extends PeerKey {
  /** Which of the files it is or was in. */
  from: 'key' | 'clusterKey';
  replacedAt: number | null;
}

/**
 * Why the file of a host's own key is refused: others than root may read or write it, or own it.
 * @returns undefined if nothing is wrong with it, or there is none
 */
export function keyRefusal(path: string): string | undefined {
  const stats = statOrNothing(path);
  if (stats === undefined) return undefined;
  const mode = `0${(stats.mode & 0o777).toString(8)}`;
  const isRoots = stats.uid === 0 || stats.uid === process.geteuid?.();
  if (isRoots && (stats.mode & 0o077) === 0) return undefined;
  const why = isRoots ? `others may use it (mode ${mode})` : `user ${stats.uid} owns it`;
  return `The key in ${path} is refused, for ${why}. Make a new one ('hactl alphorn key generate') and carry it to the other hosts; if nobody has read it, 'chown root:root ${path}' and 'chmod 600 ${path}' will do.`;
}

/** What is in the file of a host's own key, or undefined if that is no key. */
export function parseOwnKey(text: string): Buffer | undefined {
  const digits = text.trim();
  return new RegExp(`^[0-9a-f]{${ownKeyDigits}}$`, 'i').test(digits)
    ? Buffer.from(digits, 'hex')
    : undefined;
}

/**
 * What two hosts make of a secret that both have: not the secret itself, which corosync has other uses for
 * (HKDF, RFC 5869, with SHA-256).
 */
export function peerKeyOf(secret: Buffer): PeerKey {
  return withId(derive(secret, 'ha-agent alphorn peer key', 32));
}

function withId(secret: Buffer): PeerKey {
  return { id: derive(secret, 'key id', 4).toString('hex'), secret };
}

function derive(secret: Buffer, purpose: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', purpose, bytes));
}

/** What is damaged among the files is logged, and counts for nothing. */
export function openKeyRing(files: KeyFiles, log: Log, clock: () => number = Date.now): KeyRing {
  const serialize = makeSerializer();
  let known: readonly KnownKey[] = [];
  let seen: { [from in KnownKey['from']]: Stats | undefined } | undefined;
  let refusal: string | undefined;

  /** Looks at the files themselves, each time: two calls of stat(2) take some ten microseconds. */
  function refresh(): void {
    const former = seen;
    const now = { key: statOrNothing(files.key), clusterKey: statOrNothing(files.clusterKey) };
    seen = now;
    const isSame =
      isUnchanged(former?.key, now.key) && isUnchanged(former?.clusterKey, now.clusterKey);
    if (former === undefined || !isSame) readKeys();
    // Either way: a clock that was put back must not make a key last.
    known = known.filter(
      ({ replacedAt }) => replacedAt === null || Math.abs(clock() - replacedAt) < formerKeyMs,
    );
  }

  function readKeys(): void {
    refusal = keyRefusal(files.key);
    if (refusal !== undefined) log.warn({ file: files.key, reason: refusal }, 'the key is refused');
    const own = keyIn('key');
    const refusedId = refusal === undefined ? undefined : own?.id;
    const all = readKnown();
    const saved = all.filter(({ id }) => id !== refusedId);
    const inUse = [own, keyIn('clusterKey')]
      .filter((key) => key !== undefined)
      .filter(({ id }) => id !== refusedId);
    const next = new Map(inUse.map((key) => [key.id, key]));
    // Those in use have come first each time, so that the former ones are in order too. What is saved counts more: the
    // other process of this host may have seen the change earlier.
    for (const key of [...saved, ...known]) {
      if (next.has(key.id) || key.id === refusedId) continue;
      const replacedAt = key.replacedAt ?? changedAt(files[key.from]);
      next.set(key.id, { ...key, replacedAt });
    }
    known = [...next.values()];
    if (textOf(known) !== textOf(all)) void serialize(save);
  }

  function keyIn(from: KnownKey['from']): KnownKey | undefined {
    const bytes = readNow(files[from]);
    if (bytes === undefined) return undefined;
    const [secret, expected] =
      from === 'key'
        ? [parseOwnKey(bytes.toString('utf8')), ownKeyExpected]
        : [bytes.length < minClusterKeyBytes ? undefined : bytes, clusterKeyExpected];
    if (secret === undefined) log.warn({ file: files[from], expected }, 'this is no key');
    return secret && { ...peerKeyOf(secret), from, replacedAt: null };
  }

  /** When it was replaced, which may be long before it is seen; now, if it was removed. */
  function changedAt(path: string): number {
    return Math.min(clock(), statOrNothing(path)?.ctimeMs ?? clock());
  }

  function readKnown(): KnownKey[] {
    const text = readNow(files.knownKeys)?.toString('utf8');
    if (text === undefined) return [];
    try {
      return knownSchema.parse(JSON.parse(text)).keys.map(({ secret, ...rest }) => ({
        ...withId(Buffer.from(secret, 'hex')),
        ...rest,
      }));
    } catch {
      // Not in the error's own words, which may have a key in them.
      log.warn({ file: files.knownKeys }, 'it is damaged; keys that were replaced count no more');
      return [];
    }
  }

  function readNow(path: string): Buffer | undefined {
    try {
      return readFileSync(path);
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT')
        log.warn({ file: path, error: (error as Error).message }, 'keys cannot be read');
      return undefined;
    }
  }

  async function save(): Promise<void> {
    try {
      await mkdir(dirname(files.knownKeys), { recursive: true, mode: 0o700 });
      await replaceFile(files.knownKeys, textOf(known), 0o600);
    } catch (error) {
      log.warn(
        { file: files.knownKeys, error: (error as Error).message },
        'the keys of now will not be known as former ones after a restart',
      );
    }
  }

  refresh();
  return {
    all() {
      refresh();
      return known;
    },
    find(id) {
      refresh();
      return known.find((key) => key.id === id);
    },
    refusal() {
      refresh();
      return refusal;
    },
    saved: () => serialize(() => Promise.resolve()),
  };
}

function textOf(keys: readonly KnownKey[]): string {
  const listed = keys.map(({ from, secret, replacedAt }) => ({
    from,
    secret: secret.toString('hex'),
    replacedAt,
  }));
  return `${JSON.stringify({ keys: listed })}\n`;
}

/** Undefined where nothing is, or it cannot be looked at, as through links in a circle; whoever reads it hears why. */
function statOrNothing(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
