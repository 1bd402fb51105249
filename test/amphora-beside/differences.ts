import type { Exchanged, Seen } from './exchanges.ts';

/** One field in which two answers to the same request differ; `undefined` where an answer has no such field. */
export interface Difference {
  moment: string;
  /** Method and path. */
  request: string;
  /** `status`, `type`, `etag`, `allow`, or a path in the body such as `body.cpu.total`. */
  field: string;
  /** The statuses of both answers, such as `200, 404`. */
  statuses: string;
  real: string | undefined;
  ours: string | undefined;
}

/** A difference that docs/amphora.md explains. */
export interface Explained {
  /** Its line in the table of docs/amphora.md. */
  line: string;
  /** Which requests have it. */
  request: RegExp;
  field: RegExp;
  /** The statuses of both answers; any without it. */
  statuses?: RegExp;
  /** What the real agent has there; `null` where it has nothing. */
  real: RegExp | null;
  ours: RegExp | null;
}

/** All differences between the answers to one request. */
export function differencesIn({ moment, method, path, real, ours }: Exchanged): Difference[] {
  const [one, other] = [fieldsOf(real), fieldsOf(ours)];
  return [...new Set([...one.keys(), ...other.keys()])].flatMap((field) => {
    const [realValue, oursValue] = [one.get(field), other.get(field)];
    return realValue === oursValue
      ? []
      : [
          {
            moment,
            request: `${method} ${path}`,
            field,
            statuses: `${real.status}, ${ours.status}`,
            real: realValue,
            ours: oursValue,
          },
        ];
  });
}

function fieldsOf(seen: Seen): Map<string, string> {
  const found = new Map<string, string>();
  const add = (field: string, value: unknown): void => {
    if (typeof value !== 'object' || value === null) found.set(field, String(value));
    else if (Object.keys(value).length === 0) found.set(field, JSON.stringify(value));
    else for (const [key, each] of Object.entries(value)) add(`${field}.${key}`, each);
  };
  for (const [field, value] of Object.entries(seen)) {
    if (value !== '') add(field, value);
  }
  return found;
}

/** Whether a row explains a difference. */
export function explains(row: Explained, difference: Difference): boolean {
  const { request, field, statuses, real, ours } = difference;
  const fits = (pattern: RegExp | null, value: string | undefined): boolean =>
    pattern === null ? value === undefined : value !== undefined && pattern.test(value);
  return (
    row.request.test(request) &&
    row.field.test(field) &&
    (row.statuses?.test(statuses) ?? true) &&
    fits(row.real, real) &&
    fits(row.ours, ours)
  );
}

export interface Judgement {
  /** Each difference with the lines of the document that explain it. */
  explained: readonly (Difference & { line: string })[];
  unexplained: readonly Difference[];
  /** Rows that explain nothing: the document has a difference that is not there. */
  unused: readonly Explained[];
}

/** Holds all differences against the rows. */
export function judge(pairs: readonly Exchanged[], rows: readonly Explained[]): Judgement {
  const used = new Set<Explained>();
  const explained: (Difference & { line: string })[] = [];
  const unexplained: Difference[] = [];
  for (const difference of pairs.flatMap(differencesIn)) {
    const row = rows.find((each) => explains(each, difference));
    if (row === undefined) unexplained.push(difference);
    else {
      used.add(row);
      explained.push({ ...difference, line: row.line });
    }
  }
  return { explained, unexplained, unused: rows.filter((row) => !used.has(row)) };
}
