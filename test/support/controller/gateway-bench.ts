import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import request from 'supertest';

import { openTokenStore } from '../../../src/access/tokens.ts';
import { makeGuessBrake } from '../../../src/access/guess-brake.ts';
import type { Role } from '../../../src/access/roles.ts';
import { gatewayTables, makeGateway } from '../../../src/bin/wiring/controller/gateway.ts';
import { openAuditLog } from '../../../src/changes/audit/audit.ts';
import { openRepeatedAnswers } from '../../../src/changes/idempotency/repeated-answers.ts';
import { makeLock } from '../../../src/changes/lock.ts';
import { makeChangePipeline } from '../../../src/changes/pipeline.ts';
import type { QueueTimes } from '../../../src/controller/vrrp/node-queue.ts';
import { makeKnownSecrets } from '../../../src/kit/secrets/known-secrets.ts';
import { answerForm } from '../../../src/routes/common/stored-answer.ts';
import { apiToken } from '../../../src/routes/gateway/sign-in.ts';
import { authenticate, trustAsRoot } from '../../../src/server/middleware/authenticate.ts';
import { makeApp } from '../../../src/server/table/serve.ts';
import { answerCheck } from '../answer-check.ts';
import { keepingLog } from '../keeping-log.ts';
import { digestOfWanted, nodesDouble, renderShortly } from './nodes-double.ts';
import { storeDouble } from './store-double.ts';

export const base = '/admin-api/gateway';
const quick: QueueTimes = {
  collectMs: 2,
  gapMs: 5,
  nextGapMs: 5,
  firstRetryMs: 20,
  maxRetryMs: 100,
};

type Method = 'get' | 'post' | 'put' | 'delete' | 'patch';

/** The envelope of all answers, with what a test reads of them. */
export interface AnsweredBody {
  status: number;
  msg: string;
  code: string;
  data: { id: number; data: unknown[]; meta: { count: number } };
}

/** The whole family of gateways over a store in memory and scripted nodes. */
export type GatewayBench = Awaited<ReturnType<typeof gatewayBench>>;

/** @param more what differs: the number of nodes, the keys of the configuration, the epoch of the store */
export async function gatewayBench({
  nodeCount = 3,
  dns = { type: 'noop' },
  epoch = 1,
}: {
  nodeCount?: number;
  epoch?: number;
  dns?: Parameters<typeof makeGateway>[0]['config']['dns'];
} = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-'));
  const { log, lines } = keepingLog();
  const store = storeDouble(gatewayTables, { id: 'a', epoch });
  const nodes = nodesDouble();
  for (let id = 1; id <= nodeCount; id += 1) {
    nodes.add(`n${id}`, [
      { name: 'eth0', addresses: [`10.0.0.${id}/24`, `fd00::${id}/64`] },
      { name: 'eth1', addresses: [`10.1.0.${id}/24`] },
      { name: 'eth2', addresses: [] },
    ]);
  }
  const secrets = makeKnownSecrets();
  const audit = openAuditLog(join(folder, 'audit.jsonl'));
  const changes = makeChangePipeline({
    lock: makeLock(),
    audit,
    secrets,
    run: () => Promise.reject(new Error('no command is run')),
    changeDeadlineMs: 10_000,
  });
  const service = makeGateway({
    store,
    registry: nodes.registry,
    links: nodes.links,
    render: renderShortly,
    digestOf: digestOfWanted,
    config: { dns, segments: [] },
    changes,
    repeatedAnswers: openRepeatedAnswers(join(folder, 'answers'), answerForm),
    secrets,
    log,
    times: quick,
  });
  const tokens = openTokenStore(join(folder, 'tokens'));
  const known: Partial<Record<Role, string>> = {};
  const tokenOf = async (role: Role) => (known[role] ??= await tokens.create(role, role));
  const connections = {
    unauthenticated: () => undefined,
    authenticated: () => true,
  } as unknown as Parameters<typeof authenticate>[2];
  const family = service.family([authenticate(tokens, makeGuessBrake(log), connections, apiToken)]);
  const app = makeApp({ log, families: [family], elsewhere: family });
  const socketFamily = service.family([trustAsRoot]);
  const socketApp = makeApp({ log, families: [socketFamily], elsewhere: socketFamily });
  const answers = answerCheck([family]);

  /** Sends a request as an administrator. An answer that its row does not document fails. */
  async function ask(
    method: Method,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ) {
    const url = `${base}${path}`;
    const token = await tokenOf('admin');
    const client = request(app);
    const asked = client[method](url).set({ 'API-Token': token, ...headers });
    const sent = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await (body === undefined ? asked : asked.type('json').send(sent));
    const { status, text } = answer;
    const answered = answer.headers as Record<string, string | undefined>;
    const type = answered['content-type'];
    answers.check({ method: method.toUpperCase(), url, status, type, text });
    return { status, text, headers: answered, body: answer.body as AnsweredBody };
  }

  return {
    ask,
    app,
    socketApp,
    family,
    service,
    store,
    nodes,
    audit,
    lines,
    tokenOf,
    folder,
    /** Makes a gateway of all nodes. */
    async gateway(name = 'edge'): Promise<number> {
      const { body } = await ask('post', '/', {
        name,
        nodes: Array.from({ length: nodeCount }, (_, at) => at + 1),
      });
      return body.data.id;
    },
    /** All rows of the family, to see that nothing has changed. */
    async rows(): Promise<string> {
      const tables = [
        'gateways',
        'gateway_nodes',
        'gateway_groups',
        'gateway_addresses',
        'vrrp_instances',
        'vrrp_peers',
      ];
      const all: unknown[] = [];
      for (const table of tables) all.push(await store.all(`SELECT * FROM ${table}`));
      return JSON.stringify(all);
    },
    async stop() {
      service.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A group of the first two nodes. */
export function groupOf(more: object = {}): Record<string, unknown> {
  return {
    name: 'VG1',
    virtual_ip: '10.0.0.100',
    status: 1,
    real_nodes: [
      { node: 1, interface: 'eth0', priority: 150 },
      { node: 2, interface: 'eth0', priority: 100 },
    ],
    ...more,
  };
}
