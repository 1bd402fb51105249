import type { AuditedRequest } from '../../changes/audit/audit.ts';
import type { Role } from '../../access/roles.ts';
import type { FaultCode } from '../../kit/fault.ts';
import type { Fields, JsonSchema, ValuesOf } from './field.ts';

export const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'] as const;
export type Method = (typeof methods)[number];

/** The content of an answer: JSON with this schema, text of this media type, or no body. */
export type Answered = { json: JsonSchema } | { text: string } | 'nothing';

/** Headers by their names, each with its purpose. */
export type DescribedHeaders = Readonly<Record<string, string>>;

/** An answer. */
export interface Reply {
  /** 200 by default. */
  status?: number;
  headers?: Readonly<Record<string, string>>;
  /** Written as JSON. Without this and `text`, the answer has no body. */
  body?: unknown;
  /** JSON that is already written. */
  text?: string | Buffer;
  /** Whether it belongs to this request alone. Then it gets no ETag, and nobody may cache it. */
  isOnce?: boolean;
  /** Whether it has no `Content-Type`, because it has no body. */
  hasNoType?: boolean;
  /** Whether nothing was changed, although the route can change something. */
  isDryRun?: boolean;
}

/** The part of a request that a route may see. */
export interface Call {
  method: string;
  /** Path and query, as they were sent. */
  url: string;
  header: (name: string) => string | undefined;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The caller's address. */
  from: string;
  /** The JSON object in the body; empty if there was none. */
  body: Readonly<Record<string, unknown>>;
  /** The same after the checks; undefined if no body was read. */
  checkedBody: () => unknown;
  /** The body of a route that takes bytes. */
  raw: () => Buffer;
  /** The body as it arrives, for a route that reads it itself. */
  bytes: () => AsyncIterable<Buffer>;
  params: Readonly<Record<string, unknown>>;
  /** The caller. */
  caller: () => { name: string; role: Role; tenant?: string | undefined };
  /** Its fields in the audit log. */
  audited: () => AuditedRequest;
  /** Counts the request as under way until this work has ended, even if its client hangs up. */
  workOn: <T>(work: Promise<T>) => Promise<T>;
  /** Calls `release` when the connection no longer needs the answer and all work on it has ended. */
  whenOver: (release: () => void) => void;
}

/** One route. It declares everything except the format of errors, which belongs to its family. */
export interface Row<F extends Fields = Fields> {
  /** A GET also answers HEAD, unless it changes something. */
  methods: readonly Method[];
  /** Below the base of its family: `/resource/:name`; `*name` takes several segments. */
  path: string;
  /** The minimum role; `anyone` if no sign-in is needed, or if each caller only sees its own data. */
  role: Role | 'anyone';
  /** What it does, in one sentence. */
  summary: string;
  fields: F;
  /** Its answers by status. */
  answers: Readonly<Record<number, Answered>>;
  /** Its faults, except those that follow from its family, role and fields. */
  codes: readonly FaultCode[];
  /** Headers of its requests and answers, except those of every route. */
  headers?: { request?: DescribedHeaders; answer?: DescribedHeaders };
  /**
   * How its body is read, if not by its fields: as JSON, as bytes of any type up to a size, or by the route itself as
   * it arrives.
   */
  body?: 'json' | 'stream' | { maxBytes: number };
  /** The code of a request whose fields are wrong, if the document has an error of its own for that. */
  refusal?: FaultCode;
  /** Whether it changes something. Its body then has its own limit, unless `body` says how it is read. */
  isChange?: boolean;
  /** Whether its body may have fields of any name. */
  takesAll?: boolean;
  /** Whether a slash at the end of the path makes it another path. By default it does not. */
  isStrict?: boolean;
  /** Whether other methods may belong to a less specific path. Otherwise they are answered with 405. */
  isOpen?: boolean;
  /** Called before the fields are checked. */
  begin?: (call: Call) => void;
  handle: (values: ValuesOf<F>, call: Call) => Reply | Promise<Reply>;
}

/** Hides the fields of a row from its type. The code of the row was already checked against them. */
export function row<F extends Fields>(typed: Row<F>): Row {
  return typed as unknown as Row;
}
