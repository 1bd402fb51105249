import type { Method, Row } from './row.ts';

/** A request, and the answer of a real cluster to it. */
export interface Example {
  /** The body of the request; undefined if there was none. */
  request?: unknown;
  status: number;
  body?: unknown;
}

/** Examples by the operation, `METHOD /path/{parameter}`. */
export type Examples = Readonly<Record<string, Example>>;

/** The name of an operation in the examples. */
export function operationName(method: Method, path: string): string {
  return `${method} ${templateOf(path)}`;
}

/** The path of a row in the format of OpenAPI. */
export function templateOf(path: string): string {
  return path.replace(/[:*](\w+)/g, '{$1}');
}

/**
 * The example of a row. It belongs to one of the row's own operations, or to a row with the same description, which
 * does the same under another path.
 */
export function exampleOf(
  { examples, rows }: { examples: Examples; rows: readonly Row[] },
  row: Row,
): Example | undefined {
  return [row, ...rows.filter(({ summary }) => summary === row.summary)]
    .flatMap((each) => each.methods.map((method) => examples[operationName(method, each.path)]))
    .find((each) => each !== undefined);
}
