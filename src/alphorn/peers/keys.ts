import { hkdfSync } from 'node:crypto';
import { readFileSync, type Stats, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import * as z from 'zod';

import { systemErrorCode } from '../../kit/fault.ts';
import { replaceFile } from '../../kit/files/files.ts';
import { isUnchanged } from '../../kit/files/unchanged.ts';
import { makeSerializer } from '../../kit/concurrency/serialize.ts';
import type { Log } from '../../kit/log.ts';

/** A key by which two hosts know each other. */
export interface PeerKey {
  /** Eight hexadecimal digits that identify the key and do not reveal it. */
  id: string;
  /** The pre-shared key for TLS: 32 bytes. */
  secret: Buffer;
}

/**
 * The keys of this host: one from the file that an administrator carries to hosts outside of the cluster, one from
 * corosync's authkey, which all nodes of a cluster share, and for an hour those that were replaced.
 *
 * INVARIANTS
 * - Each call sees the files as they are at that moment.
 * - A key that has left its file is valid for one more hour after that was first seen, even across a restart.
 * - A text that is too short is never a key: nobody may get in with something that everybody knows.
 * - An own key that others than root may read or write is not valid, neither now nor as a former one.
 */
export interface KeyRing {
  /** This host's own key first, then the cluster's, then former ones, the last replaced first. */
  all(): readonly PeerKey[];
  find(id: string): PeerKey | undefined;
  /** Why the key in this host's own file is refused, if others than root may use it. */
  refusal(): string | undefined;
  /** Returns when the former keys are on the disk. */
  saved(): Promise<void>;
}

export interface KeyFiles {
  /** Made by `hactl alphorn key generate`; may be missing. */
  key: string;
  /** corosync's authkey; may be missing. */
  clusterKey: string;
  /** Keys, and when they were replaced. It outlives a restart. */
  knownKeys: string;
}

/** How long a replaced key stays valid, for hosts that do not have the new one yet. */
export const formerKeyMs = 3_600_000;
/** The minimum that corosync accepts (corosync-keygen(8): 1024 bits). */
const minClusterKeyBytes = 128;
/** 256 bits, as long as the key that is derived from it. */
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
  /** The file that it is or was in. */
  from: 'key' | 'clusterKey';
  replacedAt: number | null;
}

/**
 * Tells why the file of a host's own key is refused: others than root may read or write it, or own it.
 * @returns undefined if the file is in order, or missing
 */
export function keyRefusal(path: string): string | undefined {
  const stats = statOrNothing(path);
  if (stats === undefined) return undefined;
  const mode = `0${(stats.mode & 0o777).toString(8)}`;
  const isRoots = stats.uid === 0 || stats.uid === process.geteuid?.();
  if (isRoots && (stats.mode & 0o077) === 0) return undefined;
  const why = isRoots ? `others may use it (mode ${mode})` : `user ${stats.uid} owns it`;
  return `The key in ${path} is refused, because ${why}. Make a new one ('hactl alphorn key generate') and carry it to the other hosts. If nobody has read the key, 'chown root:root ${path}' and 'chmod 600 ${path}' are enough.`;
}

/** Reads the text of a host's own key; undefined if it is no key. */
export function parseOwnKey(text: string): Buffer | undefined {
  const digits = text.trim();
  return new RegExp(`^[0-9a-f]{${ownKeyDigits}}$`, 'i').test(digits)
    ? Buffer.from(digits, 'hex')
    : undefined;
}

/**
 * Derives a key from a secret that two hosts share (HKDF, RFC 5869, with SHA-256). The secret itself is not used,
 * because corosync has other uses for it.
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

/** Opens the keys. A damaged file is logged and ignored. */
export function openKeyRing(files: KeyFiles, log: Log, clock: () => number = Date.now): KeyRing {
  const serialize = makeSerializer();
  let known: readonly KnownKey[] = [];
  let seen: { [from in KnownKey['from']]: Stats | undefined } | undefined;
  let refusal: string | undefined;

  /** Reads the state of the files each time: two calls of stat(2) take some ten microseconds. */
  function refresh(): void {
    const former = seen;
    const now = { key: statOrNothing(files.key), clusterKey: statOrNothing(files.clusterKey) };
    seen = now;
    const isSame =
      isUnchanged(former?.key, now.key) && isUnchanged(former?.clusterKey, now.clusterKey);
    if (former === undefined || !isSame) readKeys();
    // The absolute difference, because a clock that was set back must not make a key last longer.
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
    // Keys in use have always come first, so the former ones are in order, too. The saved list has priority: the other
    // process of this host may have seen the change earlier.
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

  /** When it was replaced, which may be long before that is noticed; now, if the file was removed. */
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
      // The error's message is not logged, because it may contain a key.
      log.warn(
        { file: files.knownKeys },
        'it is damaged; keys that were replaced are no longer valid',
      );
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
        'the present keys will not be accepted as former ones after a restart',
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

/** Undefined if it is missing or cannot be read, as with a loop of links; reading the file reports the reason. */
function statOrNothing(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
