/** The owner of a haproxy.cfg, and the folders that controllers write into it, from amphora-agent.conf. */
export interface DriverConfigPlace {
  /** The id of the owner: of a listener in API 0.1 and 0.5, else of a load balancer. */
  id: string;
  /** `base_path` */
  base: string;
  /** `base_cert_dir` */
  certificates: string;
}

/** A word that is not fixed. */
export interface Argument {
  accepts: (word: string, place: DriverConfigPlace) => boolean;
  /** What a refused word has that no driver writes. */
  otherwise: string;
}

/** A word of a line: itself, a pattern, or a check with a reason of its own. */
export type Item = string | RegExp | Argument;

/** Words by their name, each with the words that follow it. They may come in any order, each as often as haproxy takes. */
export type Options = Readonly<Record<string, readonly Item[]>>;

/** A form of a line that drivers write. */
export interface Shape {
  items: readonly Item[];
  /** What may follow. */
  options?: Options;
  /** Any number of words that may follow, one at least. */
  rest?: Item;
}

/** The shapes of each directive of a section. */
export type Vocabulary = Readonly<Record<string, readonly Shape[]>>;

const generic = 'an argument that no driver writes';

/** A line of these words alone. */
export function line(...items: readonly Item[]): Shape {
  return { items };
}

/** Several words that are all fixed. */
export function fixed(text: string): Shape {
  return { items: text.split(' ') };
}

/**
 * Compares a line with the shapes of its directive.
 * @returns what it has that no driver writes; undefined if one shape fits
 */
export function refusal(
  given: readonly string[],
  shapes: readonly Shape[],
  place: DriverConfigPlace,
): string | undefined {
  let reason: string | undefined;
  for (const shape of shapes) {
    const why = refusalBy(shape, given, place);
    if (why === undefined) return undefined;
    if (reason === undefined || reason === generic) reason = why;
  }
  return reason ?? generic;
}

function refusalBy(
  shape: Shape,
  given: readonly string[],
  place: DriverConfigPlace,
): string | undefined {
  const { items, options = {}, rest } = shape;
  const start = refusalOf(items, given, 0, place);
  if (start !== undefined) return start;
  let at = items.length;
  if (rest !== undefined) {
    const tail = given.slice(at);
    if (tail.length === 0) return generic;
    return tail.map((word) => refusalOfWord(rest, word, place)).find((why) => why !== undefined);
  }
  for (let word = given[at]; word !== undefined; word = given[at]) {
    const following = Object.hasOwn(options, word) ? options[word] : undefined;
    if (following === undefined) return generic;
    const why = refusalOf(following, given, at + 1, place);
    if (why !== undefined) return why;
    at += 1 + following.length;
  }
  return undefined;
}

function refusalOf(
  items: readonly Item[],
  given: readonly string[],
  from: number,
  place: DriverConfigPlace,
): string | undefined {
  for (const [index, item] of items.entries()) {
    const why = refusalOfWord(item, given[from + index], place);
    if (why !== undefined) return why;
  }
  return undefined;
}

function refusalOfWord(
  item: Item,
  word: string | undefined,
  place: DriverConfigPlace,
): string | undefined {
  if (word === undefined) return generic;
  if (typeof item === 'string') return item === word ? undefined : generic;
  if (item instanceof RegExp) return item.test(word) ? undefined : generic;
  return item.accepts(word, place) ? undefined : item.otherwise;
}
