import http from 'node:http';

import { setDeadline } from './concurrency/deadline.ts';

/** The longest answer is a status of Alphorn: each path that is left out takes some 200 bytes in it. */
const maxBytes = 16 * 1024 * 1024;

/**
 * Asks a service of this host by its Unix socket.
 * @returns the body of the answer
 * @throws the error of the system if the service does not run (`ENOENT`, `ECONNREFUSED`) or the caller is not root
 * (`EACCES`); an Error that says what is wrong with the answer
 */
export function askService(
  socketPath: string,
  path: string,
  deadlineMs: number,
  method: 'GET' | 'POST' = 'GET',
): Promise<string> {
  return new Promise((resolve, reject) => {
    // A separate connection, because a service is asked only now and then.
    const request = http.request({ socketPath, method, path, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
        if (text.length > maxBytes) request.destroy(new Error('Its answer has no end.'));
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`It answers ${response.statusCode ?? '?'}: ${text.slice(0, 500)}`));
      });
    });
    const deadline = setDeadline(deadlineMs, () => {
      request.destroy(new Error(`It did not answer within ${deadlineMs / 1000} s.`));
    });
    request.on('error', reject);
    request.on('close', () => {
      deadline.cancel();
    });
    request.end();
  });
}
