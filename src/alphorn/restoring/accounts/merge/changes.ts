import { parseAccountNumbers } from '../../../../parsers/accounts.ts';
import { accountsOf, type AccountTexts } from './account-files.ts';

/** A change of an account. Accounts that stay as they are are not listed. */
export interface AccountChange {
  kind: 'user' | 'group';
  name: string;
  /** `kept`: it keeps its number here, which differs from that in the liferaft. */
  change: 'added' | 'renumbered' | 'vanishes' | 'kept';
  /** The numbers: here, afterwards, and in the liferaft. */
  here: number | null;
  after: number | null;
  liferaft: number | null;
  /** If it vanishes: the account that gets its number, and so its files. */
  heir?: string;
}

/** What happens to the numbers that accounts of one kind have here. */
export interface NumberChanges {
  /** The new number of each name. */
  after: ReadonlyMap<string, number>;
  /** The new number by the present one, for accounts whose number changes. */
  moved: ReadonlyMap<number, number>;
  /** Numbers of accounts that vanish. */
  gone: ReadonlySet<number>;
}

export function changesOf(
  kind: AccountChange['kind'],
  { here: own, liferaft: theirs }: Record<'here' | 'liferaft', AccountTexts>,
  after: ReadonlyMap<string, number>,
): AccountChange[] {
  const file = kind === 'user' ? '/etc/passwd' : '/etc/group';
  const here = parseAccountNumbers(own[file] ?? '');
  const liferaft = parseAccountNumbers(theirs[file] ?? '');
  const names = new Set([...here.keys(), ...after.keys()]);
  const heirs = new Map([...after].map(([name, number]) => [number, name]));
  return [...names].flatMap((name): AccountChange[] => {
    const numbers = {
      here: here.get(name) ?? null,
      after: after.get(name) ?? null,
      liferaft: liferaft.get(name) ?? null,
    };
    const change = changeOf(numbers);
    if (change === undefined) return [];
    const heir = change === 'vanishes' ? heirs.get(numbers.here ?? -1) : undefined;
    return [{ kind, name, change, ...numbers, ...(heir !== undefined && { heir }) }];
  });
}

function changeOf({
  here,
  after,
  liferaft,
}: Pick<AccountChange, 'here' | 'after' | 'liferaft'>): AccountChange['change'] | undefined {
  if (here === null) return 'added';
  if (after === null) return 'vanishes';
  if (here !== after) return 'renumbered';
  return liferaft !== null && liferaft !== after ? 'kept' : undefined;
}

/** If several names have one number here, the first name counts, as for getpwuid(3). */
export function numberChanges(
  own: string | undefined,
  after: ReadonlyMap<string, number>,
): NumberChanges {
  const moved = new Map<number, number>();
  const gone = new Set<number>();
  const { numbers, names } = accountsOf(own);
  for (const [number, name] of names) {
    // This is a second line of that name, which keeps its number.
    if (numbers.get(name) !== number) continue;
    const next = after.get(name);
    if (next === undefined) gone.add(number);
    else if (next !== number) moved.set(number, next);
  }
  return { after, moved, gone };
}
