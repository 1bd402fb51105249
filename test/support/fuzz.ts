import http from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { makeAlphornHost } from './alphorn-host.ts';
import { families } from '../../packaging/reference/families.ts';
import { answerCheck } from './answer-check.ts';
import { changesBench, nodes } from './changes-bench.ts';
import { type FakeCluster, success } from './fake-cluster.ts';
import { storeLiferaft } from './liferafts.ts';
import type { Random } from './random.ts';

/** What came of a run. */
export interface FuzzOutcome {
  /** By status, how many. */
  statuses: Record<number, number>;
  /** Commands that were started. */
  commands: number;
  /** Bytes of the heap after the first tenth, and at the end. */
  heap: readonly [early: number, late: number];
  /** What must not be; empty if all is well. */
  findings: readonly string[];
}

interface Schema {
  type?: string | readonly string[];
  enum?: readonly unknown[];
  properties?: Record<string, Schema>;
  anyOf?: readonly Schema[];
  items?: Schema;
}

interface Operation {
  parameters?: { name: string; in: string; schema: Schema }[];
  requestBody?: { content: Record<string, { schema?: Schema }> };
}

interface Asked {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

const known = [
  ...['SMB', 'ZFS', 'NFS', 'Alphorn', 'startingSMB', 'batch-limit', 'location', 'order', '1'],
  ...[
    nodes.local,
    nodes.other,
    'ocf:heartbeat:Dummy',
    'pacemaker.service',
    'liferaft_1234abcd.tar',
  ],
];
/** Each could be read as an option, a path out of its folder, another line or the end of a text. */
const hostile = [
  ...['-f', '--force', '-', '--', '-h', '--help=x', '../../etc/passwd', '..', '/etc/shadow', '.'],
  ...['a\nb', 'a\r\nX: y', 'a\0b', '$(id)', '`id`', '; id', '| id', '&& id', "' OR '1", '"><x/>'],
  ...['%2e%2e%2f', '%00', '\u202e', '\ud83d\ude00', 'é', ' ', '', '<x>', ']]>', '&amp;', '{{7*7}}'],
];
/** With these a command would be another one. */
const neverInArgv = hostile.filter((text) => /^-|[\0\n\r]|^\.\.?$|\.\.\/|^\/etc/.test(text));
/** pcs has an option of that name, by which it reads a file of ours. */
function neverIn(tool: string, arg: string): boolean {
  if (tool === 'pcs' && arg === '-f') return false;
  return neverInArgv.includes(arg) || /[\0\n\r]/.test(arg);
}

const fine5xx = new Set([503, 504, 507]);
const readable = ['GET', 'HEAD'];

/**
 * Asks the agent, over a cluster that is a CIB, for things that nobody should ask: by its own OpenAPI document, with
 * values that are right, nearly right or hostile.
 * @param folder a temporary folder
 * @param count requests
 */
export async function fuzz(folder: string, random: Random, count: number): Promise<FuzzOutcome> {
  const alphorn = { ...(await makeAlphornHost(folder, { a: 'A' })), root: join(folder, 'root') };
  await storeLiferaft(alphorn.liferafts, { files: { '/etc/a': 'A' } });
  const { app, cluster } = await changesBench(folder, { alphorn });
  answerForCorosync(cluster);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const { body: document } = (await app.client.get('/openapi.json')) as unknown as {
    body: { paths: Record<string, Record<string, Operation>> };
  };
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const text = (): string => {
    const dice = random();
    if (dice < 0.45) return pick(known);
    if (dice < 0.85) return pick(hostile);
    return pick(known) + pick(hostile) + (random() < 0.1 ? 'x'.repeat(5000) : '');
  };
  const anything = (depth = 0): unknown => {
    const dice = random();
    if (dice < 0.5 || depth > 4) return text();
    if (dice < 0.65) return pick([0, -1, 1e300, true, false, null, 2 ** 53]);
    if (dice < 0.8) return Array.from({ length: 3 }, () => anything(depth + 1));
    return Object.fromEntries([0, 1].map(() => [text(), anything(depth + 1)]));
  };
  const valueOf = (schema: Schema): unknown => {
    if (random() < 0.3) return anything();
    if (schema.enum) return pick(schema.enum);
    if (schema.anyOf) return valueOf(pick(schema.anyOf));
    if (schema.properties) {
      return Object.fromEntries(
        Object.entries(schema.properties)
          .filter(() => random() < 0.8)
          .map(([name, each]) => [name, valueOf(each)]),
      );
    }
    const type = Array.isArray(schema.type) ? pick(schema.type as string[]) : schema.type;
    if (type === 'array') return [valueOf(schema.items ?? {})];
    if (type === 'object') return { interval: '30s', [text()]: text() };
    if (type === 'boolean') return random() < 0.5;
    return type === 'integer' ? Math.floor(random() * 12) : text();
  };
  const bodyFor = ({ requestBody }: Operation): string => {
    const schema = Object.values(requestBody?.content ?? {})[0]?.schema;
    const json = JSON.stringify(schema ? valueOf(schema) : random() < 0.8 ? {} : anything());
    const dice = random();
    if (dice < 0.9) return json;
    return dice < 0.95 ? json.slice(0, Math.floor(random() * json.length)) : '[['.repeat(400);
  };

  function made(): Asked {
    const { path, method, operation } = pick(operations);
    const fill = (): string => {
      const value = text();
      return random() < 0.9 ? encodeURIComponent(whole(value)) : value.replace(/[^!-~]/g, '');
    };
    const query = (operation.parameters ?? [])
      // A real wait takes its time.
      .filter((each) => each.in === 'query' && each.name !== 'wait' && random() < 0.3)
      .map((each) => `${each.name}=${encodeURIComponent(whole(String(valueOf(each.schema))))}`);
    const other = random() < 0.05;
    return {
      method: other
        ? pick(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
        : method.toUpperCase(),
      path: `/api/v2/system/ha${path.replace(/\{\w+\}/g, fill)}${query.length > 0 ? `?${query.join('&')}` : ''}`,
      headers: {
        token: random() < 0.98 ? app.token : pick(['', 'x', '0'.repeat(64)]),
        'Content-Type':
          random() < 0.95 ? 'application/json' : pick(['text/plain', 'application/xml']),
        ...(random() < 0.1 && { 'If-Match': pick(['*', '"0.1"', '"x"', 'W/"0.42"']) }),
        ...(random() < 0.1 && { 'Idempotency-Key': `k${Math.floor(random() * 50)}` }),
        ...(random() < 0.1 && { 'X-Request-Id': pick(['a', 'b c', 'x'.repeat(200)]) }),
      },
      body: bodyFor(operation),
    };
  }

  const server = http.createServer(app.apps.network).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  const findings: string[] = [];
  const { check } = answerCheck([families.ha]);
  const statuses: Record<number, number> = {};
  const heap: number[] = [];
  let commands = 0;
  try {
    for (let number = 0; number < count && findings.length < 20; number += 1) {
      const asked = made();
      const before = cluster.xml();
      const { status, headers, text: answer } = await ask(port, agent, asked);
      statuses[status] = (statuses[status] ?? 0) + 1;
      const find = (what: string) =>
        findings.push(
          `${what}: ${asked.method} ${asked.path} ${asked.body.slice(0, 300)}: ${status} ${answer.slice(0, 300)}`,
        );
      if (status >= 500 && !fine5xx.has(status)) find('a status that is a bug');
      if (headers['x-request-id'] === undefined) find('no X-Request-Id');
      if (status >= 400 && headers['content-type'] !== 'application/problem+json; charset=utf-8')
        find('an error that is no problem');
      if (status >= 400 && status !== 409 && cluster.xml() !== before)
        find('a refusal that changed the CIB');
      if (readable.includes(asked.method) && status === 0) find('no answer');
      try {
        const { method, path: url } = asked;
        check({ method, url, status, type: headers['content-type'], text: answer });
      } catch (error) {
        find((error as Error).message.split('\n')[0] ?? '');
      }
      for (const argv of cluster.calls) {
        const bad = argv.slice(1).find((arg) => neverIn(argv[0] ?? '', arg));
        if (bad !== undefined) find(`an argument '${bad}' of ${argv[0] ?? ''}`);
      }
      commands += cluster.calls.length;
      // The CIB does not grow without end.
      cluster.calls.length = 0;
      cluster.cibs.splice(1);
      if (number === Math.floor(count / 10) || number === count - 1) heap.push(heapNow());
    }
  } finally {
    agent.destroy();
    server.close();
    server.closeAllConnections();
  }
  return { statuses, commands, heap: [heap[0] ?? 0, heap[1] ?? 0], findings };
}

/** What the fake cluster has no use for otherwise. */
function answerForCorosync({ answers }: FakeCluster): void {
  answers.set('corosync', ({ argv }) => success(argv.includes('-v') ? 'Corosync 3.1.7\n' : ''));
  answers.set('pacemakerd', () => success('Pacemaker 2.1.5\n'));
  answers.set('corosync-keygen', async ({ argv }) => {
    await writeFile(argv.at(-1) ?? '', Buffer.alloc(256, 7));
    return success('');
  });
}

/** Half of a surrogate pair has no encoding. */
function whole(text: string): string {
  return Buffer.from(text).toString();
}

function heapNow(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function ask(
  port: number,
  agent: http.Agent,
  { method, path, headers, body }: Asked,
): Promise<{ status: number; headers: http.IncomingHttpHeaders; text: string }> {
  return new Promise((resolve, reject) => {
    const length = { 'Content-Length': Buffer.byteLength(body) };
    const all = { ...headers, ...length };
    const request = http.request(
      { port, host: '127.0.0.1', agent, method, path, headers: all },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        response.once('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        });
      },
    );
    request.once('error', reject);
    request.end(body);
  });
}
