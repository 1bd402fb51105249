import http from 'node:http';

import { setDeadline } from './concurrency/deadline.ts';

/** The longest answer is a status of Alphorn: each path that is left out takes some 200 bytes in it. */
const maxBytes = 16 * 1024 * 1024;

/** A request to a service of this host. */
export interface ServiceRequest {
  path: string;
  /** GET by default. */
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** JSON. */
  body?: string;
  deadlineMs: number;
}

export interface ServiceAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  text: string;
}

/**
 * Asks a service of this host by its Unix socket.
 * @returns its answer, whatever its status
 * @throws the error of the system if the service does not run (`ENOENT`, `ECONNREFUSED`) or the caller is not root
 * (`EACCES`); an Error that says what is wrong with the answer
 */
export function sendToService(
  socketPath: string,
  { path, method = 'GET', body, deadlineMs }: ServiceRequest,
): Promise<ServiceAnswer> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
    // A separate connection, because a service is asked only now and then.
    const request = http.request(
      { socketPath, method, path, headers, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => {
          text += piece;
          if (text.length > maxBytes) request.destroy(new Error('Its answer has no end.'));
        });
        response.on('error', reject);
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        });
      },
    );
    const deadline = setDeadline(deadlineMs, () => {
      request.destroy(new Error(`It did not answer within ${deadlineMs / 1000} s.`));
    });
    request.on('error', reject);
    request.on('close', () => {
      deadline.cancel();
    });
    request.end(body);
  });
}

/**
 * The same for a caller who expects 200.
 * @returns the body of the answer
 * @throws as sendToService; an Error if the status is another one
 */
export async function askService(
  socketPath: string,
  path: string,
  deadlineMs: number,
  method: 'GET' | 'POST' = 'GET',
): Promise<string> {
  const { status, text } = await sendToService(socketPath, { path, method, deadlineMs });
  if (status === 200) return text;
  throw new Error(`It answers ${status}: ${text.slice(0, 500)}`);
}
