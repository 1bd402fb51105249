import type { Method } from './row.ts';

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
