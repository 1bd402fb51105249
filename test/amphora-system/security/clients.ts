import net from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';

import { expect } from 'chai';

import { amphoraFamily } from '../../../src/routes/amphora/index.ts';
import { type Identity, makeIdentity, serverOf } from '../../lab/amphora/certificates.ts';
import type { AmphoraLab, AmphoraNode } from '../../lab/amphora/lab.ts';
import { ask } from '../../support/amphora/asking.ts';
import { standInDomain, unrecordedChanges } from '../../support/amphora/stand-in.ts';
import { keepingLog } from '../../support/keeping-log.ts';
import type { Bench } from '../bench.ts';
import { firstOf, targetOf } from './target.ts';

/** What a client connects with; undefined means without TLS. */
type Connection = tls.ConnectionOptions | undefined;

/** Who may not ask (CVE-2019-17134): on each route, none of them reads a byte. */
export function describeClients(bench: Bench): void {
  describe('a client without a certificate that the agent accepts', () => {
    let clients: Record<string, Connection> = {};
    before(async () => {
      clients = await refusedClients(bench(), firstOf(bench));
    });

    it('is answered if its certificate is that of the controller, by TLS 1.2 and 1.3', async () => {
      const node = firstOf(bench);
      const { credentials, ...target } = await targetOf(bench(), node);
      expect((await ask({ ...target, credentials }, 'GET', '/1.0/info')).status).to.equal(200);
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const options = { ...credentials, minVersion: version, maxVersion: version };
        const text = await bytesOf(node, options, 'GET', '/1.0/info');
        expect(text, version).to.match(/^HTTP\/1\.1 200 /);
      }
    });

    it('gets no byte of an answer, on each route of each version', async function () {
      this.timeout(600_000);
      const node = firstOf(bench);
      const asked = routes().flatMap((route) =>
        Object.entries(clients).map(([client, connection]) => ({ ...route, client, connection })),
      );
      expect(asked).to.have.length.above(500);
      const flaws: string[] = [];
      const askAll = async () => {
        for (let each = asked.pop(); each; each = asked.pop()) {
          const { method, path, client, connection } = each;
          const text = await bytesOf(node, connection, method, path);
          if (text !== '') flaws.push(`${client}: ${method} ${path}: ${text.slice(0, 100)}`);
        }
      };
      // Fewer than one address may have at a time
      await Promise.all(Array.from({ length: 8 }, askAll));
      expect(flaws).to.deep.equal([]);
    });
  });
}

/** The routes of the agent, with an id for each parameter. */
function routes(): { method: string; path: string }[] {
  const { domain } = standInDomain();
  const changes = unrecordedChanges;
  const { rows } = amphoraFamily({ domain, changes, log: keepingLog().log });
  return rows.flatMap(({ methods, path }) =>
    methods.map((method) => ({ method, path: path.replaceAll(/:\w+/g, 'a') })),
  );
}

async function refusedClients(
  lab: AmphoraLab,
  node: AmphoraNode,
): Promise<Record<string, Connection>> {
  const folder = join(lab.folder, 'refused-clients');
  const { authority } = lab.trust;
  const wish = { commonName: 'octavia-controller', use: 'clientAuth' } as const;
  const otherAuthority = await makeIdentity(folder, {
    name: 'other-authority',
    commonName: 'Lab authority',
    isAuthority: true,
  });
  const by = async (identity: Identity) => (await targetOf(lab, node, identity)).credentials;
  const made = (name: string, issuer?: Identity, days = 30) =>
    makeIdentity(folder, { name, ...wish, days }, issuer);
  const { credentials } = await targetOf(lab, node);
  const { ca } = credentials;
  const ofServer = await makeIdentity(folder, serverOf(node.id, 'of-server'), authority);
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' } as const;
  return {
    'without a certificate': { ca },
    'without a certificate, by TLS 1.2': { ca, maxVersion: 'TLSv1.2' },
    'of another authority with the same name': await by(await made('of-other', otherAuthority)),
    'that signed its own certificate': await by(await made('self')),
    'whose certificate has expired': await by(await made('expired', authority, -1)),
    "with an amphora's own certificate": await by(ofServer),
    'by TLS 1.1': { ...credentials, ...old },
    'by plain HTTP': undefined,
  };
}

/** What a connection reads after it has sent a request. */
function bytesOf(
  { id, address }: AmphoraNode,
  connection: Connection,
  method: string,
  path: string,
): Promise<string> {
  return new Promise((resolve) => {
    const place = { host: address, port: 9443 };
    const socket = connection
      ? tls.connect({ ...place, servername: id, ...connection })
      : net.connect(place);
    const timer = setTimeout(() => socket.destroy(), 20_000);
    let text = '';
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString();
      socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
    socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${id}\r\nContent-Length: 0\r\n\r\n`);
  });
}
