/** How a new constraint relates to an existing one. */
export type Relation =
  | 'says the same'
  /** They exclude each other, or differ about the same thing. The text is a clause about the existing one. */
  | { contradiction: string };

/** The options of a constraint, with all defaults filled in. */
export type Options = Readonly<Record<string, string>>;

/** The first option that differs, as a clause about `one`; undefined if none does. */
export function differenceOf(
  one: Options,
  other: Options,
  names: readonly string[] = Object.keys(one),
): string | undefined {
  const name = names.find((each) => one[each] !== other[each]);
  return name && `its ${name} is ${one[name]}, not ${other[name]}`;
}
