import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { makeLocalSecrets } from '../../../src/balancer/secrets/local.ts';
import { type OperatorHost, operatorHost } from '../../support/balancer/operator-host.ts';
import { selfSigned } from '../../support/controller/self-signed.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const id = '6c1d9f52-0b8e-4f6d-8a35-9e2f7b1c4d07';
const vip = { network_id: '6e000000-0000-4000-8000-000000000001' };
const passphrase = 'correct-horse-battery-staple';

describe('a key that a client sends', () => {
  const folder = temporaryFolder();
  let bench: OperatorHost;
  let lb: string;
  let listener: string;
  let key: string;
  let certificate: string;
  /** A line of the key. */
  let part: string;

  beforeEach(async () => {
    bench = await operatorHost(folder.path, { secrets: makeLocalSecrets(Buffer.alloc(32, 1)) });
    ({ key, certificate } = selfSigned(folder.path));
    part = key.split('\n')[1] ?? '';
    lb = await bench.balancer();
    const plain = { protocol: 'HTTP', protocol_port: 80 };
    listener = (await bench.change('post', `${lb}/listeners?wait=30s`, plain)).body.id;
  });
  afterEach(() => bench.stop());

  /** All files of the store, as bytes that are read as text. */
  async function stored(): Promise<string> {
    const state = join(folder.path, 'state');
    const names = await readdir(state, { recursive: true, withFileTypes: true });
    const files = names.filter((each) => each.isFile());
    const texts = files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'latin1'));
    return (await Promise.all(texts)).join('\n');
  }

  it('shows up in no answer, no line of the journal or audit log, and nowhere in the store', async () => {
    expect(part).to.match(/^[\w+/=]{64}$/);
    const termination = (more: object = {}) => ({
      tls_termination: { certificate, private_key: key, passphrase, ...more },
    });
    const secure = { protocol: 'TERMINATED_HTTPS', protocol_port: 443 };
    const tree = { vip, tenant_id: 'blue', listeners: [{ ...secure, ...termination() }] };
    const one = `${lb}/listeners/${listener}`;
    const good = { tls_termination: { certificate, private_key: key } };
    const requests = [
      ['post', '/loadbalancers', tree],
      ['post', '/loadbalancers', { ...tree, odd: key, passphrase }],
      ['post', '/loadbalancers', { ...tree, vip: {} }],
      ['post', '/loadbalancers', { ...tree, tenant_id: undefined }],
      ['post', `${lb}/listeners`, { ...secure, ...good }],
      ['post', `${lb}/listeners`, { ...secure, protocol_port: 80, ...termination() }],
      ['post', `${lb}/listeners`, { ...secure, ...termination({ private_key: 7, odd: key }) }],
      ['post', `${lb}/listeners`, { ...secure, tls_termination: key }],
      ['post', `${lb}/listeners`, { ...secure, tls_termination: passphrase }],
      ['post', `${lb}/listeners`, { ...secure, protocol: key }],
      ['post', `${lb}/listeners`, { ...secure, name: [key] }],
      ['post', `${lb}/listeners`, { ...secure, [key]: 1 }],
      ['post', `${lb}/listeners`, { ...secure, ...termination({ certificate: [key] }) }],
      ['put', one, { protocol: 'TERMINATED_HTTPS', ...good }],
      ['put', one, termination()],
      ['put', one, { ...termination(), protocol_port: 'x' }],
      ['put', `/secrets/${id}`, { pem: certificate + key }],
      ['put', `/secrets/${id}`, { pem: key }],
      ['put', `/secrets/${id}`, { certificate, private_key: key, passphrase }],
      ['put', `/secrets/${id}`, { certificate: key, private_key: certificate, passphrase }],
      ['put', `/secrets/${id}`, { pem: [key], passphrase }],
      ['put', '/secrets/x', { pem: certificate + key }],
    ] as const;
    const statuses: number[] = [];
    for (const [method, path, body] of requests) {
      const { status, text } = await bench.ask(method, path, body);
      statuses.push(status);
      expect(text, `${method} ${path}`).not.to.include(part);
      expect(text, `${method} ${path}`).not.to.include(passphrase);
      await bench.host.finish(lb.split('/').at(-1) ?? '');
    }
    expect(statuses.filter((status) => status < 300).length).to.be.greaterThan(3);
    expect(statuses.filter((status) => status >= 400).length).to.be.greaterThan(8);
    expect(statuses.filter((status) => status >= 500)).to.deep.equal([]);
    const texts = {
      journal: JSON.stringify([bench.lines, bench.host.lines]),
      audit: JSON.stringify(await bench.audit.list(1000)),
      store: await stored(),
    };
    for (const [where, text] of Object.entries(texts)) {
      expect(text.length, where).to.be.greaterThan(100);
      expect(text.includes(part), `the ${where} has the key`).to.equal(false);
      expect(text.includes(passphrase), `the ${where} has the passphrase`).to.equal(false);
    }
  });

  it('gets to the nodes all the same, as the certificate of a changed listener', async () => {
    const sent = {
      protocol: 'TERMINATED_HTTPS',
      tls_termination: { certificate, private_key: key },
    };
    const { body } = await bench.change('put', `${lb}/listeners/${listener}?wait=30s`, sent);
    expect(body).to.include({ protocol: 'TERMINATED_HTTPS', provisioning_status: 'ACTIVE' });
    expect(body['default_tls_container_id']).to.match(/^[0-9a-f-]{36}$/);
    const { wanted } = bench.host.deployer.calls.at(-1) ?? {};
    expect(JSON.stringify(wanted)).to.include(part);
  });
});
