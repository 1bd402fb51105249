import { readFile } from 'node:fs/promises';
import https from 'node:https';
import { join } from 'node:path';

/** What a client shows and trusts. */
export interface Credentials {
  ca: string;
  cert: string;
  key: string;
}

/** @param trust a folder that prepareFolder has made */
export async function credentialsIn(trust: string): Promise<Credentials> {
  const pem = await readFile(join(trust, 'client.pem'), 'utf8');
  return { ca: await readFile(join(trust, 'ca.pem'), 'utf8'), cert: pem, key: pem };
}

export interface ClientAnswer {
  status: number;
  text: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Where an amphora is, and what it is called. */
export interface Target {
  host: string;
  port: number;
  servername: string;
  credentials: Credentials;
}

/** One request over a connection of its own. Rejects if there is no answer. */
export function ask(
  { credentials, ...target }: Target,
  method: string,
  path: string,
  body: string | Buffer | object = '',
): Promise<ClientAnswer> {
  const isJson = typeof body === 'object' && !Buffer.isBuffer(body);
  const bytes = isJson ? JSON.stringify(body) : body;
  const type = isJson ? { 'Content-Type': 'application/json' } : {};
  const headers = { ...type, 'Content-Length': Buffer.byteLength(bytes) };
  return new Promise((resolve, reject) => {
    const options = { ...target, ...credentials, method, path, headers, agent: false };
    const request = https.request(options, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(pieces).toString();
        resolve({ status: response.statusCode ?? 0, text, headers: response.headers });
      });
    });
    request.setTimeout(90_000, () => request.destroy(new Error('no answer in 90 s')));
    request.on('error', reject);
    request.end(bytes);
  });
}
