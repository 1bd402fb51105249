import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { expect } from 'chai';

import { type JoiningHost, makeJoiningHost } from '../../../../src/bin/hactl/node/host.ts';
import { makeSigner } from '../../../../src/controller/certificates/signer.ts';
import { fingerprintOf } from '../../../../src/controller/certificates/life.ts';
import {
  type JoinToken,
  readJoinToken,
} from '../../../../src/controller/certificates/join-tokens.ts';
import { askToJoin, type JoinBody } from '../../../../src/controller/nodes/join-client.ts';
import { restoreStore } from '../../../../src/controller/store/restore.ts';
import { allMigrations } from '../../../../src/bin/wiring/controller/families.ts';
import { makeRun } from '../../../../src/kit/exec.ts';
import { makeLog } from '../../../../src/kit/log.ts';
import { joinPath } from '../../../../src/routes/controller/join.ts';
import type { LocalStatus } from '../../../../src/routes/controller/local.ts';
import { waitUntil } from '../../../lab/wait.ts';
import { type FakeNode, startFakeNode } from '../../../support/controller/fake-node.ts';
import {
  freePort,
  type ServedController,
  serveController,
} from '../../../support/controller/served.ts';
import { faultOf } from '../../../support/faults.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const everyMs = 10;
const run = makeRun(makeLog('silent'));

describe('a controller with its listeners', () => {
  const folder = temporaryFolder();
  let served: ServedController;
  let host: JoiningHost;
  const nodes: FakeNode[] = [];
  beforeEach(async () => {
    served = await serveController(folder.path);
    await writeFile(join(folder.path, 'machine-id'), '0123\n');
    host = makeJoiningHost(run, files());
  });
  afterEach(async () => {
    await served.stop();
    for (const node of nodes.splice(0)) await node.stop().catch(() => undefined);
  });

  const files = () => ({
    credentials: join(folder.path, 'node'),
    config: join(folder.path, 'node.json'),
    agentConfig: join(folder.path, 'amphora-agent.conf'),
    amphoraConfig: join(folder.path, 'amphora.json'),
    haproxy: join(folder.path, 'haproxy'),
    machineId: join(folder.path, 'machine-id'),
  });
  const status = async () => (await served.ask({ method: 'GET', path: '/status' })) as LocalStatus;

  async function makeToken(): Promise<JoinToken> {
    const made = await served.ask({ method: 'POST', path: '/join-tokens', body: {} });
    const token = readJoinToken((made as { token: string }).token);
    if (token === undefined) throw new Error('That is no token.');
    return token;
  }

  async function bodyOf(token: JoinToken, more: Partial<JoinBody> = {}): Promise<JoinBody> {
    const { machine, interfaces } = await host.facts();
    const request = await host.request('n1');
    return { secret: token.secret, name: 'n1', machine, interfaces, port: 9443, request, ...more };
  }

  /** Joins as hactl does, and then runs a fake node with the files that hactl has written. */
  async function joinedNode(): Promise<{ id: number; node: FakeNode }> {
    const token = await makeToken();
    const port = await freePort();
    const body = await bodyOf(token, { port });
    const joined = await askToJoin(served.url, joinPath, token, body);
    await host.store(joined, { name: 'n1', controller: served.url.origin });
    const read = (name: string) => readFile(join(files().credentials, name), 'utf8');
    const node = await startFakeNode({
      folder: folder.path,
      port,
      machine: body.machine,
      key: await read('key.pem'),
      certificate: await read('certificate.pem'),
      authority: await read('authority.pem'),
    });
    nodes.push(node);
    return { id: joined.id, node };
  }

  it('lets a web page send the tokens of all its APIs, and read the code of an error', async () => {
    const preflight = await headersOf(served.url, {
      method: 'OPTIONS',
      headers: { Origin: 'https://ui.example', 'Access-Control-Request-Method': 'POST' },
    });
    const allowed = String(preflight['access-control-allow-headers']).split(',');
    expect(allowed).to.include.members(['token', 'API-Token', 'X-Auth-Token', 'Prefer']);
    const answer = await headersOf(served.url, {
      method: 'GET',
      headers: { Origin: 'https://ui.example' },
    });
    expect(String(answer['access-control-expose-headers']).split(',')).to.include('X-HA-Code');
    expect(answer['x-ha-code']).to.equal('unauthenticated');
  });

  it('takes a host in by a token, follows it, and removes it', async () => {
    const { id, node } = await joinedNode();
    await waitUntil(
      'the node is reachable',
      async () => (await status()).nodes[0]?.is_reachable === true,
      { everyMs },
    );
    const [listed] = (await status()).nodes;
    expect(listed).to.deep.include({
      id,
      name: 'n1',
      host: '127.0.0.1',
      trouble: null,
      keepalived: '2.2.7',
    });
    expect(JSON.parse(await readFile(files().config, 'utf8'))).to.deep.equal({
      name: 'n1',
      controller: served.url.origin,
    });
    expect((await stat(join(files().credentials, 'key.pem'))).mode & 0o777).to.equal(0o600);
    await faultOf('already_joined', host.refuseJoined());
    const [entry] = await served.audit.list(1);
    expect(entry).to.deep.include({ caller: 'n1', route: joinPath, outcome: 'success' });
    await served.ask({ method: 'POST', path: '/node-removals', body: { id } });
    expect(node.hasLeft).to.equal(true);
    expect((await status()).nodes).to.deep.equal([]);
  });

  it('is told the port of ha-amphora as the host has it, and no configuration that ha-amphora refuses', async () => {
    const port = () => host.port(() => false);
    expect(await port()).to.equal(9443);
    await writeFile(files().config, '{"bind_port": 9555, "include_keepalived": true}');
    expect(await port()).to.equal(9555);
    await writeFile(files().config, '{"bind_port": "x"}');
    expect((await faultOf('invalid_config', port())).message).to.include('node.json: bind_port');
  });

  it('answers a wrong token and a wrong request with one sentence', async () => {
    const token = await makeToken();
    const wrong = await bodyOf({ ...token, secret: '0'.repeat(32) });
    const fault = await faultOf('join_refused', askToJoin(served.url, joinPath, token, wrong));
    expect(fault.message).to.match(/^This controller has not made the join token\. Make another/);
    const bad = await bodyOf(token, { name: 'a/b', machine: 'x' });
    const refusal = await faultOf('join_refused', askToJoin(served.url, joinPath, token, bad));
    expect(refusal.message).to.include('name must be');
    expect(refusal.message).to.include('machine must be');
    expect(JSON.stringify(served.lines)).to.not.include(token.secret);
  });

  it('gets no secret if it is not the controller of the token', async () => {
    const token = await makeToken();
    const other = { ...token, fingerprint: 'ab'.repeat(32) };
    await faultOf('join_refused', askToJoin(served.url, joinPath, other, await bodyOf(token)));
    await askToJoin(served.url, joinPath, token, await bodyOf(token));
  });

  it('refuses a used and an expired token, and a cloned host, with one sentence each', async () => {
    const used = await makeToken();
    await askToJoin(served.url, joinPath, used, await bodyOf(used, { name: 'n0' }));
    const refusalOf = async (token: JoinToken, more: Partial<JoinBody> = {}) => {
      const joining = askToJoin(served.url, joinPath, token, await bodyOf(token, more));
      return (await faultOf('join_refused', joining)).message;
    };
    const other = { name: 'n1', machine: 'a'.repeat(64) };
    expect(await refusalOf(used, other)).to.include("was used already, by the node 'n0'.");
    const expired = await makeToken();
    expect(await refusalOf(expired, { name: 'clone' })).to.match(
      /^A host with this machine id has joined as 'n0' already\./,
    );
    expect(await refusalOf(expired, { ...other, name: 'n0' })).to.match(
      /^Another node has the name/,
    );
    await served.store.write((transaction) =>
      transaction.run('UPDATE join_tokens SET expires_at = 1 WHERE used_by IS NULL'),
    );
    expect(await refusalOf(expired, other)).to.match(
      /^The join token has expired: .* ten minutes\./,
    );
    expect((await status()).nodes.map(({ name }) => name)).to.deep.equal(['n0']);
  });

  it('refuses a node whose certificate was revoked, in one sentence', async () => {
    const { id, node } = await joinedNode();
    const former = await readFile(join(files().credentials, 'certificate.pem'), 'utf8');
    const key = await readFile(join(files().credentials, 'key.pem'), 'utf8');
    await served.ask({ method: 'POST', path: '/node-removals', body: { id, is_lost: true } });
    await rm(files().credentials, { recursive: true });
    const token = await makeToken();
    const again = { ...(await bodyOf(token)), port: node.port };
    const joined = await askToJoin(served.url, joinPath, token, again);
    expect(joined.id).to.not.equal(id);
    // The host still shows the certificate of its former membership.
    node.certify(former, key, joined.authority);
    await waitUntil('it is refused', async () => {
      const trouble = (await status()).nodes[0]?.trouble ?? '';
      return trouble.includes(`shows the certificate of node-${id}, which belongs to another node`);
    });
  });

  it('reads no body of a host that joins above 256 KiB, and few at once', async () => {
    const token = await makeToken();
    const long = { ...(await bodyOf(token)), request: 'x'.repeat(300 * 1024) };
    const fault = await faultOf('join_refused', askToJoin(served.url, joinPath, token, long));
    expect(fault.message).to.include('256 KiB');
    await askToJoin(served.url, joinPath, token, await bodyOf(token));
  });

  it('cannot be played by a node, whose certificate has the same authority', async () => {
    const token = await makeToken();
    const { authority } = served.certificates;
    const subject = {
      common: 'node-1',
      names: ['localhost'],
      addresses: ['127.0.0.1'],
      usage: 'serverAuth',
    } as const;
    const { certificate, key } = await makeSigner(run, join(folder.path, 'signing')).make(
      authority,
      subject,
    );
    const asked: string[] = [];
    const server = https.createServer(
      { key, cert: certificate + authority.certificate },
      (request, response) => {
        asked.push(request.url ?? '');
        response.end('{}');
      },
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await faultOf('join_refused', askToJoin(url, joinPath, token, await bodyOf(token)));
    expect(asked).to.deep.equal([]);
    server.close();
    server.closeAllConnections();
  });

  it('that is away is reported as that', async () => {
    const token = await makeToken();
    const url = new URL(`https://127.0.0.1:${await freePort()}`);
    await faultOf('controller_unreachable', askToJoin(url, joinPath, token, await bodyOf(token)));
  });

  it('backs its store up while it runs, and goes on from the backup with the same nodes', async () => {
    const { id } = await joinedNode();
    const { path } = (await served.ask({ method: 'POST', path: '/backups', body: {} })) as {
      path: string;
    };
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
    await served.stop();
    await restoreStore({ folder: served.state, from: path, migrations: allMigrations });
    served = await serveController(folder.path, { isNew: false });
    await waitUntil(
      'the node is reachable',
      async () => (await status()).nodes[0]?.is_reachable === true,
      { everyMs },
    );
    const { store, nodes: listed } = await status();
    expect(store.epoch).to.equal(2);
    expect(listed.map((each) => each.id)).to.deep.equal([id]);
  });

  it('refuses the removal of a node that a family uses', async () => {
    await served.stop();
    const use = { uses: (node: number) => Promise.resolve([`Group 1 is on node ${node}.`]) };
    const nothing = () => Promise.resolve();
    const family = {
      nodeUse: use,
      trouble: () => 'It is held.',
      onNodes: nothing,
      start: nothing,
      stop: nothing,
      family: () => emptyFamily,
    };
    served = await serveController(folder.path, { isNew: false, families: [family] });
    const { id } = await joinedNode();
    await waitUntil('the trouble of the family is shown', async () => {
      return (await status()).nodes[0]?.trouble === 'It is held.';
    });
    const removal = served.ask({ method: 'POST', path: '/node-removals', body: { id } });
    expect((await faultOf('node_in_use', removal)).message).to.include('Group 1 is on node');
    await faultOf(
      'controller_node_not_found',
      served.ask({ method: 'POST', path: '/node-removals', body: { id: 99 } }),
    );
    await faultOf(
      'invalid_request',
      served.ask({ method: 'POST', path: '/node-removals', body: { id: 'x' } }),
    );
  });

  it('with a certificate of its own names that certificate in its tokens', async () => {
    await served.stop();
    const foreign = makeSigner(run, join(folder.path, 'signing'));
    const authority = await foreign.makeAuthority();
    const subject = {
      common: 'site',
      names: ['site.example'],
      addresses: [],
      usage: 'serverAuth',
    } as const;
    const { certificate, key } = await foreign.make(authority, subject);
    const config = {
      tls_certificate: join(folder.path, 'site.pem'),
      tls_key: join(folder.path, 'site.key'),
    };
    await writeFile(config.tls_certificate, certificate);
    await writeFile(config.tls_key, key);
    served = await serveController(folder.path, { isNew: false, config });
    const token = await makeToken();
    expect(token).to.deep.include({ kind: 'leaf', fingerprint: fingerprintOf(certificate) });
    await faultOf(
      'join_refused',
      askToJoin(
        served.url,
        joinPath,
        { ...token, fingerprint: fingerprintOf(authority.certificate) },
        await bodyOf(token),
      ),
    );
    await askToJoin(served.url, joinPath, token, await bodyOf(token));
    expect((await status()).nodes).to.have.length(1);
  });

  it('asks callers from the network for a token, except for probes and joining', async () => {
    const get = (path: string, headers: Record<string, string> = {}) =>
      ask(served.url, path, headers);
    expect(await get('/healthz')).to.equal(200);
    expect(await get('/readyz')).to.equal(200);
    expect(await get('/metrics')).to.equal(401);
    expect(await get('/controller/1.0/status')).to.equal(401);
    const token = await served.tokens.create('someone', 'viewer');
    expect(await get('/controller/1.0/status', { 'API-Token': token })).to.equal(404);
    expect(await get('/controller/1.0/status', { Authorization: `Bearer ${token}` })).to.equal(404);
    expect(await get('/metrics', { Authorization: `Bearer ${token}` })).to.equal(200);
  });
});

const emptyFamily = {
  name: 'empty',
  title: 'Nothing',
  bases: ['/empty'],
  signIn: [],
  rows: [],
  noSuchRoute: () => 'There is nothing.',
  answerFault: () => ({ status: 404, headers: {}, body: '', isFailure: false }),
  faultSchema: () => ({}),
  codes: [],
  examples: {},
};

/** The headers of the answer about load balancers. */
async function headersOf(
  url: URL,
  options: https.RequestOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const path = new URL('/v1/loadbalancers', url);
  const request = https.request(path, { ...options, rejectUnauthorized: false, agent: false });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  return response.headers;
}

function ask(url: URL, path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = https.get(
      new URL(path, url),
      { headers, rejectUnauthorized: false, agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    request.on('error', reject);
  });
}
