/** The accounts of one list: by name, and by number the first name that has it. */
export interface AccountList {
  numbers: ReadonlyMap<string, number>;
  names: ReadonlyMap<number, string>;
}

/** The new number of each account, and whose line applies. */
export interface Numbers {
  after: ReadonlyMap<string, number>;
  /** Whether the liferaft's line applies to a name that both have. */
  isTheirs(name: string): boolean;
}

/** The first number of people (login.defs(5) and Debian's policy, section 9.2.2). `nobody` is an exception. */
const firstOfPeople = 1000;
const nobody = 65_534;
/**
 * The numbers that useradd gives to system accounts, from the last down (login.defs(5), SYS_UID_MIN and SYS_UID_MAX).
 */
const firstOfSystem = 100;
const lastOfSystem = 999;

/**
 * Gives each account of two lists a number, by name. Claims to a number have this order:
 * 1. the liferaft, for accounts of people and those that own something in it
 * 2. this host, for all that it has
 * 3. the liferaft, for the rest
 * An account that loses its number gets one that neither list has. Two names with one number stay together.
 * @param owners names that own something in the liferaft; undefined if no account of this host may lose its number
 */
export function assignNumbers(
  here: AccountList,
  liferaft: AccountList,
  owners: ReadonlySet<string> | undefined,
): Numbers {
  const after = new Map<string, number>();
  const taken = new Set<number>();
  const isTheirs = (name: string) => {
    const number = liferaft.numbers.get(name);
    if (number === undefined || owners === undefined) return false;
    return number === 0 || isOfPeople(number) || owners.has(name);
  };
  const give = (name: string, number: number) => {
    after.set(name, number);
    taken.add(number);
  };
  const claim = (name: string, { numbers, names }: AccountList): boolean => {
    const number = numbers.get(name);
    if (number === undefined) return false;
    const together = after.get(names.get(number) ?? name);
    if (together === undefined && taken.has(number)) return false;
    give(name, together ?? number);
    return true;
  };
  const nextFree = freeNumbers(new Set([...here.names.keys(), ...liferaft.names.keys()]));

  for (const [name, number] of liferaft.numbers) if (isTheirs(name)) give(name, number);
  const displaced = [...here.numbers.keys()].filter(
    (name) => !after.has(name) && !claim(name, here),
  );
  const others = [...liferaft.numbers.keys()].filter((name) => !here.numbers.has(name));
  for (const name of [...displaced, ...others]) {
    if (after.has(name) || claim(name, here) || claim(name, liferaft)) continue;
    give(name, nextFree(here.numbers.get(name) ?? liferaft.numbers.get(name) ?? lastOfSystem));
  }
  return { after, isTheirs };
}

function isOfPeople(number: number): boolean {
  return number >= firstOfPeople && number !== nobody;
}

/** @param known numbers that are not free */
function freeNumbers(known: ReadonlySet<number>): (like: number) => number {
  let system = lastOfSystem;
  let people = firstOfPeople;
  return (like) => {
    if (!isOfPeople(like)) {
      while (known.has(system)) system -= 1;
      if (system >= firstOfSystem) return system--;
    }
    while (known.has(people) || people === nobody) people += 1;
    return people++;
  };
}
