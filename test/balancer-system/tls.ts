import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';

import { expect } from 'chai';

import { ask } from '../amphora-system/bench.ts';
import { type Identity, makeIdentity } from '../lab/amphora/certificates.ts';
import { textOf } from '../lab/amphora/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import type { Balancing } from './bench.ts';
import { askWhole } from './clients.ts';
import { makeSimple, type Simple } from './making.ts';

const secrets = {
  www: '0b0b0b0b-0000-4000-8000-000000000001',
  api: '0b0b0b0b-0000-4000-8000-000000000002',
} as const;
type Name = keyof typeof secrets;

/** TERMINATED_HTTPS with secrets of the controller. The issuer is an intermediate authority, so that the chain matters. */
export function testTls(at: () => Balancing): void {
  describe('a TERMINATED_HTTPS listener', () => {
    const lab = () => at().lab;
    const folder = () => join(lab().folder, 'tls');
    let root: Identity;
    let intermediate: Identity;
    let made: Simple;

    async function makeServer(name: Name, version: number): Promise<Identity> {
      const wish = {
        name: `${name}-${version}`,
        commonName: `${name}.example.com`,
        alternativeNames: [`DNS:${name}.example.com`],
        use: 'serverAuth' as const,
      };
      return makeIdentity(folder(), wish, intermediate);
    }

    /** Stores it as the secret of that name, with its chain. @returns its fingerprint */
    async function store(name: Name, identity: Identity): Promise<string> {
      const answer = await at().call('PUT', `/secrets/${secrets[name]}`, {
        certificate: await textOf(identity.certificate),
        private_key: await textOf(identity.key),
        intermediate_certificate: await textOf(intermediate.certificate),
      });
      expect(answer.status, JSON.stringify(answer.body)).to.be.oneOf([200, 201, 202]);
      return new X509Certificate(await textOf(identity.certificate)).fingerprint256;
    }

    const prints = new Map<Name, string>();

    /** The fingerprints of the certificates that the VIP shows to a client that asks for a name, in their order. */
    async function chainOf(server: string): Promise<string[]> {
      const target = ['-connect', `${made.address}:443`, '-servername', server, '-showcerts'];
      const { stdout } = await lab().inClient(['openssl', 's_client', ...target]);
      const found = stdout.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
      return (found ?? []).map((each) => new X509Certificate(each).fingerprint256);
    }

    const withRoot = (name: string) => [
      ...['--resolve', `${name}.example.com:443:${made.address}`],
      ...['--cacert', root.certificate],
    ];

    before(async () => {
      const authority = (name: string) => ({ name, commonName: name, isAuthority: true });
      root = await makeIdentity(folder(), authority('root'));
      intermediate = await makeIdentity(folder(), authority('intermediate'), root);
      for (const name of ['www', 'api'] as const) {
        prints.set(name, await store(name, await makeServer(name, 1)));
      }
      made = await makeSimple(at(), {
        listener: {
          ...{ protocol: 'TERMINATED_HTTPS', protocol_port: 443 },
          ...{ default_tls_container_id: secrets.www, sni_containers: [secrets.api] },
          insert_headers: { 'X-Forwarded-Proto': 'true' },
        },
      });
    });

    after(() => made.remove());

    it('shows its certificate with the chain, and its members are asked in plain', async () => {
      const intermediatePrint = new X509Certificate(await textOf(intermediate.certificate));
      const chain = await chainOf('www.example.com');
      expect(chain).to.deep.equal([prints.get('www'), intermediatePrint.fingerprint256]);
      const seen = await askWhole(lab(), 'https://www.example.com/', ...withRoot('www'));
      expect(seen.isEncrypted).to.equal(false);
      expect(seen.headers['x-forwarded-proto']).to.equal('https');
    });

    it('chooses a certificate by the name that the client asks for, and else the default', async () => {
      expect((await chainOf('api.example.com'))[0]).to.equal(prints.get('api'));
      expect((await chainOf('other.example.com'))[0]).to.equal(prints.get('www'));
      const { status, error } = await ask(lab(), 'https://api.example.com/', ...withRoot('api'));
      expect(status, error).to.equal(200);
    });

    it('shows a certificate that was rotated under its id, and the other one as before', async () => {
      const rotated = await store('www', await makeServer('www', 2));
      expect(rotated).to.not.equal(prints.get('www'));
      await waitUntil('the new certificate', async () => {
        return (await chainOf('www.example.com'))[0] === rotated;
      });
      expect((await chainOf('api.example.com'))[0]).to.equal(prints.get('api'));
      const { status, error } = await ask(lab(), 'https://www.example.com/', ...withRoot('www'));
      expect(status, error).to.equal(200);
    });

    it('never shows a key by the API', async () => {
      const { body } = await at().call('GET', '/secrets');
      expect(JSON.stringify(body)).to.include(secrets.www).and.not.include('PRIVATE KEY');
    });

    it('is refused with a reference to a secret that is not there', async () => {
      const answer = await at().call('POST', `${made.path}/listeners`, {
        ...{ protocol: 'TERMINATED_HTTPS', protocol_port: 8443 },
        default_tls_container_id: '0b0b0b0b-0000-4000-8000-00000000dead',
      });
      expect(answer.status).to.equal(400);
      expect(JSON.stringify(answer.body)).to.include('Could not retrieve certificate');
    });
  });
}
