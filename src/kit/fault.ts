import { maskArgv, maskText } from './secrets/masking.ts';

/** What went wrong. Codes never change, and each has one HTTP status: see server/problem.ts. */
export type FaultCode =
  | 'internal_error'
  | 'malformed_request'
  | 'headers_too_large'
  | 'request_timeout'
  | 'unauthenticated'
  | 'too_many_attempts'
  | 'role_required'
  | 'invalid_request'
  | 'body_too_large'
  | 'change_too_large'
  | 'unsupported_media_type'
  | 'route_not_found'
  | 'agent_not_found'
  | 'provider_not_found'
  | 'method_not_allowed'
  | 'resource_not_found'
  | 'node_not_found'
  | 'property_not_found'
  | 'corosync_conf_not_found'
  | 'corosync_conf_unreadable'
  | 'corosync_key_not_found'
  | 'constraint_not_found'
  | 'level_not_found'
  | 'service_not_found'
  | 'property_not_set'
  | 'id_exists'
  | 'constraint_exists'
  | 'constraint_contradicts'
  | 'level_exists'
  | 'constrain_the_clone'
  | 'property_is_pacemakers'
  | 'value_not_allowed'
  | 'would_not_move'
  | 'resource_not_stopped'
  | 'node_online'
  | 'node_is_local'
  | 'node_not_forgotten'
  | 'node_not_matched'
  | 'stack_busy'
  | 'corosync_conf_invalid'
  | 'service_failed'
  | 'cluster_refused'
  | 'stored_otherwise'
  | 'changed_meanwhile'
  | 'node_joining'
  | 'version_changed'
  | 'confirmation_required'
  | 'idempotency_key_reused'
  | 'outcome_unknown'
  | 'cannot_be_tried'
  | 'too_many_requests'
  | 'overloaded'
  | 'too_many_changes'
  | 'stopping'
  | 'audit_failed'
  | 'audit_damaged'
  | 'cluster_not_running'
  | 'daemon_stopped'
  | 'no_coordinator'
  | 'no_quorum'
  | 'tool_missing'
  | 'tool_timeout'
  | 'tool_ended_by_signal'
  | 'output_too_large'
  | 'unreadable_output'
  | 'tool_failed'
  | 'tool_not_started'
  | 'invalid_config'
  | 'cannot_listen'
  | 'invalid_token_request'
  | 'token_exists'
  | 'token_not_found'
  | 'liferaft_not_found'
  | 'liferaft_invalid'
  | 'liferaft_damaged'
  | 'liferaft_of_later_format'
  | 'liferaft_too_large'
  | 'liferaft_of_another_host'
  | 'liferaft_older'
  | 'liferaft_busy'
  | 'too_many_liferafts'
  | 'no_space'
  | 'host_without_id'
  | 'alphorn_not_running'
  | 'alphorn_unresponsive'
  | 'alphorn_settings_invalid'
  | 'alphorn_rules_invalid'
  | 'alphorn_without_key'
  | 'alphorn_key_refused'
  | 'liferaft_cut_off'
  | 'host_cloned'
  | 'host_rolled_back'
  | 'file_unsteady'
  | 'liferaft_lacking'
  | 'peer_unreachable'
  | 'peer_refused'
  | 'path_not_in_liferaft'
  | 'restore_blocked'
  | 'restore_busy'
  | 'restore_failed'
  | 'restore_not_found'
  | 'restore_half_done'
  | 'pacemaker_running'
  | 'nothing_to_undo'
  | 'changed_since_restore';

// As much as a person reads of it; a tool may print megabytes.
const maxStderrLength = 4096;

/** What is reported of a command. */
export interface CommandReport {
  argv: readonly string[];
  exitCode: number | null;
  stderr: string;
}

/** What is wrong with one field of a request. It leaves out the value, which may be a secret. */
export interface FieldError {
  field: string;
  /** What was expected. */
  message: string;
  /** The type of the value that came, see type-of.ts. */
  type: string;
}

/**
 * An expected failure. It is made where its cause is known, passed up unchanged, and turned into an HTTP response or
 * terminal output at the edge. Anything else that is thrown is a bug.
 */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;
  readonly command: CommandReport | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly errors: readonly FieldError[] | undefined;
  readonly confirmation: object | undefined;

  /**
   * @param code what happened, for programs
   * @param message what happened and what to do next, for people
   * @param more.command secrets in it are masked here, so that no reader of a fault can forget to mask them
   */
  constructor(
    code: FaultCode,
    message: string,
    more: {
      command?: CommandReport;
      retryAfterSeconds?: number;
      errors?: readonly FieldError[];
      confirmation?: object;
    } = {},
  ) {
    super(message);
    this.code = code;
    this.command = more.command && {
      argv: maskArgv(more.command.argv),
      exitCode: more.command.exitCode,
      stderr: maskText(more.command.stderr.slice(0, maxStderrLength)),
    };
    this.retryAfterSeconds = more.retryAfterSeconds;
    this.errors = more.errors;
    this.confirmation = more.confirmation;
  }
}

/** The code of a Node system error (`ENOENT`, `EEXIST`, …), or undefined for any other value. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}

/**
 * The fault for an error of the system that says that there is no room to write: the disk is full, a quota is used up, or
 * the disk is read-only, as Linux makes a failing one.
 * @param place what was to be written; by default the path that the error names
 * @returns a fault `no_space`, or undefined for any other value
 */
export function noSpaceOf(error: unknown, place?: string): Fault | undefined {
  const why = noRoom[systemErrorCode(error) ?? ''];
  if (why === undefined) return undefined;
  const { path } = error as NodeJS.ErrnoException;
  return new Fault(
    'no_space',
    `${place ?? path ?? 'A file'} could not be written: ${why}. It is as it was before. See 'df' and 'df -i', make room there, then ask again.`,
  );
}

const noRoom: Readonly<Record<string, string>> = {
  ENOSPC: 'its disk is full (ENOSPC)',
  EDQUOT: 'its quota is used up (EDQUOT)',
  EROFS: 'its disk is read-only (EROFS)',
};
