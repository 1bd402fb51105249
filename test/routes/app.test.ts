import { once } from 'node:events';
import http from 'node:http';
import net, { type ListenOptions } from 'node:net';
import { join } from 'node:path';

import { expect } from 'chai';
import { execa } from 'execa';

import { appBench } from '../support/app-bench.ts';
import { strictRun } from '../support/strict-run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** The parts of an Express handler that its types leave out. */
interface Layer {
  route?: { methods: Readonly<Record<string, boolean>> };
  handle: { stack?: Layer[] };
}

function methodsOf(stack: readonly Layer[]): string[] {
  const found = stack.flatMap(({ route, handle }) =>
    route
      ? Object.keys(route.methods).map((name) => name.toUpperCase())
      : methodsOf(handle.stack ?? []),
  );
  // Express lists `_all` for the handler that ends a route's chain with 405.
  return [...new Set(found)].filter((name) => name !== '_ALL');
}

/** What every route has in common. */
describe('the app', () => {
  const folder = temporaryFolder();
  const bench = () => appBench(folder.path, strictRun().run);
  const problem = 'application/problem+json; charset=utf-8';

  it('asks for a token before it says whether a route exists', async () => {
    const { client } = await bench();
    for (const path of ['/api/v2/system/ha/status', '/api/v2/system/ha/none', '/']) {
      const { status, body, headers } = await client.get(path);
      expect([status, (body as { code: string }).code]).to.deep.equal([401, 'unauthenticated']);
      expect(headers).to.include({
        'content-type': problem,
        'x-powered-by': 'OpenDrives',
        'access-control-allow-origin': '*',
      });
    }
  });

  it('says why it refuses a token', async () => {
    const { client } = await bench();
    for (const [token, detail] of [
      [
        undefined,
        /^The header 'token' is missing\. Make one on this node with 'hactl token create/,
      ],
      ['', /^The header 'token' is missing\./],
      ['ThisIsNotARealToken', /^The header 'token' does not hold a token: 64 hexadecimal digits/],
      [
        '0'.repeat(64),
        /^This node does not know the token\. A token is valid only on the node that issued it: it is another node's, or was revoked here, or has expired\./,
      ],
    ] as const) {
      const asked = client.get('/api/v2/system/ha/status');
      const { status, body } = await (token === undefined ? asked : asked.set('token', token));
      expect(status).to.equal(401);
      expect((body as { detail: string }).detail).to.match(detail);
    }
  });

  it('takes no token from a query or a cookie', async () => {
    const { client, token } = await bench();
    const { status } = await client
      .get(`/api/v2/system/ha/status?token=${token}`)
      .set('Cookie', `token=${token}`);
    expect(status).to.equal(401);
  });

  it('answers 404 on an unknown route', async () => {
    const { status, body } = await (await bench()).get('none');
    expect([status, (body as { code: string }).code]).to.deep.equal([404, 'route_not_found']);
  });

  it('answers 404 on a path that cannot be decoded', async () => {
    const { status, body } = await (await bench()).get('%E0%A4%A');
    expect([status, (body as { code: string }).code]).to.deep.equal([404, 'route_not_found']);
  });

  for (const method of ['post', 'put', 'delete', 'patch'] as const) {
    it(`answers 405 on ${method.toUpperCase()} of a route that reads, and says what is allowed`, async () => {
      const { client, token } = await bench();
      const { status, body, headers } = await client[method]('/api/v2/system/ha/status').set(
        'token',
        token,
      );
      expect([status, (body as { code: string }).code]).to.deep.equal([405, 'method_not_allowed']);
      expect(headers['allow']).to.equal('GET, HEAD');
    });
  }

  it('lets a browser of any origin ask with a token', async () => {
    const { client } = await bench();
    const { status, headers } = await client
      .options('/api/v2/system/ha/status')
      .set('Origin', 'https://ui.example')
      .set('Access-Control-Request-Method', 'GET')
      .set('Access-Control-Request-Headers', 'token');
    expect(status).to.equal(204);
    expect(headers['access-control-allow-headers']).to.equal(
      'Content-Type,token,If-None-Match,If-Match,Idempotency-Key,X-HA-Confirm,X-Request-Id',
    );
    expect(headers['access-control-allow-origin']).to.equal('*');
  });

  it('lets a browser use each method that a route takes', async () => {
    const { apps, client } = await bench();
    const taken = methodsOf(apps.network.router.stack as unknown as Layer[]);
    expect(taken).to.include.members(['GET', 'POST', 'PATCH', 'DELETE']);
    const { headers } = await client
      .options('/api/v2/system/ha/resource/SMB')
      .set('Origin', 'https://ui.example')
      .set('Access-Control-Request-Method', 'PATCH');
    expect(headers['access-control-allow-methods']?.split(',')).to.include.members(taken);
  });

  it('does not bind a browser on a plain HTTP network to HTTPS', async () => {
    const { headers } = await (await bench()).client.get('/healthz');
    expect(headers).not.to.have.property('strict-transport-security');
    expect(headers['content-security-policy']).not.to.include('upgrade-insecure-requests');
    expect(headers).to.include({ 'x-content-type-options': 'nosniff' });
  });

  it('is alive without a token and without a cluster', async () => {
    const { status, body, headers } = await (await bench()).client.get('/healthz');
    expect([status, body]).to.deep.equal([200, { status: 'ok' }]);
    expect(headers['content-type']).to.equal('application/json; charset=utf-8');
  });

  it('delays the answers to repeated wrong tokens, and refuses further attempts', async () => {
    const { client, lines } = await bench();
    // More than the agent delays at once.
    const guesses = Array.from({ length: 60 }, () => client.get('/api/v2/system/ha/status'));
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(new Set(statuses)).to.deep.equal(new Set([401, 429]));
    expect(lines.filter(({ source }) => source === '127.0.0.1')).to.have.length(1);
  });

  it('never writes a token to the log', async () => {
    const { client, token, lines } = await bench();
    await client.get('/api/v2/system/ha/none').set('token', token);
    await client.get('/api/v2/system/ha/none').set('token', 'guessed-token');
    await client.get(`/api/v2/system/ha/none?token=${token}`).set('token', token);
    expect(lines.length).to.be.greaterThan(0);
    expect(JSON.stringify(lines)).not.to.include(token).and.not.to.include('guessed-token');
  });

  describe('on its two listeners', () => {
    async function listen(listener: 'network' | 'socket', where: ListenOptions) {
      const started: string[] = [];
      const { apps } = await appBench(folder.path, ({ argv }) => {
        started.push(argv[0]);
        return Promise.resolve({ exitCode: 0, stdout: '', stderr: '' });
      });
      const server = http.createServer(apps[listener]);
      await new Promise<void>((resolve) => server.listen(where, resolve));
      return { server, started };
    }
    const servicesRequest = 'GET /api/v2/system/ha/services HTTP/1.1\r\nHost: x\r\n\r\n';

    it('treats a caller on the Unix socket as root', async () => {
      const path = join(folder.path, 'api.sock');
      const { server, started } = await listen('socket', { path });
      try {
        const client = net.connect(path).end(servicesRequest);
        const [answer] = (await once(client, 'data')) as [Buffer];
        expect(answer.toString()).to.match(/^HTTP\/1.1 200 /);
        expect(started).to.deep.equal(['systemctl']);
      } finally {
        server.close().closeAllConnections();
      }
    });

    it('gives no role to a caller who resets the connection', async () => {
      const { server, started } = await listen('network', { port: 0, host: '127.0.0.1' });
      try {
        const { port } = server.address() as net.AddressInfo;
        // A process of its own, because the reset has to arrive before the app looks at the request.
        const script = `const c = require('net').connect(${port}, '127.0.0.1', () => { c.write(${JSON.stringify(servicesRequest)}); c.resetAndDestroy(); })`;
        for (let round = 0; round < 10; round += 1) await execa('node', ['--eval', script]);
        await new Promise((resolve) => setTimeout(resolve, 300));
        expect(started).to.deep.equal([]);
      } finally {
        server.close().closeAllConnections();
      }
    });
  });
});
