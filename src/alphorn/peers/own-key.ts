import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { Fault } from '../../kit/fault.ts';
import { readTextIfThere, replaceFile } from '../../kit/files/files.ts';
import { keyRefusal, parseOwnKey } from './keys.ts';

// The key that an administrator carries to hosts outside of the cluster. The services notice that it was replaced, and
// accept the former one for one more hour (keys.ts).

/** Makes a new key, and replaces the former one if there is one. */
export async function generateOwnKey(path: string): Promise<void> {
  await writeOwnKey(path, randomBytes(32));
}

/**
 * Replaces the key by that of another host.
 * @param text what `export` printed there
 * Faults: `invalid_request`
 */
export async function importOwnKey(path: string, text: string): Promise<void> {
  const key = parseOwnKey(text);
  // The message does not repeat the text, which may be almost the key.
  if (key === undefined) {
    throw new Fault(
      'invalid_request',
      "This is no key: expected 64 hexadecimal digits, as 'hactl alphorn key export' prints them. The key was not changed.",
    );
  }
  await writeOwnKey(path, key);
}

/**
 * Reads the key, in hexadecimal.
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
