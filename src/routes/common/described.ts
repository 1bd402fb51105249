import type { FaultCode } from '../../kit/fault.ts';
import type { Fields, JsonSchema } from '../../server/table/field.ts';
import type { Answered, DescribedHeaders } from '../../server/table/row.ts';
import { anyOf, record } from '../../server/table/schema.ts';
import { ofChanges } from './codes.ts';

/** What all changes of a kind have in common. */
export interface ChangeKind {
  codes: readonly FaultCode[];
  /** Whether they change the cluster, whose configuration has a version. */
  hasVersion: boolean;
  /** The answer of a dry run, unless the route has its own. */
  tried?: JsonSchema;
}

/** The answer of a change that needs no cluster. */
export const hostChanges: ChangeKind = { codes: ofChanges, hasVersion: false };

/** The fields of the body that the answer repeats. A pair is a field and its name in the answer. */
export type Echo = readonly (string | readonly [field: string, name: string])[];

/** The answer of a change: a schema, or the fields of the body that it repeats, except for secrets. */
export type ChangeAnswer =
  { schema: JsonSchema | 'nothing'; echo?: never } | { schema?: never; echo: Echo };

interface Described {
  fields: Fields;
  codes: readonly FaultCode[];
  /** Whether it may have to be confirmed. */
  isConfirmed: boolean;
  /** The answer of its dry run, if it differs from that of its kind. */
  tried: JsonSchema | undefined;
}

/** What the row of a change declares: its answers, its faults and its headers. */
export function describedChange(
  kind: ChangeKind,
  { schema, echo }: ChangeAnswer,
  { fields, codes, isConfirmed, tried = kind.tried }: Described,
): {
  answers: Readonly<Record<number, Answered>>;
  codes: FaultCode[];
  headers: { request: DescribedHeaders; answer: DescribedHeaders };
} {
  const made = echo ? echoSchema(fields, echo) : schema;
  const isTried = tried && !codes.includes('cannot_be_tried');
  return {
    answers: {
      200: answeredWith(isTried && made !== 'nothing' ? anyOf(made, tried) : made),
      202: answeredWith(made),
    },
    codes: [...kind.codes, ...codes, ...(isConfirmed ? (['confirmation_required'] as const) : [])],
    headers: {
      request: {
        ...(kind.hasVersion && {
          'If-Match':
            'The ETag of a read. The change is refused if the configuration has changed since.',
        }),
        'Idempotency-Key':
          'Repeats of this request with the same key change nothing and get the first answer.',
        ...(isConfirmed && { 'X-HA-Confirm': 'The token of a 428 answer.' }),
      },
      answer: {
        ...(kind.hasVersion && { ETag: 'For the If-None-Match or If-Match of the next request.' }),
        'X-HA-Warnings': 'Warnings about the change that was made.',
      },
    },
  };
}

function answeredWith(schema: JsonSchema | 'nothing'): Answered {
  return schema === 'nothing' ? schema : { json: schema };
}

function echoSchema(fields: Fields, echo: Echo): JsonSchema {
  return record(
    Object.fromEntries(
      echoedNames(echo).map(([field, name]) => {
        const { isOptional = true, schema = {} } = fields[field] ?? {};
        return [isOptional || 'default' in schema ? `${name}?` : name, schema];
      }),
    ),
  );
}

/** Each repeated field with its name in the answer. */
export function echoedNames(echo: Echo): (readonly [field: string, name: string])[] {
  return echo.map((field) => (typeof field === 'string' ? [field, field] : field));
}
