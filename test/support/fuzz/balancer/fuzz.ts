import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

import { makeLocalSecrets } from '../../../../src/balancer/secrets/local.ts';
import { renderHaproxy } from '../../../../src/balancer/render/haproxy.ts';
import { peerName } from '../../../../src/haproxy/peer-name.ts';
import { readDriverConfig } from '../../../../src/parsers/haproxy/driver-config.ts';
import { expectedSections, sectionsOf } from '../../../balancer/render/expected.ts';
import { answerCheck } from '../../answer-check.ts';
import type { TestBalancer } from '../../balancer/domain.ts';
import type { DeployCall } from '../../balancer/held-deployer.ts';
import { networkOfHost, operatorHost } from '../../balancer/operator-host.ts';
import { randomOf } from '../../random.ts';
import { makeFindings } from '../findings.ts';
import { type FuzzOptions, type FuzzOutcome, isWellStatus } from '../outcome.ts';
import { makeMemory } from '../memory.ts';
import { diceOf } from '../values.ts';
import { lifetime, makeLife, type RowRequest } from './requests.ts';

const samples = 40;
const settleMs = 10_000;
/** As a node of ours has it. */
const base = { base: '/var/lib/octavia', certificates: '/var/lib/octavia/certs' };

/**
 * Sends generated bodies to the operator API by HTTP. No answer may be a failure of ours, what is refused must leave the
 * store as it was, and what is accepted must render to a file with the expected lines and nothing that a node refuses.
 * A repeated request comes after those of the same load balancer.
 */
export async function fuzzBalancer(folder: string, options: FuzzOptions): Promise<FuzzOutcome> {
  const { seed, count, only } = options;
  const bench = await operatorHost(folder, { secrets: makeLocalSecrets(Buffer.alloc(32, 1)) });
  const { host, family } = bench;
  const server = http.createServer(bench.app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const token = await bench.tokenOf('admin');
  const check = answerCheck([family]);
  const findings = makeFindings();
  const memory = makeMemory();
  const statuses: Record<string, number> = {};
  const [asked, well] = [new Set<unknown>(), new Set<unknown>()];
  const described: string[] = [];
  let requests = 0;

  async function send({ method, url, body }: Omit<RowRequest, 'row'>) {
    const answer = await fetch(new URL(url, origin), {
      method,
      headers: { token, ...(body !== undefined && { 'Content-Type': 'application/json' }) },
      ...(body !== undefined && { body }),
    });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  }

  async function settle(ids: Iterable<string>): Promise<boolean> {
    const all = await Promise.all(
      [...ids].map((id) => host.domain.loadBalancers.settled(id, settleMs)),
    );
    return all.every(Boolean);
  }

  /** What follows a change of before may have ended meanwhile, so the request has to change something each time. */
  async function isChangedBy(sent: RowRequest): Promise<boolean> {
    for (let time = 0; time < 3; time += 1) {
      const before = await storeOf(host);
      await send(sent);
      if ((await storeOf(host)) === before) return false;
    }
    return true;
  }

  /**
   * Adds what is wrong with the answer, and with what it has left behind.
   * @returns the id of a load balancer that was made
   */
  async function flawsAfter(
    sent: RowRequest,
    where: (answer: string) => string,
  ): Promise<string | undefined> {
    const before = await storeOf(host);
    const { status, headers, text } = await send(sent);
    const place = where(`${status} ${text.slice(0, 300)}`);
    const found = (what: string) => {
      findings.add(what, place);
    };
    requests += 1;
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (sent.row) asked.add(sent.row);
    if (isWellStatus(status) && sent.row) well.add(sent.row);
    if (status >= 500) found(`a failure: ${headers.get('x-ha-code') ?? status}`);
    if (status >= 400 && !headers.has('x-ha-code')) found('an error without a code');
    if (status >= 400 && (await storeOf(host)) !== before && (await isChangedBy(sent)))
      found('a refusal that changes something');
    try {
      const type = headers.get('content-type') ?? undefined;
      check.check({ method: sent.method, url: sent.url, status, type, text });
    } catch (error) {
      found(`an answer that is not documented: ${(error as Error).message.slice(0, 200)}`);
    }
    if (only !== undefined) described.push(place);
    const isNew = status === 202 && sent.row?.path === '/loadbalancers';
    return isNew ? (JSON.parse(text) as { id: string }).id : undefined;
  }

  function flawsOfFiles(): string[] {
    // The calls are this run's alone, and a long run makes many.
    const calls = (host.deployer.calls as DeployCall[]).splice(0);
    return calls.flatMap(flawsOfFile);
  }

  const firstLife = Math.floor((only ?? 0) / lifetime);
  const end = only === undefined ? count : only + 1;
  try {
    for (let life = firstLife; life * lifetime < end && !findings.isFull(); life += 1) {
      const dice = diceOf(randomOf(seed * 1_000_003 + life));
      const { next, first, ids: known } = makeLife(family, dice, networkOfHost);
      const ids = new Set(known);
      for (const [url, body] of first) {
        const { status, text } = await send({ method: 'POST', url, body: JSON.stringify(body) });
        if (status !== 202) findings.add(`a good request is refused: ${status}`, text);
        await settle(ids);
      }
      const last = Math.min(end, (life + 1) * lifetime);
      for (let number = life * lifetime; number < last; number += 1) {
        const sent = next();
        const where = (answer: string) =>
          `--balancer --seed ${seed} --only ${number}: ${sent.method} ${sent.url} ${(sent.body ?? '').slice(0, 1500)}: ${answer}`;
        const made = await flawsAfter(sent, where);
        if (made !== undefined) ids.add(made);
        if (!(await settle(ids))) findings.add('a load balancer that stays PENDING', where(''));
        for (const flaw of flawsOfFiles()) findings.add(flaw, where(''));
        if (number % Math.ceil(count / samples) === 0) memory.sample(number / count);
      }
      await clear();
    }
    memory.sample(1);
    if (only === undefined && !memory.isFlat()) findings.add('memory that grows', `seed ${seed}`);
  } finally {
    server.closeAllConnections();
    server.close();
    await bench.stop();
  }

  /** Removes everything, so that the next life begins as the first one did. */
  async function clear(): Promise<void> {
    const { text } = await send({
      method: 'GET',
      url: '/v1/loadbalancers?limit=0',
      body: undefined,
    });
    for (const { id } of JSON.parse(text) as { id: string }[]) {
      await send({
        ...{ method: 'DELETE', body: undefined },
        url: `/v1/loadbalancers/${id}/delete_cascade`,
      });
      await settle([id]);
    }
    await host.store.write((transaction) =>
      transaction.run(`DELETE FROM balancer_load_balancers WHERE provisioning = 'DELETED'`, []),
    );
    await send({ method: 'POST', url: '/v1/nodes/1/resume', body: undefined });
    flawsOfFiles();
    // Tests read these, and a long run has many of them.
    for (const list of [bench.lines, host.lines, host.applied]) list.splice(0);
  }

  const rows = family.rows.filter(({ methods }) => methods.length > 0);
  return {
    requests,
    commands: 0,
    statuses,
    families: { balancer: requests },
    rows: { all: rows.length, asked: asked.size, well: well.size },
    growth: memory.growth(),
    findings: findings.list(),
    ...(only !== undefined && { described: described.join('\n') }),
  };
}

function flawsOfFile({ wanted }: DeployCall): string[] {
  if (wanted === undefined) return [];
  try {
    const peers = wanted.nodes.map(({ id, amphora }) => peerName(amphora ?? String(id)));
    const text = renderHaproxy(wanted, wanted.nodes[0]?.id ?? 1);
    const { problems } = readDriverConfig(text, { id: wanted.id, ...base });
    const lines = JSON.stringify(sectionsOf(text));
    return [
      ...problems.map(({ reason }) => `a file that a node refuses: ${reason}`),
      ...(lines === JSON.stringify(expectedSections(wanted, peers))
        ? []
        : ['a file with other lines than expected']),
    ];
  } catch (error) {
    return [`a tree without a file: ${(error as Error).message}`];
  }
}

/** All rows of the store that a change could touch. */
async function storeOf({ store }: TestBalancer): Promise<string> {
  const tables = await store.all(
    `SELECT name FROM sqlite_master WHERE type = 'table' AND (name LIKE 'balancer%' OR name LIKE 'vrrp%')`,
  );
  const all = await Promise.all(
    tables.map(({ name }) => store.all(`SELECT * FROM ${String(name)} ORDER BY 1`)),
  );
  return JSON.stringify(all);
}
