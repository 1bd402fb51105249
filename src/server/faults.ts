import { agentFailed, type FaultTable } from './fault-table.ts';

/** The faults that every family has: of requests, tokens, commands and changes. */
export const serverFaults = {
  malformed_request: { status: 400, title: 'This is not an HTTP request', exit: 'usage' },
  invalid_request: { status: 400, title: 'The request is not as documented', exit: 'usage' },
  cannot_be_tried: {
    status: 400,
    title: 'Dry run is not supported for this request',
    exit: 'usage',
  },
  unauthenticated: { status: 401, title: 'A valid token is required', exit: 'refused' },
  role_required: {
    status: 403,
    title: 'The role of the token does not allow this',
    exit: 'refused',
  },
  route_not_found: { status: 404, title: 'There is no such route', exit: 'refused' },
  method_not_allowed: {
    status: 405,
    title: 'The route does not allow this method',
    exit: 'refused',
  },
  request_timeout: { status: 408, title: 'The request was not complete in time', exit: 'unknown' },
  changed_meanwhile: {
    status: 409,
    title: 'Others changed the configuration meanwhile',
    exit: 'refused',
  },
  idempotency_key_reused: {
    status: 409,
    title: 'The idempotency key belongs to another request',
    exit: 'refused',
  },
  outcome_unknown: { status: 409, title: 'The outcome of the change is unknown', exit: 'unknown' },
  version_changed: { status: 412, title: 'The configuration has changed', exit: 'refused' },
  body_too_large: { status: 413, title: 'The body is too large', exit: 'refused' },
  change_too_large: { status: 413, title: 'The change is too large', exit: 'refused' },
  unsupported_media_type: { status: 415, title: 'The body is not JSON', exit: 'refused' },
  confirmation_required: { status: 428, title: 'The request must be confirmed', exit: 'refused' },
  too_many_attempts: { status: 429, title: 'Too many wrong tokens', exit: 'refused' },
  too_many_requests: { status: 429, title: 'Too many requests with this token', exit: 'refused' },
  headers_too_large: { status: 431, title: 'The headers are too large', exit: 'usage' },
  overloaded: { status: 503, title: 'Too many requests are under way', exit: 'refused' },
  stopping: { status: 503, title: 'The agent is stopping', exit: 'refused' },
  too_many_changes: { status: 503, title: 'Too many changes are waiting', exit: 'refused' },
  audit_failed: { status: 503, title: 'The audit log cannot be written', exit: 'failing' },
  tool_missing: { status: 503, title: 'A tool is not installed on this node', exit: 'failing' },
  tool_failed: { status: 503, title: 'A tool failed', exit: 'failing', quotesTool: true },
  tool_not_started: { status: 503, title: 'A tool could not be started', exit: 'failing' },
  tool_ended_by_signal: { status: 503, title: 'A tool was ended by a signal', exit: 'unknown' },
  tool_timeout: { status: 504, title: 'A tool did not answer in time', exit: 'unknown' },
  no_space: { status: 507, title: 'The disk is full or read-only', exit: 'failing' },
  internal_error: { ...agentFailed, exit: 'bug' },
  audit_damaged: { ...agentFailed, exit: 'failing' },
  output_too_large: { ...agentFailed, exit: 'unknown' },
  unreadable_output: { ...agentFailed, exit: 'unknown' },
  invalid_config: { ...agentFailed, exit: 'failing' },
  cannot_listen: { ...agentFailed, exit: 'failing' },
  invalid_token_request: { ...agentFailed, exit: 'usage' },
  token_exists: { ...agentFailed, exit: 'refused' },
  token_not_found: { ...agentFailed, exit: 'refused' },
} as const satisfies FaultTable;

declare module '../kit/fault.ts' {
  interface FaultCodes extends Record<keyof typeof serverFaults, unknown> {}
}
