import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';

import { expect } from 'chai';
import sinon from 'sinon';

import { failureOf } from '../../../src/bin/hactl/failure.ts';
import { nodeCommand } from '../../../src/bin/hactl/node.ts';
import type { HostFiles } from '../../../src/bin/hactl/node/host.ts';
import { endAsNode } from '../../../src/bin/wiring/amphora/end-as-node.ts';
import { loadAgentConfigIfThere } from '../../../src/bin/wiring/amphora/config.ts';
import { makeNodeCredentials } from '../../../src/node/credentials.ts';
import type { NodeDomain } from '../../../src/node/node.ts';
import examples from '../../../src/routes/node/examples.json' with { type: 'json' };
import { nodeFamily } from '../../../src/routes/node/index.ts';
import { faults } from '../../../src/bin/wiring/faults.ts';
import { nodeLocalFamily } from '../../../src/routes/node/local.ts';
import { openSocketListener } from '../../../src/server/listeners.ts';
import { makeApp } from '../../../src/server/table/serve.ts';
import { openInFolder, placesIn } from '../../support/amphora/in-folder.ts';
import { unrecordedChanges } from '../../support/amphora/stand-in.ts';
import {
  freePort,
  type ServedController,
  serveController,
} from '../../support/controller/served.ts';
import { keepingLog } from '../../support/keeping-log.ts';
import { realRun } from '../../support/keepalived-host.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const nodeReport = examples['GET /keepalived'].body;
const facts = {
  ...examples['GET /'].body,
  name: 'n1',
  interfaces: [],
};

describe('hactl node join --load-balancers', () => {
  const folder = temporaryFolder();
  let served: ServedController;
  const startAgent = sinon.fake.resolves(undefined);
  beforeEach(async () => {
    startAgent.resetHistory();
    served = await serveController(folder.path);
    await writeFile(at('machine-id'), '0123\n');
    await writeFile(at('haproxy'), '');
  });
  afterEach(async () => {
    sinon.restore();
    await served.stop();
  });

  const at = (name: string) => join(folder.path, name);
  const files = () => ({
    credentials: at('node'),
    config: at('node.json'),
    agentConfig: at('amphora-agent.conf'),
    amphoraConfig: at('amphora.json'),
    haproxy: at('haproxy'),
    machineId: at('machine-id'),
  });
  const joinHere = async (host: HostFiles = files()) => {
    const { token } = (await served.ask({ method: 'POST', path: '/join-tokens', body: {} })) as {
      token: string;
    };
    const printed = sinon.stub(console, 'log');
    const command = nodeCommand({
      socket: served.socket,
      files: host,
      startAgent,
      onRecord: (_command, work) => work(),
    });
    const args = ['join', served.url.origin, token, '--name', 'n1', '--load-balancers'];
    const failure = await command.parseAsync(args, { from: 'user' }).then(
      () => ({ exitCode: 0, text: undefined }),
      (error: unknown) => failureOf(error),
    );
    const text = printed.args.flat().join('\n');
    printed.restore();
    return { exitCode: failure.exitCode, failure: failure.text ?? '', text };
  };
  const isThere = (path: string) =>
    stat(path).then(
      () => true,
      () => false,
    );

  it('writes what the agent needs, and starts it', async () => {
    const { exitCode, text } = await joinHere();
    expect(exitCode).to.equal(0);
    expect(text).to.include('the node 1 (n1)').and.include('can carry load balancers');
    expect(startAgent.callCount).to.equal(1);
    expect(await loadAgentConfigIfThere(files().agentConfig)).to.deep.include({
      amphoraId: 'n1',
      controllers: [],
      heartbeatKey: undefined,
      bindPort: 9443,
    });
    expect((await stat(files().agentConfig)).mode & 0o777).to.equal(0o600);
    expect(JSON.parse(await readFile(files().amphoraConfig, 'utf8'))).to.deep.equal({
      namespace: null,
      versions: ['1.0'],
    });
  });

  it('leaves files that are there as they are', async () => {
    const agent = '[amphora_agent]\namphora_id = n1\n[haproxy_amphora]\nbind_port = 9555\n';
    await writeFile(files().agentConfig, agent);
    await writeFile(files().amphoraConfig, '{"namespace": null}');
    expect((await joinHere()).failure).to.equal('');
    expect(await readFile(files().agentConfig, 'utf8')).to.equal(agent);
    expect(await readFile(files().amphoraConfig, 'utf8')).to.equal('{"namespace": null}');
    const { nodes } = (await served.ask({ method: 'GET', path: '/status' })) as {
      nodes: { port: number }[];
    };
    expect(nodes[0]?.port).to.equal(9555);
  });

  for (const [what, file, content, sentence] of [
    ['has no haproxy', 'haproxy', undefined, 'apt-get install haproxy'],
    ['is known by another id', 'agentConfig', '[amphora_agent]\namphora_id = x\n', '--name x'],
    ['has haproxy in a namespace', 'amphoraConfig', '{"namespace": "tenants"}', "'tenants'"],
    ['has the usual namespace', 'amphoraConfig', '{}', "'amphora-haproxy'"],
    [
      'does not offer the version of the controller',
      'amphoraConfig',
      '{"namespace": null, "versions": ["0.5"]}',
      'version 1.0',
    ],
  ] as const) {
    it(`refuses a host that ${what}, and changes nothing`, async () => {
      if (content === undefined) await rm(files()[file]);
      else await writeFile(files()[file], content);
      const { exitCode, failure } = await joinHere();
      expect(exitCode).to.be.oneOf([2, 4]);
      expect(failure).to.include(sentence).and.include('Nothing was changed');
      expect(await isThere(files().credentials)).to.equal(false);
      expect(await isThere(files().config)).to.equal(false);
      expect(startAgent.callCount).to.equal(0);
    });
  }

  it('is what the status of the node says', async () => {
    const node = { ...facts, adopted: null };
    const report = { ...nodeReport, instances: [], troubles: [] };
    const { log } = keepingLog();
    const domain = {
      facts: () => Promise.resolve(node),
      report: () => Promise.resolve(report),
    } as unknown as NodeDomain;
    const family = nodeLocalFamily(domain, faults);
    const app = makeApp({ log, families: [family], elsewhere: family });
    const listening = await openSocketListener(app, at('agent.sock'), family.answerFault, log);
    const status = async () => {
      const printed = sinon.stub(console, 'log');
      const command = nodeCommand({ agentSocket: at('agent.sock'), files: files() });
      await command.parseAsync(['status'], { from: 'user' });
      const text = printed.args.flat().join('\n');
      printed.restore();
      return text;
    };
    try {
      expect(await status()).not.to.include('load balancers');
      await joinHere();
      expect(await status()).to.include('It can carry load balancers');
    } finally {
      await listening.stop();
    }
  });

  it('makes a host that can join again after it has left', async () => {
    await joinHere();
    const config = await loadAgentConfigIfThere(files().agentConfig);
    expect(await endAsNode(config, files().agentConfig)).to.equal('stop');
    expect(await isThere(files().agentConfig)).to.equal(false);
    await rm(files().credentials, { recursive: true });
    await served.ask({ method: 'POST', path: '/node-removals', body: { id: 1, is_lost: true } });
    expect((await joinHere()).failure).to.equal('');
    expect(await isThere(files().agentConfig)).to.equal(true);
    // The same after a host was not asked to leave.
    await rm(files().credentials, { recursive: true });
    await served.ask({ method: 'POST', path: '/node-removals', body: { id: 2, is_lost: true } });
    expect((await joinHere()).failure).to.equal('');
  });

  it('leaves an amphora of OpenStack running when its host is no node any more', async () => {
    const own = `agent_server_cert = ${at('haproxy')}\nagent_server_ca = ${at('haproxy')}\n`;
    await writeFile(files().agentConfig, `[amphora_agent]\namphora_id = n1\n${own}`);
    const config = await loadAgentConfigIfThere(files().agentConfig);
    expect(await endAsNode(config, files().agentConfig)).to.equal('restart');
    expect(await isThere(files().agentConfig)).to.equal(true);
    expect(await endAsNode(undefined, files().agentConfig)).to.equal('stop');
  });

  describe('the node that it makes', () => {
    let port = 0;
    let controller: Socket;
    let opened: Awaited<ReturnType<typeof openInFolder>>;
    beforeEach(async () => {
      await joinHere();
      const places = placesIn(at('a'));
      await mkdir(places.paths.certificates, { recursive: true });
      await mkdir(places.paths.interfaces, { recursive: true });
      const { log } = keepingLog();
      const domain = { facts: () => Promise.resolve(facts) } as unknown as NodeDomain;
      port = await freePort();
      opened = await openInFolder(
        { ...places, paths: { ...places.paths, agentConfig: files().agentConfig } },
        {
          port,
          log,
          identity: () => makeNodeCredentials(realRun, files()).read(),
          families: [nodeFamily({ domain, changes: unrecordedChanges, log })],
        },
      );
      controller = createSocket('udp4');
      controller.bind(0, '127.0.0.1');
      await once(controller, 'listening');
    });
    afterEach(async () => {
      controller.close();
      await opened.stop();
    });

    /** A request of the controller, by its certificate. */
    const ask = (path: string, body?: string) =>
      new Promise<{ status: number; text: string }>((resolve, reject) => {
        const { certificate: cert, key } = served.certificates.client();
        const options = {
          ...{ host: '127.0.0.1', port, path, cert, key, agent: false },
          ca: served.certificates.authority.certificate,
          checkServerIdentity: () => undefined,
          method: body === undefined ? 'GET' : 'PUT',
        };
        const asking = https.request(options, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
          response.once('error', reject).once('end', () => {
            resolve({ status: response.statusCode ?? 0, text });
          });
        });
        asking.once('error', reject).end(body);
      });

    it('answers the certificate of the controller in both of its families', async () => {
      const amphora = await ask('/1.0/info');
      expect(amphora.status).to.equal(200);
      expect(JSON.parse(amphora.text)).to.include({ api_version: '1.0' });
      const node = await ask('/node/1.0/');
      expect(node.status).to.equal(200);
      expect(JSON.parse(node.text)).to.include({ name: 'n1' });
    });

    it('sends heartbeats by the name of the node as soon as the controller has set their key', async () => {
      const heard = once(controller, 'message');
      const { port: at5555 } = controller.address();
      const config = [
        ...['[amphora_agent]', 'amphora_id = n1', '[health_manager]'],
        ...[`controller_ip_port_list = 127.0.0.1:${at5555}`, 'heartbeat_key = secret'],
        'heartbeat_interval = 1',
      ].join('\n');
      expect((await ask('/1.0/config', `${config}\n`)).status).to.equal(202);
      const [datagram] = (await heard) as [Buffer];
      const hmacBytes = 64;
      const payload: unknown = JSON.parse(inflateSync(datagram.subarray(0, -hmacBytes)).toString());
      expect(payload).to.include({ id: 'n1' });
    });
  });
});
