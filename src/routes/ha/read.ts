import type { Configuration, ConfigurationReader } from '../../cluster/configuration.ts';
import { type Fields, inQuery, type JsonSchema, type ValuesOf } from '../../server/table/field.ts';
import {
  type Call,
  type DescribedHeaders,
  type Reply,
  row,
  type Row,
} from '../../server/table/row.ts';
import type { Role } from '../../access/roles.ts';
import type { FaultCode } from '../../kit/fault.ts';
import { ageHeader, cibReply } from '../changes/answer.ts';
import { ofCluster } from './codes.ts';
import { trueOrFalse } from './fields.ts';

/** A route that reads. */
export interface ReadRoute<F extends Fields> {
  path: string;
  /** What it answers, in one sentence. */
  summary: string;
  /** Who may; `viewer` if nothing is said. */
  role?: Role;
  fields?: F;
  /** What it answers. */
  schema: JsonSchema;
  /** Its faults that are not those of every route. */
  codes: readonly FaultCode[];
  /** Headers that its answers may have. */
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
  Age: 'How many seconds ago it was read, if that is more than one.',
};
export const ofCib: DescribedHeaders = {
  ...age,
  'X-HA-Source': '`offline` where the cluster is stopped, and the CIB on the disk was read.',
  'X-HA-Warnings': 'What to know of the answer.',
};

/** What routes need not say that answer from the cluster. */
export type OwnCodes<R> = Omit<R, 'handle' | 'codes' | 'headers'> & {
  /** Its faults that not every route has which asks the cluster. */
  codes?: readonly FaultCode[];
};

/** A route whose answer is what was read at some moment. */
export function readAsOf<F extends Fields>({
  readBody,
  codes = [],
  ...rest
}: OwnCodes<ReadRoute<F>> & {
  readBody: (values: ValuesOf<F>) => Promise<{ body: unknown; readAt: number }>;
}): Row {
  return read({
    ...rest,
    codes: [...ofCluster, ...codes],
    headers: age,
    async handle(values: ValuesOf<F>) {
      const { body, readAt } = await readBody(values);
      return { body, headers: ageHeader(readAt) };
    },
  });
}

/** A route whose answer is made of the CIB. */
export interface CibRoute<F extends Fields> extends OwnCodes<ReadRoute<F>> {
  bodyOf: (from: Configuration, values: ValuesOf<F>) => unknown;
}

/** A route whose answer has what pcs says of the CIB as well, except for who does not want that. */
export interface CibTextRoute extends Omit<OwnCodes<ReadRoute<Fields>>, 'fields'> {
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
    fromCib: <F extends Fields>({ bodyOf, codes = [], ...rest }: CibRoute<F>) =>
      read({
        ...rest,
        codes: [...ofCluster, ...codes],
        headers: ofCib,
        async handle(values: ValuesOf<F>) {
          const from = await configuration.get();
          return cibReply(from, bodyOf(from, values));
        },
      }),
    fromCibAndText: ({ textOf, bodyOf, isTextItself = false, codes = [], ...rest }) =>
      read({
        ...rest,
        codes: [...ofCluster, ...codes],
        headers: ofCib,
        fields: isTextItself ? ({} as typeof rawWanted) : rawWanted,
        async handle({ raw }) {
          const from = await configuration.get();
          const text = raw === 'false' ? undefined : await textOf(from);
          return cibReply(from, bodyOf(from, text), text);
        },
      }),
  };
}
