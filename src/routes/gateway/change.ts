import type { Change } from '../../changes/change.ts';
import type { RepeatedAnswers } from '../../changes/idempotency/repeated-answers.ts';
import type { ChangePipeline } from '../../changes/pipeline.ts';
import type { NodeDiff } from '../../gateway/groups/changes.ts';
import type { FaultCode } from '../../kit/fault.ts';
import { invalidRequest } from '../../server/middleware/validate.ts';
import { type Fields, inQuery, type JsonSchema, type ValuesOf } from '../../server/table/field.ts';
import { type Call, type Method, type Reply, row, type Row } from '../../server/table/row.ts';
import { trueOrFalse } from '../../server/table/rules.ts';
import { anyOf } from '../../server/table/schema.ts';
import { ofChanges } from '../common/codes.ts';
import { warningHeader } from '../common/headers.ts';
import type { Answer } from '../common/stored-answer.ts';
import { triedDocument, triedSchema } from './documents/group.ts';

/** What changes of gateways need besides their own domain. */
export interface ChangeParts {
  changes: Pick<ChangePipeline, 'make'>;
  repeatedAnswers: RepeatedAnswers<Answer>;
}

/** What a change has done. */
export interface Done {
  body: object;
  /** The revision of the object before and after it, if it has one. */
  before?: number | undefined;
  after?: number | undefined;
  warnings?: readonly string[];
}

/** A route that changes something. */
export interface ChangingRoute<F extends Fields> {
  methods: readonly Method[];
  path: string;
  summary: string;
  fields: F;
  schema: JsonSchema;
  codes: readonly FaultCode[];
  /** @param ifRevision the only revision that the caller wants to be changed */
  carryOut: (values: ValuesOf<F>, ifRevision: number | undefined) => Promise<Done>;
  /** What it would do to the file of each node. Without it there is no dry run. */
  attempt?: (values: ValuesOf<F>, ifRevision: number | undefined) => Promise<readonly NodeDiff[]>;
  /** Whether its object exists and has a revision, which `If-Match` may name. */
  hasRevision?: boolean;
}

export type MakeChange = <F extends Fields>(route: ChangingRoute<F>) => Row;

/** Each fault of a change except `outcome_unknown` means that nothing was changed, or that everything was taken back. */
const ofThese: readonly FaultCode[] = [...ofChanges, 'store_unavailable'];

const tried = { dry_run: inQuery(trueOrFalse) };

/**
 * Makes rows that change something. The audit log has the beginning and the end of each. A repetition with the same key
 * changes nothing. Changes run side by side: the domain puts those of one object in order.
 */
export function changeRows({ changes, repeatedAnswers }: ChangeParts): MakeChange {
  return <F extends Fields>({
    fields,
    schema,
    codes,
    carryOut,
    attempt,
    hasRevision = false,
    ...rest
  }: ChangingRoute<F>) => {
    async function handle(all: ValuesOf<Fields>, call: Call): Promise<Reply> {
      const { dry_run: dryRun, ...own } = all as ValuesOf<typeof tried>;
      const values = own as ValuesOf<F>;
      const ifRevision = revisionIn(call.header('If-Match'), hasRevision);
      if (attempt && dryRun === 'true') {
        return {
          body: triedDocument(await attempt(values, ifRevision)),
          isOnce: true,
          isDryRun: true,
        };
      }
      const make = async (): Promise<Answer> => {
        const request = { request: call.audited(), ifVersion: undefined, waitMs: undefined };
        const change = changeOf(() => carryOut(values, ifRevision));
        const { answer, warnings } = await changes.make(request, change);
        return answerOf(answer, warnings);
      };
      const key = call.header('Idempotency-Key');
      const made =
        key === undefined
          ? make()
          : repeatedAnswers.once(
              { caller: call.caller().name, key: checkedKey(key), request: contentOf(call) },
              make,
            );
      const { status, headers, body } = await call.workOn(made);
      return { status, headers, text: body, isOnce: true };
    }

    return row<Fields>({
      ...rest,
      role: 'admin',
      isChange: true,
      fields: { ...fields, ...(attempt && tried) },
      answers: { 200: { json: attempt ? anyOf(schema, triedSchema) : schema } },
      codes: [...ofThese, ...(hasRevision ? (['version_changed'] as const) : []), ...codes],
      headers: {
        request: {
          ...(hasRevision && {
            'If-Match':
              'The ETag of a read. The change is refused if the object has changed since.',
          }),
          'Idempotency-Key':
            'Repeats of this request with the same key change nothing and get the first answer.',
        },
        answer: {
          ETag: 'For the If-Match of the next request.',
          'X-HA-Warnings': 'What the caller should know of the change that was made.',
        },
      },
      handle,
    });
  };
}

function changeOf(work: () => Promise<Done>): Change<Done> {
  let done: Done | undefined;
  return {
    hasVersion: true,
    isConcurrent: true,
    begin: () => ({
      async carryOut({ recorded }) {
        await recorded;
        done = await work();
        return done;
      },
      ended: () =>
        Promise.resolve({
          before: textOfRevision(done?.before),
          after: textOfRevision(done?.after),
        }),
    }),
  };
}

function textOfRevision(revision: number | undefined): string | undefined {
  return revision === undefined ? undefined : `${revision}`;
}

function answerOf({ body, after, warnings = [] }: Done, more: readonly string[]): Answer {
  return {
    status: 200,
    headers: {
      ...(after !== undefined && { ETag: `"${after}"` }),
      ...warningHeader([...warnings, ...more]),
    },
    body: JSON.stringify(body),
  };
}

/** The revision in an ETag of ours, with or without the digest of what was known then. Faults: `invalid_request` */
function revisionIn(ifMatch: string | undefined, hasRevision: boolean): number | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined;
  if (!hasRevision)
    throw headerFault(
      'If-Match',
      'must not be sent: this request is for nothing that has a revision',
    );
  const revision = /^\s*"(\d{1,15})(?:-[\w-]+)?"\s*$/.exec(ifMatch)?.[1];
  if (revision !== undefined) return Number(revision);
  throw headerFault('If-Match', 'must be the ETag of a read of the group, such as "7"');
}

/** Faults: `invalid_request` */
function checkedKey(key: string): string {
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw headerFault('Idempotency-Key', 'must be 1 to 255 printable characters without a blank');
}

function headerFault(field: string, message: string) {
  return invalidRequest([{ field, message, type: 'string' }]);
}

/** Everything that distinguishes one request from another. */
function contentOf({ method, url, checkedBody }: Call): string {
  return JSON.stringify([method, url, checkedBody() ?? null]);
}
