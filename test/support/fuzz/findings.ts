const maxKinds = 20;
const maxOfKind = 3;

/** Defects that a run has found. */
export interface Findings {
  /** @param what the defect, without what differs between requests @param where how to see it again */
  add: (what: string, where: string) => void;
  /** Whether there are so many that further ones would not help. */
  isFull: () => boolean;
  /** Each kind, with its number and its places. */
  list: () => string[];
}

export function makeFindings(): Findings {
  const kinds = new Map<string, { count: number; where: string[] }>();
  return {
    add(what, where) {
      const kind = kinds.get(what) ?? { count: 0, where: [] };
      kinds.set(what, kind);
      kind.count += 1;
      if (kind.where.length < maxOfKind) kind.where.push(where);
    },
    isFull: () => kinds.size >= maxKinds,
    list: () =>
      [...kinds].map(([what, { count, where }]) =>
        [`${count} times: ${what}`, ...where].join('\n    '),
      ),
  };
}
