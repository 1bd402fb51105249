import type { Method, Row } from './row.ts';

/** A request, and the answer that a real cluster gave to it. */
export interface Example {
  /** The body that came with it; nothing if there was none. */
  request?: unknown;
  status: number;
  body?: unknown;
}

/** Examples by the operation, `METHOD /path/{parameter}`. */
export type Examples = Readonly<Record<string, Example>>;

/** The name of an operation, as examples have it. */
export function operationName(method: Method, path: string): string {
  return `${method} ${templateOf(path)}`;
}

/** The path of a row as OpenAPI writes it. */
export function templateOf(path: string): string {
  return path.replace(/[:*](\w+)/g, '{$1}');
}

/**
 * The example of a row: that of one of its own operations, or of a row that says the same of itself and so does the same
 * under another path.
 */
export function exampleOf(
  { examples, rows }: { examples: Examples; rows: readonly Row[] },
  row: Row,
): Example | undefined {
  return [row, ...rows.filter(({ summary }) => summary === row.summary)]
    .flatMap((each) => each.methods.map((method) => examples[operationName(method, each.path)]))
    .find((each) => each !== undefined);
}
