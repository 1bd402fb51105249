import type { Fields, JsonSchema, ValuesOf } from '../../server/table/field.ts';
import type { FaultCode } from '../../kit/fault.ts';
import {
  type Call,
  type DescribedHeaders,
  type Reply,
  row,
  type Row,
} from '../../server/table/row.ts';
import type { Role } from '../../access/roles.ts';
import { ageHeader } from './headers.ts';

/** A route that reads. */
export interface ReadRoute<F extends Fields> {
  path: string;
  /** What it answers, in one sentence. */
  summary: string;
  /** The required role; `viewer` by default. */
  role?: Role;
  fields?: F;
  /** The schema of its answer. */
  schema: JsonSchema;
  /** Its faults, except those that follow from its family, role and fields. */
  codes: readonly FaultCode[];
  /** Headers that its answers may have, except those of every route. */
  headers?: DescribedHeaders;
  handle: (values: ValuesOf<F>, call: Call) => Reply | Promise<Reply>;
}

export function read<F extends Fields>({
  role = 'viewer',
  fields = {} as F,
  schema,
  headers: answer = {},
  ...rest
}: ReadRoute<F>): Row {
  const answers = { 200: { json: schema } };
  return row({ methods: ['GET'], role, fields, answers, headers: { answer }, ...rest });
}

export const age: DescribedHeaders = {
  Age: 'The age of the reading in seconds, if it is more than one.',
};

/** A route whose answer was read at a known moment. */
export function readAsOf<F extends Fields>({
  readBody,
  ...rest
}: Omit<ReadRoute<F>, 'handle' | 'headers'> & {
  readBody: (values: ValuesOf<F>) => Promise<{ body: unknown; readAt: number }>;
}): Row {
  return read({
    ...rest,
    headers: age,
    async handle(values: ValuesOf<F>) {
      const { body, readAt } = await readBody(values);
      return { body, headers: ageHeader(readAt) };
    },
  });
}
