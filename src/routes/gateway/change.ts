import type { RepeatedAnswers } from '../../changes/idempotency/repeated-answers.ts';
import type { ChangePipeline } from '../../changes/pipeline.ts';
import type { NodeDiff } from '../../gateway/groups/changes.ts';
import type { FaultCode } from '../../kit/fault.ts';
import { type Fields, inQuery, type JsonSchema, type ValuesOf } from '../../server/table/field.ts';
import { type Call, type Method, type Reply, row, type Row } from '../../server/table/row.ts';
import { trueOrFalse } from '../../server/table/rules.ts';
import { anyOf } from '../../server/table/schema.ts';
import { ofChanges } from '../common/codes.ts';
import {
  answerOf,
  concurrentChange,
  conditionHeaders,
  type Done,
  makeOnce,
  revisionIn,
} from '../common/conditions.ts';
import type { Answer } from '../common/stored-answer.ts';
import { triedDocument, triedSchema } from './documents/group.ts';

/** What changes of gateways need besides their own domain. */
export interface ChangeParts {
  changes: Pick<ChangePipeline, 'make'>;
  repeatedAnswers: RepeatedAnswers<Answer>;
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
    const versioned = hasRevision ? 'group' : undefined;

    async function handle(all: ValuesOf<Fields>, call: Call): Promise<Reply> {
      const { dry_run: dryRun, ...own } = all as ValuesOf<typeof tried>;
      const values = own as ValuesOf<F>;
      const ifRevision = revisionIn(call.header('If-Match'), versioned);
      if (attempt && dryRun === 'true') {
        return {
          body: triedDocument(await attempt(values, ifRevision)),
          isOnce: true,
          isDryRun: true,
        };
      }
      const { status, headers, body } = await makeOnce(call, repeatedAnswers, async () => {
        const request = { request: call.audited(), ifVersion: undefined, waitMs: undefined };
        const change = concurrentChange(() => carryOut(values, ifRevision));
        const { answer, warnings } = await changes.make(request, change);
        return answerOf(200, answer, warnings);
      });
      return { status, headers, text: body, isOnce: true };
    }

    return row<Fields>({
      ...rest,
      role: 'admin',
      isChange: true,
      fields: { ...fields, ...(attempt && tried) },
      answers: { 200: { json: attempt ? anyOf(schema, triedSchema) : schema } },
      codes: [...ofThese, ...(hasRevision ? (['version_changed'] as const) : []), ...codes],
      headers: conditionHeaders(versioned),
      handle,
    });
  };
}
