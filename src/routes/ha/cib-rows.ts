import { createHash } from 'node:crypto';
import { ofCluster } from '../common/codes.ts';

import type { Configuration, ConfigurationReader } from '../../cluster/reading/configuration.ts';
import { type Fields, inQuery, type ValuesOf } from '../../server/table/field.ts';
import type { DescribedHeaders, Reply, Row } from '../../server/table/row.ts';
import { trueOrFalse } from '../../server/table/rules.ts';
import { ageHeader, warningHeader } from '../common/headers.ts';
import { age, read, type ReadRoute } from '../common/read.ts';
import type { FaultCode } from '../../kit/fault.ts';

export const ofCib: DescribedHeaders = {
  ...age,
  'X-HA-Source': '`offline` if the cluster is stopped, so that the CIB was read from the disk.',
  'X-HA-Warnings': 'Warnings about the answer.',
};

/** What a route declares that answers from the CIB. Faults that all of these have are left out. */
export type ReadOfCib<F extends Fields> = Omit<ReadRoute<F>, 'handle' | 'codes' | 'headers'> & {
  codes?: readonly FaultCode[];
};

/** A route whose answer is made from the CIB. */
export interface CibRoute<F extends Fields> extends ReadOfCib<F> {
  bodyOf: (from: Configuration, values: ValuesOf<F>) => unknown;
}

/** A route whose answer also has the text of pcs about the CIB, unless the caller declines it. */
export interface CibTextRoute extends Omit<ReadOfCib<Fields>, 'fields'> {
  textOf: (from: Configuration) => Promise<string>;
  /** Whether the route is for the text itself, so that no caller can decline it. */
  isTextItself?: boolean;
  /** @param text undefined if the caller declined it */
  bodyOf: (from: Configuration, text: string | undefined) => unknown;
}

export interface CibRows {
  fromCib: <F extends Fields>(route: CibRoute<F>) => Row;
  fromCibAndText: (route: CibTextRoute) => Row;
}

/** Whether the text of pcs is wanted. */
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

/**
 * An answer that is made from the configuration in the CIB. It stays the same as long as the version does, so the
 * version is its ETag. Express itself answers 304.
 * @param text the text of pcs, which may change with time because rules end
 */
export function cibReply(
  { cib, source, readAt, takeWarnings }: Configuration,
  body: unknown,
  text?: string,
): Reply {
  const digest = text === undefined ? '' : `-${digestOf(text)}`;
  return {
    body,
    headers: {
      ETag: `"${cib.version}${digest}"`,
      ...(source === 'offline' && { 'X-HA-Source': 'offline' }),
      ...warningHeader(takeWarnings()),
      ...ageHeader(readAt),
    },
  };
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 8);
}
