import type { AuditedRequest } from '../../changes/audit/audit.ts';
import type { Role } from '../../access/roles.ts';
import type { FaultCode } from '../../kit/fault.ts';
import type { Fields, JsonSchema, ValuesOf } from './field.ts';

export const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'] as const;
export type Method = (typeof methods)[number];

/** What a request is answered with: JSON of this schema, text of this media type, or no body. */
export type Answered = { json: JsonSchema } | { text: string } | 'nothing';

/** Headers by their names, each with what it is for. */
export type DescribedHeaders = Readonly<Record<string, string>>;

/** What is answered. */
export interface Reply {
  /** 200, if nothing is said. */
  status?: number;
  headers?: Readonly<Record<string, string>>;
  /** Written as JSON. Nothing is written if there is neither this nor `text`. */
  body?: unknown;
  /** JSON that was written already. */
  text?: string | Buffer;
  /** Whether it is the answer to this one request, which gets no ETag and may be cached by nobody. */
  isOnce?: boolean;
  /** Whether nothing was changed, though the route is one that changes something. */
  isDryRun?: boolean;
}

/** A request, as far as a route may see it. */
export interface Call {
  method: string;
  /** Path and query, as they came. */
  url: string;
  header: (name: string) => string | undefined;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The address that it came from. */
  from: string;
  /** The JSON object that came as the body; empty if there was none. */
  body: Readonly<Record<string, unknown>>;
  /** The same as the checks left it; undefined if none was read. */
  checkedBody: () => unknown;
  /** The body of a route that takes bytes. */
  raw: () => Buffer;
  /** The body as it comes, for a route that reads it itself. */
  bytes: () => AsyncIterable<Buffer>;
  params: Readonly<Record<string, unknown>>;
  /** Who asks. */
  caller: () => { name: string; role: Role };
  /** What the audit log has of it. */
  audited: () => AuditedRequest;
  /** Counts the request as under way until this work has ended, even if its client hangs up. */
  workOn: <T>(work: Promise<T>) => Promise<T>;
  /** Calls `release` when the connection is done with it and all work on it has ended. */
  whenOver: (release: () => void) => void;
}

/** One route. All that is known of it stands here, except for how errors are written, which its family says. */
export interface Row<F extends Fields = Fields> {
  /** A GET is a HEAD as well, unless it changes something. */
  methods: readonly Method[];
  /** Below the base of its family: `/resource/:name`; `*name` takes several segments. */
  path: string;
  /** Who may, at least; `anyone` where nobody is asked who calls, or where each sees what is its own. */
  role: Role | 'anyone';
  /** What it does, in one sentence. */
  summary: string;
  fields: F;
  /** What it answers, by status. */
  answers: Readonly<Record<number, Answered>>;
  /** Those of its faults that do not follow from its family, role and fields. */
  codes: readonly FaultCode[];
  /** Headers that its requests may have, and those that its answers may have, except for those of every route. */
  headers?: { request?: DescribedHeaders; answer?: DescribedHeaders };
  /**
   * How its body is read, if not by its fields: as JSON; as bytes of any type, up to so many; or by the route itself, as
   * it comes.
   */
  body?: 'json' | 'stream' | { maxBytes: number };
  /** Whether it changes something. Its body has a limit of its own then. */
  isChange?: boolean;
  /** Whether its body may have fields of any name. */
  takesAll?: boolean;
  /** Whether a slash behind the path makes it another path, which it is not by default. */
  isStrict?: boolean;
  /** Whether a request by another method may be that of a less specific path, and is not 405 by this one. */
  isOpen?: boolean;
  /** Called before the fields are checked. */
  begin?: (call: Call) => void;
  handle: (values: ValuesOf<F>, call: Call) => Reply | Promise<Reply>;
}

/** Forgets which fields a row has; its own code has been checked against them. */
export function row<F extends Fields>(typed: Row<F>): Row {
  return typed as unknown as Row;
}
