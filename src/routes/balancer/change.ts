import type { BalancerDomain, Condition, Scope } from '../../balancer/domain.ts';
import type { Role } from '../../access/roles.ts';
import type { Followed } from '../../changes/change.ts';
import type { RepeatedAnswers } from '../../changes/idempotency/repeated-answers.ts';
import type { ChangePipeline } from '../../changes/pipeline.ts';
import type { FaultCode } from '../../kit/fault.ts';
import type { KnownSecrets } from '../../kit/secrets/known-secrets.ts';
import { maskValues } from '../../kit/secrets/masking.ts';
import type { Fields, JsonSchema, ValuesOf } from '../../server/table/field.ts';
import { type Call, type Method, type Reply, row, type Row } from '../../server/table/row.ts';
import { ofChanges } from '../common/codes.ts';
import {
  answerOf,
  concurrentChange,
  conditionHeaders,
  type Done,
  headerFault,
  makeOnce,
  revisionIn,
} from '../common/conditions.ts';
import type { Answer } from '../common/stored-answer.ts';
import { attribute } from './fields/attribute.ts';
import { once, parameter } from './fields/checking.ts';
import { Wrong } from './fields/wrong.ts';
import { makeTurns } from './turns.ts';

/** What changes need besides the objects of their route. */
export interface ChangeParts {
  domain: BalancerDomain;
  changes: Pick<ChangePipeline, 'make'>;
  repeatedAnswers: RepeatedAnswers<Answer>;
  secrets?: KnownSecrets;
}

/** What a change has made, and the document of the object when its job is done. */
export interface ChangeResult extends Done {
  /** The load balancer whose job it is; by default the one in the path. */
  loadBalancer?: string;
  again?: () => Promise<object>;
}

/** Who changes something, and under which condition. */
export interface Site {
  scope: Scope;
  condition: Condition;
}

/** A route that changes something. */
export interface ChangingRoute<F extends Fields> {
  methods: readonly Method[];
  path: string;
  summary: string;
  /** The required role; `operator` by default. */
  role?: Role;
  fields: F;
  schema: JsonSchema | 'nothing';
  /** The answer's status; 202 by default. */
  status?: 200 | 202;
  codes: readonly FaultCode[];
  /** The load balancer in the path, whose state and revision are those of everything below it. */
  loadBalancer?: (values: ValuesOf<F>) => string;
  carryOut: (values: ValuesOf<F>, site: Site) => Promise<ChangeResult>;
}

export type MakeChange = <F extends Fields>(route: ChangingRoute<F>) => Row;

const ofThese: readonly FaultCode[] = [...ofChanges, 'store_unavailable'];
const ofLoadBalancer: readonly FaultCode[] = [
  'balancer_object_not_found',
  'balancer_immutable',
  'version_changed',
];

/** Max seconds that an answer may wait for its job. */
const maxWaitSeconds = 300;

const wait = once(
  attribute<number>(
    { type: 'string', pattern: '^[1-9]\\d{0,2}(?:s|m)?$', examples: ['30s'] },
    (value) => {
      const [, digits = '', unit] = /^([1-9]\d{0,2})(s|m)?$/.exec(String(value)) ?? [];
      const seconds = Number(digits) * (unit === 'm' ? 60 : 1);
      if (digits !== '' && seconds <= maxWaitSeconds) return seconds * 1000;
      throw new Wrong(
        `Supplied wait '${String(value).slice(0, 100)}' is not valid. Send a time of at most ${maxWaitSeconds} s, such as 30s.`,
      );
    },
  ),
);
const waiting = { wait: parameter(wait) };

/** @returns whose objects the caller sees and changes */
export function scopeOf(call: Call): Scope {
  return { tenant: call.caller().tenant };
}

/**
 * Makes rows that change something. The audit log has the beginning and the end of each. A repetition with the same key
 * changes nothing. With `wait` the answer comes when the job is done, and shows the object as it then is. With
 * `Prefer: queue` a change waits for its turn instead of being refused.
 */
export function changeRows({ domain, changes, repeatedAnswers, secrets }: ChangeParts): MakeChange {
  const takeTurn = makeTurns(domain);

  return <F extends Fields>({
    role = 'operator',
    fields,
    schema,
    status: answered = 202,
    codes,
    loadBalancer,
    carryOut,
    ...rest
  }: ChangingRoute<F>) => {
    const versioned = loadBalancer && 'load balancer';
    const canWait = answered === 202;

    async function handle(all: ValuesOf<Fields>, call: Call): Promise<Reply> {
      const { wait: waitMs, ...own } = all as ValuesOf<typeof waiting>;
      const values = own as unknown as ValuesOf<F>;
      const ifRevision = revisionIn(call.header('If-Match'), versioned);
      const site: Site = { scope: scopeOf(call), condition: { ifRevision } };
      const above = loadBalancer?.(values);
      const isPatient = wantsQueue(call.header('Prefer'));
      const { status, headers, body } = await makeOnce(call, repeatedAnswers, async () => {
        const request = { request: call.audited(), ifVersion: undefined, waitMs };
        let made: ChangeResult = {};
        const work = async () => {
          const now = () => carryOut(values, site);
          made = await (isPatient && above !== undefined
            ? takeTurn(above, site.scope, now)
            : now());
          return made;
        };
        const follow = async (stopping: AbortSignal) => {
          const id = made.loadBalancer ?? above;
          if (id === undefined || waitMs === undefined) return nothingToFollow;
          return followed(await domain.loadBalancers.settled(id, waitMs, stopping));
        };
        const { answer, settled, warnings } = await changes.make(
          request,
          concurrentChange(work, follow),
        );
        const isLater = waitMs !== undefined && settled && made.again !== undefined;
        const shown = isLater ? await asItIs(made) : answer;
        return answerOf(answered, shown, warnings);
      });
      return { status, headers, text: body, isOnce: true, hasNoType: body === '' };
    }

    return row<Fields>({
      ...rest,
      role,
      isChange: true,
      fields: { ...fields, ...(canWait && waiting) },
      answers: { [answered]: schema === 'nothing' ? schema : { json: schema } },
      codes: [...ofThese, ...(loadBalancer ? ofLoadBalancer : []), ...codes],
      headers: described(versioned),
      handle,
      begin(call) {
        const held: string[] = [];
        maskValues(call.body, (value) => held.push(value));
        if (secrets) call.whenOver(secrets.hold(held));
      },
    });
  };
}

function described(versioned: string | undefined) {
  const { request, answer } = conditionHeaders(versioned);
  if (versioned === undefined) return { request, answer };
  const prefer =
    '`queue` makes a change of a load balancer that is being changed wait for its turn, up to 30 s.';
  return { request: { ...request, Prefer: prefer }, answer };
}

const nothingToFollow: Followed = { settled: true, asExpected: true, warnings: [] };

function followed(isSettled: boolean): Followed {
  if (isSettled) return nothingToFollow;
  const why = 'The change was accepted, but its job was not done within the time.';
  return { settled: false, asExpected: true, warnings: [why] };
}

/** The object when its job is done. It may be gone by then, or another change may have taken it away. */
async function asItIs(made: ChangeResult): Promise<ChangeResult> {
  try {
    return { ...made, body: (await made.again?.()) ?? made.body };
  } catch {
    return made;
  }
}

/** Faults: `invalid_request` */
function wantsQueue(prefer: string | undefined): boolean {
  if (prefer === undefined) return false;
  if (prefer.length > 255) throw headerFault('Prefer', 'must be shorter; "queue" is known');
  // Other preferences have no meaning here (RFC 7240, section 2).
  return prefer.split(',').some((each) => each.trim().toLowerCase() === 'queue');
}
