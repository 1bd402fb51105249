import { parseAccountNumbers } from '../../../../parsers/accounts.ts';
import { accountsOf, type AccountTexts } from './account-files.ts';

/** What becomes of an account. One that stays as it is is not told. */
export interface AccountChange {
  kind: 'user' | 'group';
  name: string;
  /** `kept`: it keeps the number that it has here, which is another than in the liferaft. */
  change: 'added' | 'renumbered' | 'vanishes' | 'kept';
  /** The numbers: here, afterwards, and in the liferaft. */
  here: number | null;
  after: number | null;
  liferaft: number | null;
  /** Of one that vanishes: who has its number then, and so its files. */
  heir?: string;
}

/** What becomes of the numbers that accounts of one kind have here. */
export interface NumberChanges {
  /** The number of each name afterwards. */
  after: ReadonlyMap<string, number>;
  /** By the number that its account has here, the one that it has afterwards. */
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

/** Of a number that several names have here, the first name counts, as for getpwuid(3). */
export function numberChanges(
  own: string | undefined,
  after: ReadonlyMap<string, number>,
): NumberChanges {
  const moved = new Map<number, number>();
  const gone = new Set<number>();
  const { numbers, names } = accountsOf(own);
  for (const [number, name] of names) {
    // Of a second line of that name, which keeps its number.
    if (numbers.get(name) !== number) continue;
    const next = after.get(name);
    if (next === undefined) gone.add(number);
    else if (next !== number) moved.set(number, next);
  }
  return { after, moved, gone };
}
