import { createHash, randomBytes } from 'node:crypto';

import { Fault } from '../../kit/fault.ts';
import type { Reading, Store, Transaction } from '../store/store.ts';

const lifeMs = 10 * 60 * 1000;
/** Used and expired tokens are remembered for a day, so that a late caller reads what is wrong. */
const rememberMs = 24 * 3600 * 1000;
/** Max number of tokens that wait for their hosts. */
const maxTokens = 500;
/** Max number of tokens that are remembered, with these. */
const maxRemembered = 1000;

/** What a joining node verifies before it sends the secret. */
export interface JoinPin {
  /** `ca`: the chain ends in this authority. `leaf`: the controller shows this certificate itself. */
  kind: 'ca' | 'leaf';
  /** SHA-256 of that certificate, as 64 hexadecimal digits. */
  fingerprint: string;
}

export interface JoinToken extends JoinPin {
  secret: string;
}

/** The text of a token, which has no character that a shell would change. */
export function writeJoinToken({ kind, fingerprint, secret }: JoinToken): string {
  return `${kind}.${fingerprint}.${secret}`;
}

/** @returns undefined if the text is no join token */
export function readJoinToken(text: string): JoinToken | undefined {
  const [, kind, fingerprint = '', secret = ''] =
    /^(ca|leaf)\.([0-9a-f]{64})\.([0-9a-f]{32})$/.exec(text) ?? [];
  return kind === 'ca' || kind === 'leaf' ? { kind, fingerprint, secret } : undefined;
}

/** Secrets by which hosts may join, each once and within ten minutes. The store has their hashes. */
export interface JoinTokens {
  /** @returns a new secret and its end. Faults: `too_many_join_tokens`, those of Store */
  create(): Promise<{ secret: string; expiresAt: Date }>;
  /**
   * Whether a host may join with it.
   * Faults: `join_refused` with a sentence for a wrong, a used and an expired one
   */
  check(secret: string, reading?: Reading): Promise<void>;
  /** The same, and nobody else can use it afterwards. */
  use(secret: string, node: string, transaction: Transaction): Promise<void>;
}

/** @param now the time in milliseconds since 1970 */
export function makeJoinTokens(store: Store, now: () => number = () => Date.now()): JoinTokens {
  const check = async (secret: string, reading: Reading = store): Promise<void> => {
    const row = await reading.one('SELECT expires_at, used_by FROM join_tokens WHERE hash = $1', [
      hashOf(secret),
    ]);
    if (row === undefined) {
      throw refused('This controller has not made the join token.');
    }
    if (row['used_by'] !== null) {
      throw refused(`The join token was used already, by the node '${String(row['used_by'])}'.`);
    }
    if (Number(row['expires_at']) <= now()) {
      throw refused('The join token has expired: it is valid for ten minutes.');
    }
  };
  return {
    check,
    create: () =>
      store.write(async (transaction) => {
        await transaction.run('DELETE FROM join_tokens WHERE expires_at < $1', [
          now() - rememberMs,
        ]);
        const row = await transaction.one(
          'SELECT COUNT(*) AS count FROM join_tokens WHERE used_by IS NULL AND expires_at > $1',
          [now()],
        );
        if (Number(row?.['count']) >= maxTokens) {
          throw new Fault(
            'too_many_join_tokens',
            `${maxTokens} join tokens wait for their hosts. Use one of them, or wait until the oldest expires, ten minutes after it was made.`,
          );
        }
        await forgetSurplus(transaction);
        // 128 random bits cannot be guessed, so one round of SHA-256 is enough.
        const secret = randomBytes(16).toString('hex');
        const expiresAt = now() + lifeMs;
        await transaction.run('INSERT INTO join_tokens (hash, expires_at) VALUES ($1, $2)', [
          hashOf(secret),
          expiresAt,
        ]);
        return { secret, expiresAt: new Date(expiresAt) };
      }),
    async use(secret, node, transaction) {
      await check(secret, transaction);
      await transaction.run('UPDATE join_tokens SET used_by = $1 WHERE hash = $2', [
        node,
        hashOf(secret),
      ]);
    },
  };
}

/** Makes room for one more. The oldest are forgotten; those that wait are fewer than remain. */
async function forgetSurplus(transaction: Transaction): Promise<void> {
  await transaction.run(
    `DELETE FROM join_tokens WHERE hash NOT IN
     (SELECT hash FROM join_tokens ORDER BY expires_at DESC, hash LIMIT $1)`,
    [maxRemembered - 1],
  );
}

function refused(why: string): Fault {
  return new Fault(
    'join_refused',
    `${why} Make another one on the controller with 'hactl node token', then try again.`,
  );
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
