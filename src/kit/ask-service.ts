import http from 'node:http';

import { setDeadline } from './concurrency/deadline.ts';

/** The longest answer is a status of Alphorn: each path that is left out takes some 200 bytes in it. */
const maxBytes = 16 * 1024 * 1024;

/** A request to a service of this host. */
export interface ServiceRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  /** Sent as JSON. */
  body?: object;
}

export interface ServiceAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  text: string;
}

/**
 * Sends a request to a service of this host by its Unix socket.
 * @throws the error of the system if the service does not run (`ENOENT`, `ECONNREFUSED`) or the caller is not root
 * (`EACCES`); an Error that says why there is no answer
 */
export function callService(
  socketPath: string,
  { method, path, body }: ServiceRequest,
  deadlineMs: number,
): Promise<ServiceAnswer> {
  return new Promise((resolve, reject) => {
    const sent = body && JSON.stringify(body);
    const headers = sent === undefined ? {} : { 'Content-Type': 'application/json' };
    // A separate connection, because a service is asked only now and then.
    const options = { socketPath, method, path, headers, agent: false };
    const request = http.request(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
        if (text.length > maxBytes) request.destroy(new Error('Its answer has no end.'));
      });
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode: status = 0, headers: answered } = response;
        resolve({ status, headers: answered, text });
      });
    });
    const deadline = setDeadline(deadlineMs, () => {
      request.destroy(new Error(`It did not answer within ${deadlineMs / 1000} s.`));
    });
    request.on('error', reject);
    request.on('close', () => {
      deadline.cancel();
    });
    request.end(sent);
  });
}

/**
 * Asks a service of this host by its Unix socket.
 * @returns the body of the answer
 * @throws as callService; an Error that quotes an answer with another status than 200
 */
export async function askService(
  socketPath: string,
  path: string,
  deadlineMs: number,
  method: 'GET' | 'POST' = 'GET',
): Promise<string> {
  const { status, text } = await callService(socketPath, { method, path }, deadlineMs);
  if (status === 200) return text;
  throw new Error(`It answers ${status || '?'}: ${text.slice(0, 500)}`);
}
