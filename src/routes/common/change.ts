import type { Role } from '../../access/roles.ts';
import type { Change, ChangeRequest } from '../../changes/change.ts';
import type { ChangePipeline } from '../../changes/pipeline.ts';
import type { Confirmations } from '../../changes/confirmations.ts';
import { Fault, type FaultCode } from '../../kit/fault.ts';
import type { RepeatedAnswers } from '../../changes/idempotency/repeated-answers.ts';
import type { KnownSecrets } from '../../kit/secrets/known-secrets.ts';
import { maskValues } from '../../kit/secrets/masking.ts';
import { invalidRequest } from '../../server/middleware/validate.ts';
import type { Problems } from '../../server/problem.ts';
import {
  type Fields,
  inQuery,
  type JsonSchema,
  named,
  optional,
  type Rule,
  rule,
  type ValuesOf,
  withoutMeaning,
} from '../../server/table/field.ts';
import { type Call, type Method, type Reply, row, type Row } from '../../server/table/row.ts';
import { flag, trueOrFalse } from '../../server/table/rules.ts';
import {
  type Answer,
  answerOfDryRun,
  answerOfFailure,
  answerOfMade,
  bodyOfDryRun,
} from './stored-answer.ts';
import {
  type ChangeAnswer,
  type ChangeKind,
  describedChange,
  type Echo,
  echoedNames,
} from './described.ts';

/** What all routes that change something need from the domain. */
export interface ChangeDomain {
  changes: Pick<ChangePipeline, 'make' | 'try'>;
  confirmations: Confirmations;
  repeatedAnswers: RepeatedAnswers<Answer>;
  secrets: KnownSecrets;
  problems: Problems;
}

/** A route that changes something. */
export interface ChangeRoute<F extends Fields, T> {
  /** POST by default. */
  methods?: readonly Method[];
  path: string;
  /** What the route does, in one sentence. */
  summary: string;
  /** The required role; `admin` by default. */
  role?: Role;
  fields?: F;
  /** Its faults that not every change of its kind has. With `cannot_be_tried` it has no dry run. */
  codes: readonly FaultCode[];
  takesAll?: boolean;
  isStrict?: boolean;
  /** The fields that have no meaning with such values, and those that never have a meaning here. */
  unused?: (values: ValuesOf<F>) => readonly string[];
  isOpen?: boolean;
  change: (values: ValuesOf<F>, call: Call) => Change<T>;
  /** Makes the documented answer from the result of the change. By default, the result is the answer. */
  answer?: (result: T, values: ValuesOf<F>) => unknown;
  /** Describes the effect of a dry run, if the change is not one of the CIB. */
  preview?: { schema: JsonSchema; make: (values: ValuesOf<F>) => Promise<object> };
  /** Describes what would be lost, to a caller who has to confirm an irreversible change. */
  loses?: (values: ValuesOf<F>) => string | undefined | Promise<string | undefined>;
}

export type ChangeRows = <F extends Fields, T>(route: ChangeRoute<F, T> & ChangeAnswer) => Row;

/** Makes the rows of routes that change something. */
export function changeRows(domain: ChangeDomain, kind: ChangeKind): ChangeRows {
  return <F extends Fields, T>({
    methods = ['POST'],
    role = 'admin',
    fields = {} as F,
    change,
    answer = (result) => result,
    schema,
    echo,
    codes,
    preview,
    loses,
    unused = () => [],
    ...rest
  }: ChangeRoute<F, T> & ChangeAnswer) => {
    async function handle(all: ValuesOf<Fields>, call: Call): Promise<Reply> {
      const {
        dry_run: dryRun,
        dry_run_in_body: inBody,
        wait,
        ...own
      } = all as ValuesOf<Conditions>;
      const values = own as ValuesOf<F>;
      const request: ChangeRequest = {
        request: call.audited(),
        ifVersion: versionIn(call.header('If-Match')),
        waitMs: wait === undefined ? undefined : msOf(wait),
      };
      const wanted = change(values, call);
      if (!wanted.hasVersion && request.ifVersion !== undefined) throw hasNoVersion();
      if (preview && (dryRun === 'true' || inBody === true)) {
        const previewed = { dry_run: true, ...(await preview.make(values)) };
        const text = JSON.stringify(domain.secrets.maskJson(previewed));
        return { text, isOnce: true, isDryRun: true };
      }
      if (dryRun === 'true') {
        const tried = await domain.changes.try(request, wanted);
        return { ...replyOf(answerOfDryRun(domain.secrets.maskJson(tried))), isDryRun: true };
      }
      const make = async (): Promise<Answer> => {
        await confirmed(call, wanted, await loses?.(values));
        const made = await domain.changes.make(request, wanted);
        const body = echo ? echoOf(call, echo) : answer(made.answer, values);
        const ignored = [...unused(values), ...withoutMeaningIn(call)].map(
          (field) => `'${field}' has no meaning here, and was not used.`,
        );
        const warnings = domain.secrets.maskJson([...ignored, ...made.warnings]);
        return answerOfMade({ ...made, warnings }, domain.secrets.maskJson(body));
      };
      const key = call.header('Idempotency-Key');
      const made =
        key === undefined
          ? make()
          : domain.repeatedAnswers.once(
              { caller: call.caller().name, key: checkedKey(key), request: contentOf(call) },
              () => make().catch((error: unknown) => answerOfFailure(error, domain.problems)),
            );
      return replyOf(await call.workOn(made));
    }

    const never = Object.keys(fields).filter(
      (field) => fields[field]?.check === withoutMeaning.check,
    );
    const withoutMeaningIn = ({ body }: Call) => never.filter((field) => field in body);

    return row<Fields>({
      methods,
      role,
      isChange: true,
      fields: { ...conditions, ...(preview && dryRunInBody), ...fields },
      ...describedChange(kind, echo ? { echo } : { schema }, {
        fields,
        codes,
        isConfirmed: loses !== undefined,
        tried: preview?.schema,
      }),
      handle,
      // The secrets of the request are masked everywhere until the request has ended.
      begin(call) {
        call.whenOver(domain.secrets.hold(secretsOf(call)));
      },
      ...rest,
    });
  };

  /** Faults: `confirmation_required` */
  async function confirmed(
    call: Call,
    change: Change<unknown>,
    lost: string | undefined,
  ): Promise<void> {
    if (lost === undefined || !domain.confirmations.required) return;
    const caller = call.caller().name;
    const what = contentOf(call);
    const token = call.header('X-HA-Confirm');
    if (token !== undefined && domain.confirmations.redeem(token, caller, what)) return;
    const plan = change.try && bodyOfDryRun(await domain.changes.try(unconditional(call), change));
    throw new Fault(
      'confirmation_required',
      `${lost} To confirm, repeat the request within ${domain.confirmations.lifetimeSeconds} s with the header 'X-HA-Confirm' and the token in 'confirmation'.`,
      { confirmation: { token: domain.confirmations.issue(caller, what), ...plan } },
    );
  }
}

/** The values under the names of secrets in the request, except values that it also has under another name. */
function secretsOf({ params, body }: Call): Set<string> {
  const secrets = new Set<string>();
  const said = { ...params, ...body };
  const masked = maskValues(said, (value) => secrets.add(value)) as Record<string, unknown>;
  for (const open of Object.values(masked)) {
    if (typeof open === 'string') secrets.delete(open);
  }
  return secrets;
}

function unconditional({ audited }: Call): ChangeRequest {
  return { request: audited(), ifVersion: undefined, waitMs: undefined };
}

const duration: Rule<string> = rule(
  { type: 'string', pattern: '^[1-9]\\d{0,3}(?:s|m)?$', examples: ['30s', '2m'] },
  (chain) =>
    chain
      .custom((value: unknown) => typeof value === 'string' && /^[1-9]\d{0,3}(?:s|m)?$/.test(value))
      .withMessage('must be a time such as "30s" or "2m"'),
);

/** The fields of each change. */
const conditions = { dry_run: inQuery(trueOrFalse), wait: inQuery(duration) };
/** The fields of a change that can be tried without the cluster. */
const dryRunInBody = { dry_run_in_body: named('dry_run', optional(flag)) };
type Conditions = typeof conditions & typeof dryRunInBody;

function msOf(time: string): number {
  return Number.parseInt(time, 10) * (time.endsWith('m') ? 60_000 : 1000);
}

/**
 * The version in an `If-Match`: the ETag of a configuration, with or without the digest of the text of pcs.
 * Faults: `invalid_request`
 */
function versionIn(ifMatch: string | undefined): string | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined;
  const version = /^\s*"(\d+\.\d+)(?:-[\w-]+)?"\s*$/.exec(ifMatch)?.[1];
  if (version !== undefined) return version;
  throw headerFault('If-Match', 'must be the ETag of a read of the configuration, such as "0.42"');
}

function hasNoVersion(): Fault {
  return headerFault(
    'If-Match',
    'must not be sent: this change is outside of the cluster configuration, and has no version',
  );
}

/** Faults: `invalid_request` */
function checkedKey(key: string): string {
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw headerFault('Idempotency-Key', 'must be 1 to 255 printable characters without a blank');
}

function headerFault(field: string, message: string): Fault {
  return invalidRequest([{ field, message, type: 'string' }]);
}

/** Everything that distinguishes one request from another. */
function contentOf({ method, url, checkedBody }: Call): string {
  return JSON.stringify([method, url, checkedBody() ?? null]);
}

function echoOf(call: Call, fields: Echo): Record<string, unknown> {
  const body = maskValues(call.body) as Record<string, unknown>;
  return Object.fromEntries(
    echoedNames(fields)
      .filter(([field]) => field in body)
      .map(([field, name]) => [name, body[field]]),
  );
}

function replyOf({ status, headers, body }: Answer): Reply {
  return { status, headers, text: body, isOnce: true };
}
