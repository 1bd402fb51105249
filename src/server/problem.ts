import type { Fault, FaultCode, FieldError } from '../kit/fault.ts';
import type { KnownSecrets } from '../kit/secrets/known-secrets.ts';
import type { AnswerFault, FaultAnswer } from './middleware/answer-errors.ts';
import type { JsonSchema } from './table/field.ts';
import { described, integer, listOf, orNull, part, record, text, texts } from './table/schema.ts';

/** The one table from a fault to HTTP. Whatever is not in it is a bug of ours: 500. */
const answers: Partial<Record<FaultCode, { status: number; title: string }>> = {
  malformed_request: { status: 400, title: 'This is not an HTTP request' },
  invalid_request: { status: 400, title: 'The request is not as documented' },
  liferaft_cut_off: { status: 400, title: 'The liferaft did not come to its end' },
  cannot_be_tried: { status: 400, title: 'This cannot be tried first' },
  unauthenticated: { status: 401, title: 'A valid token is needed' },
  role_required: { status: 403, title: 'The role does not allow this' },
  liferaft_of_another_host: { status: 403, title: "The liferaft is another host's" },
  route_not_found: { status: 404, title: 'There is no such route' },
  resource_not_found: { status: 404, title: 'There is no such resource' },
  node_not_found: { status: 404, title: 'There is no such node' },
  property_not_found: { status: 404, title: 'There is no such property' },
  agent_not_found: { status: 404, title: 'There is no such agent' },
  provider_not_found: { status: 404, title: 'There is no such provider of agents' },
  corosync_conf_not_found: { status: 404, title: 'This node has no corosync.conf' },
  corosync_key_not_found: { status: 404, title: 'This node has no corosync key' },
  constraint_not_found: { status: 404, title: 'There is no such constraint' },
  level_not_found: { status: 404, title: 'There is no such fencing level' },
  service_not_found: { status: 404, title: 'There is no such service' },
  liferaft_not_found: { status: 404, title: 'There is no such liferaft' },
  restore_not_found: { status: 404, title: 'There is no such restore' },
  path_not_in_liferaft: { status: 404, title: 'The liferaft has no such path' },
  property_not_set: { status: 404, title: 'The property is not set' },
  method_not_allowed: { status: 405, title: 'The route has no such method' },
  id_exists: { status: 409, title: 'The name is taken' },
  constraint_exists: { status: 409, title: 'There is such a constraint already' },
  constraint_contradicts: { status: 409, title: 'Another constraint says otherwise' },
  level_exists: { status: 409, title: 'The device is in the level already' },
  would_not_move: { status: 409, title: 'The resource would not stay on that node' },
  resource_not_stopped: { status: 409, title: 'The resource did not stop' },
  node_online: { status: 409, title: 'The node is in the cluster' },
  node_is_local: { status: 409, title: 'It is the node that was asked' },
  node_not_forgotten: { status: 409, title: 'Pacemaker still lists the node' },
  node_not_matched: { status: 409, title: 'corosync.conf does not tell which node it is' },
  stack_busy: { status: 409, title: 'The cluster stack of this node is being changed' },
  changed_meanwhile: { status: 409, title: 'Others change the configuration' },
  idempotency_key_reused: { status: 409, title: 'The key belongs to another request' },
  outcome_unknown: { status: 409, title: 'Nobody knows how the change ended' },
  liferaft_older: { status: 409, title: 'The liferaft is older than the one that is here' },
  host_cloned: { status: 409, title: 'Two hosts have the same id' },
  liferaft_busy: { status: 409, title: 'A liferaft of this host is being received' },
  liferaft_damaged: { status: 409, title: 'The liferaft is damaged' },
  restore_blocked: { status: 409, title: 'Something on this host is in the way' },
  restore_busy: { status: 409, title: 'Another restore is under way' },
  pacemaker_running: { status: 409, title: 'Pacemaker is running on this node' },
  restore_half_done: { status: 409, title: 'A restore is half done' },
  nothing_to_undo: { status: 409, title: 'There is no restore to undo' },
  changed_since_restore: { status: 409, title: 'What was restored has changed' },
  request_timeout: { status: 408, title: 'The request did not come to its end' },
  version_changed: { status: 412, title: 'The configuration has changed' },
  body_too_large: { status: 413, title: 'The body is too large' },
  change_too_large: { status: 413, title: 'The change is too large' },
  liferaft_too_large: { status: 413, title: 'The liferaft is too large' },
  unsupported_media_type: { status: 415, title: 'The body is not JSON' },
  constrain_the_clone: { status: 422, title: 'The clone is to be constrained' },
  property_is_pacemakers: { status: 422, title: 'Pacemaker sets the property itself' },
  value_not_allowed: { status: 422, title: 'The value is not allowed' },
  corosync_conf_invalid: { status: 422, title: 'Corosync would not start with it' },
  service_failed: { status: 422, title: 'The service could not do it' },
  cluster_refused: { status: 422, title: 'The cluster refused it' },
  stored_otherwise: { status: 422, title: 'The cluster stored something else' },
  liferaft_invalid: { status: 422, title: 'The liferaft is not sound' },
  liferaft_of_later_format: { status: 422, title: 'The liferaft was made by a later version' },
  restore_failed: { status: 422, title: 'The restore could not be carried out' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  confirmation_required: { status: 428, title: 'This has to be confirmed' },
  too_many_attempts: { status: 429, title: 'Too many wrong tokens' },
  too_many_requests: { status: 429, title: 'Too many requests of this token' },
  overloaded: { status: 503, title: 'Too many requests are under way' },
  stopping: { status: 503, title: 'The agent is stopping' },
  too_many_changes: { status: 503, title: 'Too many changes are waiting' },
  too_many_liferafts: { status: 503, title: 'Too many liferafts are being received' },
  alphorn_not_running: { status: 503, title: 'Alphorn does not run on this host' },
  alphorn_unresponsive: { status: 503, title: 'Alphorn does not answer as it should' },
  alphorn_settings_invalid: { status: 503, title: "Alphorn's settings on this host are wrong" },
  host_without_id: { status: 503, title: 'This host has no id' },
  audit_failed: { status: 503, title: 'The audit log cannot be written' },
  corosync_conf_unreadable: { status: 503, title: 'corosync.conf cannot be read' },
  node_joining: { status: 503, title: 'The node has not joined the cluster yet' },
  cluster_not_running: { status: 503, title: 'The cluster is not running on this node' },
  no_coordinator: { status: 503, title: 'The cluster has no coordinator' },
  no_quorum: { status: 503, title: 'There is no quorum' },
  daemon_stopped: { status: 503, title: 'A daemon of the cluster is stopped' },
  tool_missing: { status: 503, title: 'A tool is not installed on this node' },
  tool_failed: { status: 503, title: 'A tool failed' },
  tool_not_started: { status: 503, title: 'A tool could not be started' },
  tool_ended_by_signal: { status: 503, title: 'A tool was ended from outside' },
  tool_timeout: { status: 504, title: 'A tool did not answer in time' },
  no_space: { status: 507, title: 'The disk is full or read-only' },
};

/** An error as RFC 9457 has it. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  /** Stable; for programs. */
  code: string;
  /** What is wrong with each field. */
  errors?: readonly FieldError[];
  /** What was run, with secrets masked. */
  command?: readonly string[];
  exitCode?: number | null;
  stderr?: string;
  /** How to have what was asked for done, and what it would do. */
  confirmation?: object;
}

export function problemOf(fault: Fault): Problem {
  const { status, title } = answers[fault.code] ?? { status: 500, title: 'The agent failed' };
  return {
    type: `urn:ha-agent:problem:${fault.code}`,
    title,
    status,
    detail: detailOf(fault),
    code: fault.code,
    ...(fault.errors && { errors: fault.errors }),
    ...(fault.confirmation && { confirmation: fault.confirmation }),
    ...(fault.command && {
      command: fault.command.argv,
      exitCode: fault.command.exitCode,
      stderr: fault.command.stderr,
    }),
  };
}

/** With these, a tool's own words say what is wrong. */
const saidByTools: readonly FaultCode[] = [
  ...(['cluster_refused', 'corosync_conf_invalid', 'service_failed', 'tool_failed'] as const),
];
const maxSaid = 300;

function detailOf({ code, message, command }: Fault): string {
  const said = (command?.stderr ?? '').trim().replace(/\s+/g, ' ');
  if (said === '' || !saidByTools.includes(code)) return message;
  return `${message} ${command?.argv[0]} says: ${said.length > maxSaid ? `${said.slice(0, maxSaid)} …` : said}`;
}

/** The problem with known secrets replaced by stars in all that a person reads of it. */
export function maskedProblem(problem: Problem, secrets: KnownSecrets | undefined): Problem {
  const { detail, command, stderr, confirmation } = problem;
  const texts = {
    detail,
    ...(command && { command }),
    ...(stderr !== undefined && { stderr }),
    ...(confirmation && { confirmation }),
  };
  return secrets ? { ...problem, ...secrets.maskJson(texts) } : problem;
}

export const problemType = 'application/problem+json; charset=utf-8';

/** Faults as problems. @param secrets that are masked in them */
export function asProblems(secrets?: KnownSecrets): AnswerFault {
  return (fault) => answerOfProblem(maskedProblem(problemOf(fault), secrets));
}

export function answerOfProblem(problem: Problem): FaultAnswer {
  return {
    status: problem.status,
    headers: { 'Content-Type': problemType },
    body: JSON.stringify(problem),
    isFailure: problem.status >= 500,
  };
}

/** A problem with one of these codes. */
export function problemSchema(codes: readonly FaultCode[]): JsonSchema {
  return { allOf: [problem, { type: 'object', properties: { code: { enum: codes } } }] };
}

const problem = part(
  'Problem',
  record({
    type: described('urn:ha-agent:problem: and the code.', text),
    title: text,
    status: integer,
    detail: described('What happened and what to do next, for people.', text),
    code: described('What happened, for programs; it never changes.', text),
    'errors?': described(
      'What is wrong with each field of the request.',
      listOf(record({ field: text, message: text, type: text })),
    ),
    'command?': described('What was run, secrets masked.', texts),
    'exitCode?': orNull(integer),
    'stderr?': text,
    'confirmation?': described(
      'The token that confirms the request, and what the request would do.',
      record({ token: text }, {}),
    ),
  }),
);
