import { isUtf8 } from 'node:buffer';

import express, { type RequestHandler } from 'express';

import { Fault } from '../../kit/fault.ts';

/** The max size of a change's body in bytes. The result in the CIB has the same limit. */
const maxChangeBytes = 256 * 1024;

// No configuration is nearly as deep, and code that walks a body recursively has enough stack for it.
const maxDepth = 256;

/**
 * Reads the JSON body of a request. Only for routes that need one: a body in a GET stays unread.
 * Faults: `invalid_request`, `body_too_large`, `unsupported_media_type`
 */
export const jsonBody: RequestHandler = bodyUpTo(
  1024 * 1024,
  () => new Fault('body_too_large', 'The body is larger than 1 MiB. Send less at once.'),
);

/**
 * Reads the JSON body of a change of the cluster.
 * Faults: `invalid_request`, `change_too_large`, `unsupported_media_type`
 */
export const changeBody: RequestHandler = bodyUpTo(
  maxChangeBytes,
  () =>
    new Fault(
      'change_too_large',
      'The body of this change is larger than 256 KiB. Nothing was done; divide it into several changes.',
    ),
);

/**
 * Reads a body with any content type, or none, as bytes.
 * Faults: `body_too_large`, `unsupported_media_type`
 */
export function rawBody(maxBytes: number): RequestHandler {
  const read: RequestHandler = express.raw({ type: () => true, limit: maxBytes, inflate: false });
  const tooLarge = () =>
    new Fault(
      'body_too_large',
      `The body is larger than ${maxBytes} bytes. Nothing was done; send less.`,
    );
  const readToEnd = notEndless(read, tooLarge);
  return (request, response, next) => {
    readToEnd(request, response, (error: unknown) => {
      next(error === undefined ? undefined : faultOf(error, tooLarge));
    });
  };
}

/**
 * Max bytes of a body that is too large and is read all the same. A client that is still sending may miss the answer when
 * the connection ends.
 */
const maxDiscardedBytes = 32 * 1024 * 1024;

/** body-parser reads a body that is too large to its end before it says so. This ends the connection of a much larger one. */
function notEndless(read: RequestHandler, tooLarge: () => Fault): RequestHandler {
  return (request, response, next) => {
    const state = { bytes: 0, isOver: false };
    const goOn = (error?: unknown): void => {
      if (state.isOver) return;
      state.isOver = true;
      next(error);
    };
    const endConnection = (): void => {
      if (!state.isOver) response.set('Connection', 'close');
      goOn(tooLarge());
    };
    if (Number(request.get('Content-Length')) > maxDiscardedBytes) {
      endConnection();
      return;
    }
    read(request, response, goOn);
    // There is no body, or it stays unread.
    if (state.isOver) return;
    request.on('data', (piece: Buffer) => {
      state.bytes += piece.length;
      if (state.bytes > maxDiscardedBytes) endConnection();
    });
  };
}

function bodyUpTo(limit: number, tooLarge: () => Fault): RequestHandler {
  // A compressed body is refused, because it may be a thousand times as large as it looks.
  const parser = express.json({ limit, inflate: false, verify: checkEncoding });
  const parse = notEndless(parser, tooLarge);
  return (request, response, next) => {
    const isEmpty = request.get('Content-Length') === '0';
    if (!isEmpty && request.is('application/json') === false) throw unsupportedMediaType();
    parse(request, response, (error: unknown) => {
      if (error !== undefined) next(faultOf(error, tooLarge));
      else if (Array.isArray(request.body)) next(isArray());
      else if (isDeeperThan(maxDepth, request.body)) next(tooDeep());
      else if (!isWellFormed(request.body)) next(notWellFormed());
      else next();
    });
  };
}

/** Bytes that are not UTF-8 would become U+FFFD, and change what was sent. */
function checkEncoding(
  _request: unknown,
  _response: unknown,
  bytes: Buffer,
  encoding: string,
): void {
  if (encoding === 'utf-8' && !isUtf8(bytes)) throw new Error('not UTF-8');
}

/** The message is our own, because the parser quotes the body, which may contain a secret. */
function faultOf(error: unknown, tooLarge: () => Fault): unknown {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  switch (status) {
    // The error of checkEncoding has 403.
    case 400:
    case 403:
      return new Fault(
        'invalid_request',
        'The body is not valid JSON in UTF-8, was cut short, or is a bare value. Send one JSON object.',
        { errors: [{ field: 'body', message: 'must be a JSON object', type: 'string' }] },
      );
    case 413:
      return tooLarge();
    // The body has another charset, or is compressed.
    case 415:
      return unsupportedMediaType();
    default:
      return error;
  }
}

function isArray(): Fault {
  return new Fault('invalid_request', 'The body is an array. Send one JSON object.', {
    errors: [{ field: 'body', message: 'must be a JSON object', type: 'array' }],
  });
}

/** Checks level by level, because this protects recursive code. */
function isDeeperThan(levels: number, json: unknown): boolean {
  let level: object[] = [json].filter(isContainer);
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth === levels) return true;
    level = level.flatMap((each) => Object.values(each).filter(isContainer));
  }
  return false;
}

/** Half of a surrogate pair (`"\\ud800"`) has no encoding, so it would be stored as another character. */
function isWellFormed(json: unknown): boolean {
  if (typeof json === 'string') return !/\p{Cs}/u.test(json);
  return !isContainer(json) || Object.entries(json).every((entry) => entry.every(isWellFormed));
}

function notWellFormed(): Fault {
  return new Fault(
    'invalid_request',
    'The body has half of a surrogate pair (U+D800 to U+DFFF), which is no character. Send both halves, or none.',
    { errors: [{ field: 'body', message: 'must be well-formed Unicode', type: 'object' }] },
  );
}

function isContainer(json: unknown): json is object {
  return typeof json === 'object' && json !== null;
}

function tooDeep(): Fault {
  return new Fault(
    'invalid_request',
    `The body has objects or arrays nested in more than ${maxDepth} levels. No documented request needs that many.`,
    {
      errors: [
        { field: 'body', message: `must not be deeper than ${maxDepth} levels`, type: 'object' },
      ],
    },
  );
}

function unsupportedMediaType(): Fault {
  return new Fault(
    'unsupported_media_type',
    "The body must be JSON in UTF-8, not compressed, with 'Content-Type: application/json'.",
  );
}
