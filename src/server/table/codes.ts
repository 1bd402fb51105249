import type { FaultCode } from '../../kit/fault.ts';
import type { Family } from './family.ts';
import type { Method, Row } from './row.ts';

/** The codes of any request: it may not be HTTP or take too long, and the agent may have bugs. */
const ofAnyRequest: readonly FaultCode[] = [
  'malformed_request',
  'request_timeout',
  'headers_too_large',
  'internal_error',
];

/** All fault codes that a route may answer with: its own, and those of its family, role, fields and body. */
export function codesOf(family: Family, row: Row, method: Method): FaultCode[] {
  const hasPathFields = Object.values(row.fields).some(({ place }) => place === 'path');
  const hasChecks = row.isChange === true || Object.keys(row.fields).length > 0;
  return [
    ...new Set<FaultCode>([
      ...ofAnyRequest,
      ...family.codes,
      ...(row.role === 'anyone' ? [] : (['role_required'] as const)),
      ...(hasChecks ? [row.refusal ?? 'invalid_request'] : []),
      // For a path that cannot be decoded.
      ...(hasPathFields ? (['route_not_found'] as const) : []),
      ...(method === 'GET' ? [] : ofBody(row)),
      ...row.codes,
    ]),
  ];
}

function ofBody(row: Row): readonly FaultCode[] {
  const reader = bodyReaderOf(row);
  if (reader === undefined) return [];
  if (typeof reader === 'object') {
    return ['invalid_request', 'unsupported_media_type', 'body_too_large'];
  }
  const tooLarge = reader === 'change' ? 'change_too_large' : 'body_too_large';
  return ['invalid_request', 'unsupported_media_type', tooLarge];
}

/**
 * How the body of a row's requests is read: as bytes up to a size, or as JSON of a change or another request. Undefined
 * if no body is expected, or if the route reads it itself.
 */
export function bodyReaderOf({
  body,
  isChange,
  fields,
}: Row): { maxBytes: number } | 'change' | 'json' | undefined {
  if (body === 'stream') return undefined;
  if (typeof body === 'object') return body;
  if (body === 'json') return 'json';
  if (isChange) return 'change';
  return Object.values(fields).some(({ place }) => place === 'body') ? 'json' : undefined;
}
