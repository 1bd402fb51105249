import { randomUUID } from 'node:crypto';
import { type RequestListener, type Server, STATUS_CODES } from 'node:http';
import type net from 'node:net';

import { Fault, systemErrorCode } from '../kit/fault.ts';
import { maxHeaderSize } from './connections/limits.ts';
import type { AnswerFault } from './middleware/answer-errors.ts';
import type { SerialRequests } from './connections/serial-requests.ts';

/**
 * Answers bytes that Node.js cannot read as a request. Node.js itself would answer without a body. The connection ends
 * in any case, because nobody knows where the next request begins.
 */
export function answerClientErrors(
  server: Server,
  serial: SerialRequests,
  answerFault: AnswerFault,
): void {
  const answered = new WeakSet<net.Socket>();
  server.on('clientError', (error: Error, socket: net.Socket) => {
    // The rest of the same bytes is not a request either.
    if (answered.has(socket)) return;
    answered.add(socket);
    const fault = faultOf(systemErrorCode(error) ?? '');
    // A further answer would interrupt one that is being sent. A request whose body fails after its answer gets no
    // second answer. A client whose TLS failed, or that has hung up, reads nothing.
    if (fault === undefined || !socket.writable || !serial.isBetweenRequests(socket)) {
      socket.destroy();
      return;
    }
    const { status, headers, body } = lastAnswer(fault, answerFault);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const first = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`;
    socket.write([first, ...lines, '', body].join('\r\n'));
    socket.destroySoon();
  });
}

/**
 * The same app, which also refuses requests that Node.js accepts as HTTP/1.1 and RFC 9112 does not (sections 3.2 and
 * 3.3): without a Host header, or with a target that is neither a path nor a URL. The server must pass on the first
 * kind (`requireHostHeader: false`). Node.js would answer these without a body, and Express those of the second kind.
 */
export function refuseMalformed(app: RequestListener, answerFault: AnswerFault): RequestListener {
  return (request, response) => {
    const isForAHost = request.headers.host !== undefined || request.httpVersion !== '1.1';
    if (isForAHost && isTarget(request.url ?? '')) {
      app(request, response);
      return;
    }
    const fault = new Fault(
      'malformed_request',
      isForAHost
        ? 'The target of the request is neither a path nor a URL. Nothing was done; use a path that begins with "/".'
        : "The request has no header 'Host', which HTTP/1.1 requires. Nothing was done; add it, or use a client that does.",
    );
    const { status, headers, body } = lastAnswer(fault, answerFault);
    response.writeHead(status, headers).end(body);
  };
}

/** The server as a whole (`*`), a path, or a URL as for a proxy. */
function isTarget(target: string): boolean {
  return (
    target === '*' || target.startsWith('/') || /^https?:/i.test(URL.parse(target)?.href ?? '')
  );
}

/** The answer after which the connection ends. */
function lastAnswer(fault: Fault, answerFault: AnswerFault) {
  const { status, headers, body } = answerFault(fault);
  const more = {
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
    'X-Request-Id': randomUUID(),
  };
  return { status, headers: { ...headers, ...more }, body };
}

/** Undefined for an error that is not one of HTTP. The codes are those of Node.js and of its parser, llhttp. */
function faultOf(code: string): Fault | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new Fault(
      'headers_too_large',
      `The line and the headers of the request have more than ${maxHeaderSize} bytes. Nothing was done; send less, for example in the body.`,
    );
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new Fault(
      'request_timeout',
      'The request was not complete in time. Nothing was done; send it again, without a pause in it.',
    );
  }
  if (!code.startsWith('HPE_')) return undefined;
  return new Fault(
    'malformed_request',
    'This is not an HTTP/1.1 request. Nothing was done; check that the client uses HTTP, and TLS on the port for HTTPS.',
  );
}
