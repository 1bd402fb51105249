import type { Fields, ValuesOf } from '../../server/table/field.ts';
import { type Call, type Reply, row, type Row } from '../../server/table/row.ts';
import type { Role } from '../../access/roles.ts';
import { ageHeader } from './headers.ts';

/** A route that reads. */
export interface ReadRoute<F extends Fields> {
  path: string;
  /** What it answers, in one sentence. */
  summary: string;
  /** Who may; `viewer` if nothing is said. */
  role?: Role;
  fields?: F;
  handle: (values: ValuesOf<F>, call: Call) => Reply | Promise<Reply>;
}

export function read<F extends Fields>({
  role = 'viewer',
  fields = {} as F,
  ...rest
}: ReadRoute<F>): Row {
  return row({ methods: ['GET'], role, fields, ...rest });
}

/** A route whose answer is what was read at some moment. */
export function readAsOf<F extends Fields>({
  readBody,
  ...rest
}: Omit<ReadRoute<F>, 'handle'> & {
  readBody: (values: ValuesOf<F>) => Promise<{ body: unknown; readAt: number }>;
}): Row {
  return read({
    ...rest,
    async handle(values: ValuesOf<F>) {
      const { body, readAt } = await readBody(values);
      return { body, headers: ageHeader(readAt) };
    },
  });
}
