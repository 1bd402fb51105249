import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import * as z from 'zod';

import { Fault, systemErrorCode } from '../kit/fault.ts';
import {
  createFile,
  ifThere,
  makeFolder,
  readTextIfThere,
  removeFile,
} from '../kit/files/files.ts';
import { type Role, roles } from './roles.ts';

/** The holder of a token. */
export interface TokenHolder {
  name: string;
  role: Role;
  createdAt: Date;
  /** Undefined if it never expires. */
  expiresAt: Date | undefined;
  /** The tenant whose load balancers the holder sees and changes; undefined if it is bound to none. */
  tenant: string | undefined;
}

/** What a new token may have besides its name and role. */
export interface TokenOptions {
  /** Undefined if the token never expires. */
  lifetimeMs?: number | undefined;
  /** The tenant to which it is bound: 1 to 36 characters. */
  tenant?: string | undefined;
}

/**
 * The tokens of this node, one file each. So simultaneous changes do not undo each other, and a change counts from the
 * next request on, even if it is made while no agent runs.
 */
export interface TokenStore {
  /**
   * @returns the token; it is not stored and cannot be shown again
   * Faults: `invalid_token_request`, `token_exists`, `no_space`
   */
  create(name: string, role: Role, options?: TokenOptions): Promise<string>;
  /** All tokens by name, including expired ones. */
  list(): Promise<TokenHolder[]>;
  /** The absolute paths of files that should hold a token and cannot be read as one. They let nobody in. */
  damaged(): Promise<string[]>;
  /** Faults: `invalid_token_request`, `token_not_found`, `no_space` on a disk that is read-only */
  revoke(name: string): Promise<void>;
  /** The holder of the token, or undefined if there is none or the token has expired. */
  find(token: string): Promise<TokenHolder | undefined>;
}

interface StoredToken extends TokenHolder {
  hash: Buffer;
}

interface ReadTokens {
  tokens: StoredToken[];
  damaged: string[];
}

const storedToken = z.object({
  role: z.enum(roles),
  // Random tokens of 256 bits cannot be guessed, so one round of SHA-256 keeps them as safe as many.
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  created: z.iso.datetime(),
  expires: z.iso.datetime().nullable(),
  // Files of earlier releases have no tenant.
  tenant: z.string().optional(),
});

/** @param folder for the tokens' files; made when it is needed */
export function openTokenStore(folder: string): TokenStore {
  let cache: { stamp: bigint; read: ReadTokens } | undefined;

  /** All tokens; the files are read again only when the folder has changed. */
  async function load(): Promise<ReadTokens> {
    const before = await folderStamp(folder);
    if (before === undefined) return { tokens: [], damaged: [] };
    if (cache?.stamp === before) return cache.read;
    const read = await readTokens(folder);
    // Two changes within one tick of the file system's clock leave the same stamp. So the result is cached only if the
    // latest change was well before it was read.
    const settled = Date.now() - Number(before / 1_000_000n) > 1000;
    cache = settled ? { stamp: before, read } : undefined;
    return read;
  }

  return {
    async create(name, role, { lifetimeMs, tenant } = {}) {
      const path = fileOf(folder, name);
      if (tenant !== undefined) checkTenant(tenant);
      await makeFolder(folder);
      const token = randomBytes(32).toString('hex');
      const now = Date.now();
      const content = {
        role,
        sha256: hashOf(token).toString('hex'),
        created: new Date(now).toISOString(),
        expires: lifetimeMs === undefined ? null : new Date(now + lifetimeMs).toISOString(),
        ...(tenant !== undefined && { tenant }),
      };
      try {
        await createFile(path, `${JSON.stringify(content)}\n`, 0o600);
      } catch (error) {
        if (systemErrorCode(error) !== 'EEXIST') throw error;
        throw new Fault(
          'token_exists',
          `There is a token '${name}' already. Take another name, or revoke it first with 'hactl token revoke ${name}'.`,
        );
      }
      return token;
    },

    async list() {
      const { tokens } = await load();
      return tokens.map(({ name, role, createdAt, expiresAt, tenant }) => ({
        name,
        role,
        createdAt,
        expiresAt,
        tenant,
      }));
    },

    damaged: async () => (await load()).damaged,

    async revoke(name) {
      try {
        await removeFile(fileOf(folder, name));
      } catch (error) {
        if (systemErrorCode(error) !== 'ENOENT') throw error;
        throw new Fault(
          'token_not_found',
          `There is no token '${name}'. 'hactl token list' names them all.`,
        );
      }
    },

    async find(token) {
      const hash = hashOf(token);
      let found: StoredToken | undefined;
      // Compares every token as a whole, so the time taken does not show which one came close.
      for (const each of (await load()).tokens) {
        if (timingSafeEqual(each.hash, hash)) found = each;
      }
      if (found?.expiresAt !== undefined && found.expiresAt.getTime() <= Date.now())
        return undefined;
      return found;
    },
  };
}

/** Whether a text looks like a token of any node. */
export function isToken(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** The token's file. So a name has only letters, digits and `. _ -`, and does not begin with a dot. */
function fileOf(folder: string, name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw new Fault(
      'invalid_token_request',
      `'${name}' cannot be a token's name. Take 1 to 64 letters, digits, '.', '_' or '-', a letter or digit first.`,
    );
  }
  return join(folder, `${name}.json`);
}

/** Faults: `invalid_token_request` */
function checkTenant(tenant: string): void {
  if (/^\P{Cc}{1,36}$/u.test(tenant)) return;
  throw new Fault(
    'invalid_token_request',
    `'${tenant.slice(0, 100)}' cannot be a tenant. Take 1 to 36 characters without control characters.`,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function folderStamp(folder: string): Promise<bigint | undefined> {
  return (await ifThere(stat(folder, { bigint: true })))?.mtimeNs;
}

async function readTokens(folder: string): Promise<ReadTokens> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();
  const read: ReadTokens = { tokens: [], damaged: [] };
  const texts = await Promise.all(files.map((file) => textOf(join(folder, file))));
  for (const [index, file] of files.entries()) {
    const text = texts[index];
    // It was revoked after the folder was listed.
    if (text === undefined) continue;
    const stored = storedToken.safeParse(jsonOf(text));
    if (!stored.success) {
      // A damaged file must not lock out the holders of other tokens.
      read.damaged.push(join(folder, file));
      continue;
    }
    const { role, sha256, created, expires, tenant } = stored.data;
    read.tokens.push({
      name: file.slice(0, -'.json'.length),
      role,
      hash: Buffer.from(sha256, 'hex'),
      createdAt: new Date(created),
      expiresAt: expires === null ? undefined : new Date(expires),
      tenant,
    });
  }
  return read;
}

/** The file's text; empty if it is not a file (a folder, a socket, a link in a circle), which counts as damaged. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readTextIfThere(path);
  } catch (error) {
    if (['EISDIR', 'ENXIO', 'ELOOP'].includes(systemErrorCode(error) ?? '')) return '';
    throw error;
  }
}
