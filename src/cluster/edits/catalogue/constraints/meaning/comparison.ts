/** How a constraint that is to be added stands to one that is there. */
export type Relation =
  | 'says the same'
  /** They cannot both hold, or say different things of the same: a clause about the one that is there. */
  | { contradiction: string };

/** What a constraint says beside what it is about; all that have a default are there. */
export type Options = Readonly<Record<string, string>>;

/** What the first has that the second has otherwise, as a clause about the first. */
export function differenceOf(
  one: Options,
  other: Options,
  names: readonly string[] = Object.keys(one),
): string | undefined {
  const name = names.find((each) => one[each] !== other[each]);
  return name && `its ${name} is ${one[name]}, not ${other[name]}`;
}
