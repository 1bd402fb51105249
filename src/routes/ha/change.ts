import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { matchedData, query } from 'express-validator';

import type { Role } from '../../auth/roles.ts';
import type { Asked, Change, Changes, Made, Tried } from '../../cluster/changes/changes.ts';
import type { Confirmations } from '../../confirmations.ts';
import { Fault, type FaultCode } from '../../errors.ts';
import type { Answer, RepeatedAnswers } from '../../repeated-answers.ts';
import type { KnownSecrets } from '../../known-secrets.ts';
import { maskValues } from '../../secrets.ts';
import { auditedRequest, callerIn, requireRole } from '../../server/middleware/authenticate.ts';
import { changeBody } from '../../server/middleware/json-body.ts';
import { whenOver, workOn } from '../../server/middleware/under-way.ts';
import { type Checks, invalidRequest, validate } from '../../server/middleware/validate.ts';
import { maskedProblem, problemOf, problemType } from '../../server/problem.ts';
import { warningHeader } from './answer.ts';

/** What the routes that change something ask of the domain, whatever they change. */
export interface ChangeDomain {
  changes: Changes;
  confirmations: Confirmations;
  repeatedAnswers: RepeatedAnswers;
  secrets: KnownSecrets;
}

/** A route that changes something. */
export interface ChangeRoute<F, T> {
  /** Who may; `admin` if nothing is said. */
  role?: Role;
  checks?: Checks;
  /** @param fields what was checked */
  change: (fields: F, request: Request) => Change<T>;
  /** What is documented as the answer, of what the change gave; that itself if nothing is said. */
  answer?: (result: T, fields: F) => unknown;
  /** Instead, these fields of the body as they came, but for secrets; a pair is a field and its new name. */
  echo?: readonly (string | readonly [field: string, name: string])[];
  /** Of what is no change of the CIB: what it would do, for who only tries it. */
  preview?: (fields: F) => Promise<object>;
  /** Of what cannot be undone: what would be lost, for who is asked to confirm. */
  loses?: (fields: F) => string | undefined | Promise<string | undefined>;
}

export type ChangeHandlers = <F extends object, T>(route: ChangeRoute<F, T>) => RequestHandler[];

/** Makes the handlers of routes that change something. */
export function changeHandlers(domain: ChangeDomain): ChangeHandlers {
  return ({
    role = 'admin',
    checks = () => [],
    change,
    answer = (result) => result,
    echo,
    preview,
    loses,
  }) => [
    requireRole(role),
    bodyIfAny,
    keepBody,
    knowSecrets,
    validate(() => [...conditions(), ...checks()]),
    async (request, response) => {
      type Fields = Parameters<typeof change>[0];
      const fields = matchedData<Fields>(request);
      const { dry_run: dryRun, wait } = matchedData<{ dry_run?: string; wait?: string }>(request, {
        locations: ['query'],
      });
      const asked: Asked = {
        request: auditedRequest(request, response),
        ifVersion: versionIn(request.get('If-Match')),
        waitMs: wait === undefined ? undefined : msOf(wait),
      };
      const wanted = change(fields, request);
      if (wanted.withoutCluster && asked.ifVersion !== undefined) throw hasNoVersion();
      if (preview && (dryRun === 'true' || isDryRun(request))) {
        const previewed = { dry_run: true, ...(await preview(fields)) };
        const body = JSON.stringify(domain.secrets.maskJson(previewed));
        send(response, { status: 200, headers: {}, body });
        return;
      }
      if (dryRun === 'true') {
        const tried = await domain.changes.try(asked, wanted);
        send(response, answerOf(domain.secrets.maskJson(tried)));
        return;
      }
      const make = async (): Promise<Answer> => {
        await confirmed(request, response, wanted, await loses?.(fields));
        const made = await domain.changes.make(asked, wanted);
        const body = echo ? echoOf(response, echo) : answer(made.answer, fields);
        const warnings = domain.secrets.maskJson(made.warnings);
        return answerOfMade({ ...made, warnings }, domain.secrets.maskJson(body));
      };
      const key = request.get('Idempotency-Key');
      const { name } = callerIn(response);
      const made =
        key === undefined
          ? make()
          : domain.repeatedAnswers.once(
              { caller: name, key: checkedKey(key), request: contentOf(request) },
              () => make().catch((error: unknown) => answerOfFailure(error, domain.secrets)),
            );
      send(response, await workOn(response, made));
    },
  ];

  /** The secrets of the request are masked wherever they turn up, until it is over. */
  function knowSecrets(request: Request, response: Response, next: NextFunction): void {
    whenOver(response, domain.secrets.hold(secretsOf(request)));
    next();
  }

  /** Faults: `confirmation_required` */
  async function confirmed(
    request: Request,
    response: Response,
    change: Change<unknown>,
    lost: string | undefined,
  ): Promise<void> {
    if (lost === undefined || !domain.confirmations.required) return;
    const caller = callerIn(response).name;
    const what = contentOf(request);
    const token = request.get('X-HA-Confirm');
    if (token !== undefined && domain.confirmations.redeem(token, caller, what)) return;
    const plan =
      change.edit && (await domain.changes.try(unconditional(request, response), change));
    throw new Fault(
      'confirmation_required',
      `${lost} To have it done, repeat the request within ${domain.confirmations.lifetimeSeconds} s with the header 'X-HA-Confirm' and the token that is in 'confirmation'.`,
      { confirmation: { token: domain.confirmations.issue(caller, what), ...plan } },
    );
  }
}

/** The values that the request has under the name of a secret, except values that it also has under another name. */
function secretsOf(request: Request): Set<string> {
  const secrets = new Set<string>();
  const said = { ...request.params, ...(request.body as object | undefined) };
  const masked = maskValues(said, (value) => secrets.add(value)) as Record<string, unknown>;
  for (const open of Object.values(masked)) {
    if (typeof open === 'string') secrets.delete(open);
  }
  return secrets;
}

function unconditional(request: Request, response: Response): Asked {
  return { request: auditedRequest(request, response), ifVersion: undefined, waitMs: undefined };
}

/** What clients send with a documented GET stays unread. */
const bodyIfAny: RequestHandler = (request, response, next) => {
  if (request.method === 'GET') next();
  else changeBody(request, response, next);
};

/** As it came: the checks put defaults and texts into the request's own. */
const keepBody: RequestHandler = (request, response, next) => {
  response.locals['body'] = { ...(request.body as object | undefined) };
  next();
};

const conditions: Checks = () => [
  query('dry_run')
    .optional()
    .custom((value: unknown) => value === 'true' || value === 'false')
    .withMessage('must be "true" or "false"'),
  query('wait')
    .optional()
    .custom((value: unknown) => typeof value === 'string' && /^[1-9]\d{0,3}(?:s|m)?$/.test(value))
    .withMessage('must be a time such as "30s" or "2m"'),
];

/** Whether the body says so, where the route has it in its checks. */
function isDryRun(request: Request): boolean {
  const { dry_run: dryRun } = matchedData<{ dry_run?: boolean }>(request, { locations: ['body'] });
  return dryRun === true;
}

function msOf(time: string): number {
  return Number.parseInt(time, 10) * (time.endsWith('m') ? 60_000 : 1000);
}

/**
 * The version that an `If-Match` names: a configuration's ETag, with or without the digest of pcs's words.
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
    'must not be there: what is changed is not in the configuration of the cluster, and has no version',
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

/** What tells one request from another. */
function contentOf(request: Request): string {
  return JSON.stringify([request.method, request.originalUrl, request.body ?? null]);
}

function answerOf(tried: Tried): Answer {
  return { status: 200, headers: { ETag: `"${tried.version}"` }, body: JSON.stringify(tried) };
}

function answerOfMade(
  { settled, asExpected, warnings, version }: Made<unknown>,
  body: unknown,
): Answer {
  const said = settled || !asExpected ? warnings : [...warnings, notSettled];
  return {
    // Made, but the cluster is still at it, or its resource did not come out as it was meant.
    status: settled && asExpected ? 200 : 202,
    headers: {
      ...(version !== undefined && { ETag: `"${version}"` }),
      ...warningHeader(said),
    },
    body: body === undefined ? '' : JSON.stringify(body),
  };
}

/** In these cases nothing was done yet, so there is nothing to repeat. */
const nothingDone: readonly FaultCode[] = [
  ...(['confirmation_required', 'version_changed', 'too_many_changes', 'stack_busy'] as const),
  ...(['stopping', 'cluster_not_running', 'node_joining', 'audit_failed', 'no_space'] as const),
  'tool_not_started',
];

/** A failure as the answer that a repeated request gets as well. */
function answerOfFailure(error: unknown, secrets: KnownSecrets): Answer {
  if (!(error instanceof Fault) || nothingDone.includes(error.code)) throw error;
  const problem = maskedProblem(problemOf(error), secrets);
  const headers = { 'Content-Type': problemType };
  return { status: problem.status, headers, body: JSON.stringify(problem) };
}

function echoOf(
  response: Response,
  fields: NonNullable<ChangeRoute<never, never>['echo']>,
): Record<string, unknown> {
  const body = maskValues(response.locals['body']) as Record<string, unknown>;
  return Object.fromEntries(
    fields
      .map((field) => (typeof field === 'string' ? ([field, field] as const) : field))
      .filter(([field]) => field in body)
      .map(([field, name]) => [name, body[field]]),
  );
}

const notSettled = 'The change was made, but the cluster has not finished what follows from it.';
/** Not response.json(): that would answer 304 to what was just done. */
function send(response: Response, { status, headers, body }: Answer): void {
  response
    .status(status)
    .set({ 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' })
    .set(headers)
    .end(body);
}
