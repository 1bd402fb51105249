import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { Fault } from '../../kit/fault.ts';
import { readTextIfThere, replaceFile } from '../../kit/files/files.ts';
import { keyRefusal, parseOwnKey } from './keys.ts';

// The key that an administrator carries to hosts outside of the cluster. Its services see that it was replaced, and
// accept the former one for an hour more (keys.ts).

/** Makes a new key in the place of the one that there may be. */
export async function generateOwnKey(path: string): Promise<void> {
  await writeOwnKey(path, randomBytes(32));
}

/**
 * Takes the key of another host, as `export` gives it.
 * Faults: `invalid_request`
 */
export async function importOwnKey(path: string, text: string): Promise<void> {
  const key = parseOwnKey(text);
  // Not with what came, which may be nearly the key.
  if (key === undefined) {
    throw new Fault(
      'invalid_request',
      "This is no key: expected 64 hexadecimal digits, as 'hactl alphorn key export' prints them. The key is as it was.",
    );
  }
  await writeOwnKey(path, key);
}

/**
 * The key in hexadecimal.
 * Faults: `alphorn_without_key`, `alphorn_key_refused`
 */
export async function exportOwnKey(path: string): Promise<string> {
  const refusal = keyRefusal(path);
  if (refusal !== undefined) throw new Fault('alphorn_key_refused', refusal);
  const key = parseOwnKey((await readTextIfThere(path)) ?? '');
  if (key) return key.toString('hex');
  throw new Fault(
    'alphorn_without_key',
    `There is no key in ${path}. 'hactl alphorn key generate' makes one; nodes of one cluster need none, for they share corosync's.`,
  );
}

async function writeOwnKey(path: string, key: Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await replaceFile(path, `${key.toString('hex')}\n`, 0o600);
}
