import { parseAccountNumbers, parseAccounts } from '../../../../parsers/accounts.ts';
import type { AccountList } from './numbers.ts';

/** The lists of accounts in Debian: passwd(5), group(5), shadow(5), gshadow(5), subuid(5), subgid(5). */
export const accountFiles = [
  '/etc/passwd',
  '/etc/group',
  '/etc/shadow',
  '/etc/gshadow',
  '/etc/subuid',
  '/etc/subgid',
] as const;
export type AccountFile = (typeof accountFiles)[number];
/** The texts of the lists; a missing list is left out. */
export type AccountTexts = Partial<Record<AccountFile, string>>;

export function accountsOf(text = ''): AccountList {
  return { numbers: parseAccountNumbers(text), names: parseAccounts(text) };
}
