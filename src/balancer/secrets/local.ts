import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';

import type { Reading, Row, Transaction } from '../../controller/store/store.ts';
import { Fault, systemErrorCode } from '../../kit/fault.ts';
import { createFile, readTextIfThere } from '../../kit/files/files.ts';
import type { WantedCertificate } from '../deploying.ts';
import type { Secret } from '../grounds.ts';
import { checkCertificate } from './certificates.ts';
import { idOfRef, type SecretStore } from './secrets.ts';

const algorithm = 'aes-256-gcm';
const keyBytes = 32;
// The size that GCM is made for (NIST SP 800-38D, section 8.2).
const nonceBytes = 12;
const tagBytes = 16;

/**
 * The key of the secrets in the store, as 64 hexadecimal digits in a file. It is made if there is none.
 * Faults: `invalid_config` if the file has something else, `no_space`
 */
export async function openSecretsKey(path: string): Promise<Buffer> {
  const present = await readTextIfThere(path);
  if (present !== undefined) return keyIn(present, path);
  try {
    await createFile(path, `${randomBytes(keyBytes).toString('hex')}\n`, 0o600);
  } catch (error) {
    // Another process was faster.
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  }
  return keyIn((await readTextIfThere(path)) ?? '', path);
}

function keyIn(text: string, path: string): Buffer {
  if (/^[0-9a-f]{64}$/.test(text.trim())) return Buffer.from(text.trim(), 'hex');
  throw new Fault(
    'invalid_config',
    `${path} is not a key: 64 hexadecimal digits are expected. Put back the file that belongs to the store; without it, the certificates in the store cannot be read, and each must be sent again.`,
  );
}

/**
 * Certificates in rows of the store, which nobody can read without the key file.
 * @param key 32 bytes
 */
export function makeLocalSecrets(key: Buffer): SecretStore {
  function seal(id: string, text: string): string {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv(algorithm, key, nonce);
    // A row that somebody copies to another id cannot be opened there.
    cipher.setAAD(Buffer.from(id));
    const content = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), content]).toString('base64');
  }

  /** @returns undefined if it was sealed with another key, or changed since */
  function open(id: string, sealed: string): string | undefined {
    const bytes = Buffer.from(sealed, 'base64');
    try {
      const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      });
      decipher.setAAD(Buffer.from(id));
      decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
      const content = decipher.update(bytes.subarray(nonceBytes + tagBytes));
      return Buffer.concat([content, decipher.final()]).toString('utf8');
    } catch {
      return undefined;
    }
  }

  async function readOne(reading: Reading, ref: string): Promise<WantedCertificate | undefined> {
    const id = idOfRef(ref);
    if (id === undefined) return undefined;
    const row = await reading.one('SELECT sealed FROM balancer_secrets WHERE id = $1', [id]);
    const pem = row && open(id, String(row['sealed']));
    return pem === undefined ? undefined : { id, pem };
  }

  async function put(
    transaction: Transaction,
    id: string,
    given: Parameters<SecretStore['put']>[2],
    now: number,
  ): Promise<Secret> {
    const { pem, described } = checkCertificate(given, now);
    await transaction.run(
      `INSERT INTO balancer_secrets (id, described, sealed, updated_ms) VALUES ($1, $2, $3, $4)
       ON CONFLICT (id) DO UPDATE SET described = excluded.described, sealed = excluded.sealed,
         updated_ms = excluded.updated_ms`,
      [id, JSON.stringify(described), seal(id, pem), now],
    );
    return secretOf({ id, described: JSON.stringify(described), updated_ms: now });
  }

  return {
    has: async (reading, ref) => (await readOne(reading, ref)) !== undefined,
    async add(transaction, termination, now) {
      const id = randomUUID();
      await put(transaction, id, termination, now);
      return id;
    },
    async read(reading, refs) {
      const found = new Map<string, WantedCertificate>();
      for (const ref of refs) {
        const certificate = await readOne(reading, ref);
        if (certificate) found.set(ref, certificate);
      }
      return found;
    },
    async list(reading) {
      const rows = await reading.all(
        'SELECT id, described, updated_ms FROM balancer_secrets ORDER BY id',
      );
      return rows.map(secretOf);
    },
    put,
    remove: async (transaction, id) =>
      (await transaction.run('DELETE FROM balancer_secrets WHERE id = $1', [id])) > 0,
  };
}

function secretOf(row: Row): Secret {
  const described = JSON.parse(String(row['described'])) as Omit<Secret, 'id' | 'updatedAt'>;
  return {
    id: String(row['id']),
    ...described,
    updatedAt: new Date(Number(row['updated_ms'])).toISOString(),
  };
}
