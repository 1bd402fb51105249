import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import { makeTestBalancer, type TestBalancer } from '../../support/balancer/domain.ts';
import {
  type Method,
  operatorBench,
  type OperatorBench,
} from '../../support/balancer/operator-bench.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

interface Exchange {
  label: string;
  method: string;
  path: string;
  req: unknown;
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
}

// What the last real server of this API, Octavia 4.1.4, answered: every second one of 179 exchanges.
const file = new URL('../../fixtures/balancer/recorded-exchanges.jsonl', import.meta.url);
const exchanges = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Exchange);

/** Where ours answers otherwise on purpose: our status, and the section of the reference that says so. */
const differences: Readonly<Record<string, readonly [status: number, section: string]>> = {
  'lb string body': [400, '2: a body that is no object'],
  'lb enabled null': [400, '2: enabled that is null'],
  'lb post on id': [405, '1: a path with a method that it lacks'],
  'lb del on coll': [405, '1: a collection with DELETE'],
  'lb list tenant': [200, '3: both filters work'],
  'po lb-level listener_id 404': [404, '2: a listener that does not exist'],
  'quota put none': [400, '2: PUT of quotas without quota'],
  'li UDP proto': [400, '3: the enum of the document'],
  'li port 70000': [400, '2: protocol_port 70000'],
  'li port float': [400, '2: protocol_port 80.5'],
  'li put port dup': [409, '2: a listener moved onto a used port'],
  'hm seed path post': [202, '1: both spellings of the monitor'],
  'po put protocol': [409, '2: protocols that cannot go together'],
};

const tenant = '6a873fbd-2bd1-4991-9b22-9e5dfb48cda0';
const network = 'd20d1918-6e0b-4982-a9fb-f4f8bdbf4b9a';
const monitor = { type: 'HTTP', delay: 10, timeout: 10, fall_threshold: 10, rise_threshold: 10 };

/** The objects that were there before a recorded request, as far as its path, label and answer tell. */
async function prepare(bench: OperatorBench, host: TestBalancer, of: Exchange): Promise<void> {
  const ids =
    /^\/v1\/loadbalancers\/([^/?]+)(?:\/listeners\/([^/?]+))?(?:\/(?:pools)\/([^/?]+))?(?:\/(?:members)\/([^/?]+))?(?:\/l7policies\/([^/?]+))?/.exec(
      of.path,
    );
  const [, lb, listener, pool, member, policy] = ids ?? [];
  const sent = (of.req ?? {}) as { id?: string };
  const missing =
    of.status === 404
      ? [member, pool, policy, listener, lb].find((id) => id !== undefined)
      : undefined;
  const isMonitorMissing = of.label === 'hm get none' || of.label === 'hm seed path post';
  const isThere = (id: string | undefined): id is string =>
    id !== undefined && (id !== missing || isMonitorMissing);
  const make = async (path: string, body: object) => {
    const made = await bench.ask('post', path, body);
    expect(made.status, `${path} ${made.text}`).to.equal(202);
    if (lbId !== undefined) await host.finish(lbId);
  };
  const marker = /[?&]marker=([^&]+)/.exec(of.path)?.[1];
  const lbId = lb ?? marker ?? (of.label === 'lb same id' ? sent.id : undefined);
  if (lbId === undefined || (lb !== undefined && !isThere(lb))) return;
  await make('/loadbalancers', {
    id: lbId,
    vip: { network_id: network },
    tenant_id: tenant,
    name: 'lb_name',
  });
  const base = `/loadbalancers/${lbId}`;
  const listenerId = isThere(listener) ? listener : of.label === 'li dup id' ? sent.id : undefined;
  if (listenerId !== undefined || of.label === 'lb delete children')
    await make(`${base}/listeners`, {
      ...(listenerId && { id: listenerId }),
      protocol: 'HTTP',
      protocol_port: 88,
      connection_limit: 10,
    });
  if (of.label === 'li put port dup')
    await make(`${base}/listeners`, { protocol: 'HTTP', protocol_port: 80 });
  const li = `${base}/listeners/${listenerId}`;
  if (isThere(pool) || of.label === 'po second' || of.label === 'po list')
    await make(`${li}/pools`, {
      ...(isThere(pool) && { id: pool }),
      protocol: 'HTTP',
      lb_algorithm: 'ROUND_ROBIN',
    });
  const po = `${base}/pools/${pool}`;
  if (/^hm (dup|put|delete)/.test(of.label)) await make(`${po}/healthmonitor`, monitor);
  const memberId = isThere(member) ? member : of.label === 'me dup id' ? sent.id : undefined;
  if (memberId !== undefined)
    await make(`${po}/members`, { id: memberId, ip_address: '10.0.0.9', protocol_port: 80 });
  if (isThere(policy))
    await make(`${li}/l7policies`, {
      id: policy,
      action: 'REDIRECT_TO_URL',
      redirect_url: 'http://www.example.com',
    });
  if (of.body.includes('is immutable') || of.body.includes('PENDING_DELETE')) {
    host.deployer.hold();
    await bench.ask('put', base, { description: 'in the way' });
  }
  if (of.body.includes('PENDING_DELETE')) {
    host.deployer.release();
    await host.finish(lbId);
    host.deployer.hold();
    await bench.ask('delete', `${base}/delete_cascade`);
  }
}

/** A sentence without ids, and its list of possible values in one order. */
function pattern(faultstring: string): string {
  return faultstring
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID')
    .replace(/: '\{.*\}'\./, ': {…}.')
    .replace(/one of: (.*)$/, 'one of: …');
}

describe('a recorded exchange', () => {
  const folder = temporaryFolder();
  let host: TestBalancer;
  let bench: OperatorBench;

  beforeEach(async () => {
    host = await makeTestBalancer(folder.path);
    bench = await operatorBench(host.domain);
  });
  afterEach(async () => {
    await bench.stop();
    await host.stop();
  });

  for (const recorded of exchanges) {
    const difference = differences[recorded.label];
    const how = difference ? `otherwise on purpose (${difference[1]})` : 'alike';
    it(`is answered ${how}: ${recorded.label}`, async () => {
      await prepare(bench, host, recorded);
      const headers: Record<string, string> = {};
      if (recorded.label === 'lb accept html') headers['Accept'] = 'text/html';
      if (recorded.label === 'lb text/plain') headers['Content-Type'] = 'text/plain';
      if (recorded.label === 'lb xml') headers['Content-Type'] = 'application/xml';
      const method = recorded.method.toLowerCase() as Method;
      const answer = await bench.ask(
        method,
        recorded.path.replace(/^\/v1/, ''),
        recorded.req ?? undefined,
        headers,
      );
      expect(answer.status, answer.text).to.equal(difference?.[0] ?? recorded.status);
      expect(answer.headers['x-openstack-request-id']).to.match(/^req-[0-9a-f-]{36}$/);
      if (difference) return;
      if (recorded.body === '') {
        expect(answer.text).to.equal('');
        expect(answer.headers['content-type']).to.equal(undefined);
        return;
      }
      // A few errors of the recorded server were no JSON; all of ours are.
      const isJson = recorded.headers['Content-Type']?.startsWith('application/json') === true;
      if (!isJson) {
        expect(Object.keys(answer.body)).to.deep.equal(['faultcode', 'faultstring', 'debuginfo']);
        return;
      }
      const said = JSON.parse(recorded.body) as unknown;
      if (typeof said !== 'object' || said === null || Array.isArray(said)) return;
      if ('faultstring' in said) {
        expect(Object.keys(answer.body)).to.deep.equal(Object.keys(said));
        expect(pattern(answer.body.faultstring)).to.equal(pattern(String(said.faultstring)));
      } else {
        expect(answer.body).to.include.keys(Object.keys(said));
      }
    });
  }
});
