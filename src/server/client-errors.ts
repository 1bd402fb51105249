import { randomUUID } from 'node:crypto';
import { type Server, STATUS_CODES } from 'node:http';
import type net from 'node:net';

import { Fault, systemErrorCode } from '../kit/fault.ts';
import { maxHeaderSize } from './connections/limits.ts';
import type { AnswerFault } from './middleware/answer-errors.ts';
import type { SerialRequests } from './connections/serial-requests.ts';

/**
 * Answers what Node.js cannot read as a request. Node.js itself would answer without a body. The connection ends in any
 * case, for nobody knows where the next request begins.
 */
export function answerClientErrors(
  server: Server,
  serial: SerialRequests,
  answerFault: AnswerFault,
): void {
  const answered = new WeakSet<net.Socket>();
  server.on('clientError', (error: Error, socket: net.Socket) => {
    // The rest of the same bytes is no request either.
    if (answered.has(socket)) return;
    answered.add(socket);
    const fault = faultOf(systemErrorCode(error) ?? '');
    // An answer that is under way would be cut by another. TLS that failed, or a client that has gone, reads nothing.
    if (fault === undefined || !socket.writable || !serial.isIdle(socket)) {
      socket.destroy();
      return;
    }
    const { status, headers, body } = answerFault(fault);
    const all = {
      ...headers,
      'Content-Length': Buffer.byteLength(body),
      Connection: 'close',
      'X-Request-Id': randomUUID(),
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
    const first = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`;
    socket.write([first, ...lines, '', body].join('\r\n'));
    socket.destroySoon();
  });
}

/** Undefined for what is no matter of HTTP. The codes are those of Node.js and of its parser, llhttp. */
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
      'The request did not come to its end in time. Nothing was done; send it again, without a pause in it.',
    );
  }
  if (!code.startsWith('HPE_')) return undefined;
  return new Fault(
    'malformed_request',
    'What came is not an HTTP/1.1 request. Nothing was done; see whether the client speaks HTTP, and TLS on the port for it.',
  );
}
