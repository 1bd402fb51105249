import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import request from 'supertest';

import { makeGuessBrake } from '../../../src/access/guess-brake.ts';
import type { Role } from '../../../src/access/roles.ts';
import { openTokenStore } from '../../../src/access/tokens.ts';
import type { BalancerDomain } from '../../../src/balancer/domain.ts';
import { openAuditLog } from '../../../src/changes/audit/audit.ts';
import { openRepeatedAnswers } from '../../../src/changes/idempotency/repeated-answers.ts';
import { makeLock } from '../../../src/changes/lock.ts';
import { makeChangePipeline } from '../../../src/changes/pipeline.ts';
import { makeKnownSecrets } from '../../../src/kit/secrets/known-secrets.ts';
import { answerForm } from '../../../src/routes/common/stored-answer.ts';
import { balancerFamily } from '../../../src/routes/balancer/index.ts';
import { operatorToken } from '../../../src/routes/balancer/sign-in.ts';
import { authenticate } from '../../../src/server/middleware/authenticate.ts';
import { makeApp } from '../../../src/server/table/serve.ts';
import { answerCheck } from '../answer-check.ts';
import { keepingLog } from '../keeping-log.ts';

export type Method = 'get' | 'post' | 'put' | 'delete';

/** What a test reads of any answer. */
export interface OperatorAnswer {
  status: number;
  text: string;
  headers: Readonly<Record<string, string | undefined>>;
  /** The JSON of the answer; undefined for an empty one. */
  body: Record<string, unknown> & { id: string; faultstring: string };
}

export type OperatorBench = Awaited<ReturnType<typeof operatorBench>>;

/** The routes of the operator API over a domain, without a listener. */
export async function operatorBench(domain: BalancerDomain) {
  const folder = await mkdtemp(join(tmpdir(), 'operator-'));
  const { log, lines } = keepingLog();
  const secrets = makeKnownSecrets();
  const audit = openAuditLog(join(folder, 'audit.jsonl'));
  const changes = makeChangePipeline({
    lock: makeLock(),
    audit,
    secrets,
    run: () => Promise.reject(new Error('no command is run')),
    changeDeadlineMs: 200_000,
  });
  const tokens = openTokenStore(join(folder, 'tokens'));
  const known: Record<string, Promise<string>> = {};
  function tokenOf(role: Role, tenant?: string): Promise<string> {
    const name = tenant === undefined ? role : `${role}-${tenant}`;
    return (known[name] ??= tokens.create(name, role, { tenant }));
  }
  const connections = {
    unauthenticated: () => undefined,
    authenticated: () => true,
  } as unknown as Parameters<typeof authenticate>[2];
  const signIn = [authenticate(tokens, makeGuessBrake(log), connections, operatorToken, true)];
  const repeatedAnswers = openRepeatedAnswers(join(folder, 'answers'), answerForm);
  const family = balancerFamily({ domain, changes, repeatedAnswers, secrets }, signIn);
  const app = makeApp({ log, families: [family], elsewhere: family });
  const answers = answerCheck([family]);

  /**
   * Sends a request as an administrator who is bound to no tenant. An answer that its row does not document fails.
   * @param path below /v1
   * @param body a text is sent as it is, anything else as JSON
   */
  async function ask(
    method: Method,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<OperatorAnswer> {
    const url = `/v1${path}`;
    const client = request(app);
    const asked = client[method](url).set({ token: await tokenOf('admin') });
    if (body !== undefined) asked.set('Content-Type', 'application/json');
    asked.set(headers);
    const sent = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await (body === undefined ? asked : asked.send(sent));
    const { status, text } = answer;
    const answered = answer.headers as Record<string, string | undefined>;
    answers.check({
      method: method.toUpperCase(),
      url,
      status,
      type: answered['content-type'],
      text,
    });
    return { status, text, headers: answered, body: answer.body as OperatorAnswer['body'] };
  }

  return {
    ask,
    app,
    family,
    tokenOf,
    audit,
    lines,
    async stop() {
      await changes.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
