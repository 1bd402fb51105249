import type { Configuration, ConfigurationReader } from '../../cluster/configuration.ts';
import { type Fields, inQuery, type ValuesOf } from '../../server/table/field.ts';
import { type Call, type Reply, row, type Row } from '../../server/table/row.ts';
import type { Role } from '../../access/roles.ts';
import { ageHeader, cibReply } from '../changes/answer.ts';
import { trueOrFalse } from './fields.ts';

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

/** A route whose answer is made of the CIB. */
export interface CibRoute<F extends Fields> extends Omit<ReadRoute<F>, 'handle'> {
  bodyOf: (from: Configuration, values: ValuesOf<F>) => unknown;
}

/** A route whose answer has what pcs says of the CIB as well, except for who does not want that. */
export interface CibTextRoute extends Omit<ReadRoute<Fields>, 'handle' | 'fields'> {
  textOf: (from: Configuration) => Promise<string>;
  /** Whether it is the text that is asked for, so that nobody does without. */
  isTextItself?: boolean;
  /** @param text undefined if it is not wanted */
  bodyOf: (from: Configuration, text: string | undefined) => unknown;
}

export interface CibRows {
  fromCib: <F extends Fields>(route: CibRoute<F>) => Row;
  fromCibAndText: (route: CibTextRoute) => Row;
}

/** Whether pcs's words are wanted. */
export const rawWanted = { raw: inQuery(trueOrFalse) };

/** Makes the rows of routes that answer from the CIB. */
export function cibRows(configuration: ConfigurationReader): CibRows {
  return {
    fromCib: <F extends Fields>({ bodyOf, ...rest }: CibRoute<F>) =>
      read({
        ...rest,
        async handle(values: ValuesOf<F>) {
          const from = await configuration.get();
          return cibReply(from, bodyOf(from, values));
        },
      }),
    fromCibAndText: ({ textOf, bodyOf, isTextItself = false, ...rest }) =>
      read({
        ...rest,
        fields: isTextItself ? ({} as typeof rawWanted) : rawWanted,
        async handle({ raw }) {
          const from = await configuration.get();
          const text = raw === 'false' ? undefined : await textOf(from);
          return cibReply(from, bodyOf(from, text), text);
        },
      }),
  };
}
