import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'chai';

import type { TlsTermination } from '../../src/balancer/domain.ts';
import { makeLocalSecrets, openSecretsKey } from '../../src/balancer/secrets/local.ts';
import { makeTestBalancer, type TestBalancer } from '../support/balancer/domain.ts';
import { aBalancer, aListener, anyone } from '../support/balancer/wishes.ts';
import { selfSigned } from '../support/controller/self-signed.ts';
import { faultOf } from '../support/faults.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const id = '5ec4e700-0000-4000-8000-000000000001';

describe('certificates of load balancers', () => {
  const folder = temporaryFolder();
  let bench: TestBalancer;
  let given: TlsTermination;

  beforeEach(async () => {
    const key = await openSecretsKey(join(folder.path, 'controller.key'));
    bench = await makeTestBalancer(folder.path, { secrets: makeLocalSecrets(key) });
    given = terminationOf(selfSigned(folder.path));
  });
  afterEach(() => bench.stop());

  function terminationOf({ certificate, key }: { certificate: string; key: string }) {
    return { certificate, privateKey: key, intermediate: null, passphrase: null };
  }
  const refusal = async (pem: TlsTermination | { pem: string }) =>
    (await faultOf('balancer_invalid', bench.domain.secrets.put(id, pem))).message;

  it('are in the store without a readable key, and are shown without it', async () => {
    const secret = await bench.domain.secrets.put(id, given);
    expect(secret).to.include({ id, subject: 'CN=self' });
    expect(secret.fingerprint).to.match(/^[0-9a-f]{64}$/);
    expect(await bench.domain.secrets.list()).to.deep.equal([secret]);
    const [row] = await bench.store.all('SELECT * FROM balancer_secrets');
    const plain = Buffer.from(String(row?.['sealed']), 'base64').toString('latin1');
    expect(JSON.stringify(row) + plain).to.not.contain('PRIVATE KEY');
    expect(statSync(join(folder.path, 'controller.key')).mode & 0o777).to.equal(0o600);
  });

  it('cannot be read with another key, nor under another id', async () => {
    await bench.domain.secrets.put(id, given);
    const other = makeLocalSecrets(Buffer.alloc(32, 7));
    expect(await other.has(bench.store, id)).to.equal(false);
    const copy = '5ec4e700-0000-4000-8000-000000000002';
    await bench.store.write((transaction) =>
      transaction.run(
        'INSERT INTO balancer_secrets SELECT $1, described, sealed, updated_ms FROM balancer_secrets',
        [copy],
      ),
    );
    const own = makeLocalSecrets(await openSecretsKey(join(folder.path, 'controller.key')));
    expect(await own.has(bench.store, `https://barbican.example/v1/secrets/${id}`)).to.equal(true);
    expect(await own.has(bench.store, copy)).to.equal(false);
  });

  it('are refused with the key of another certificate, or without one', async () => {
    const { key } = selfSigned(folder.path);
    expect(await refusal({ ...given, privateKey: key })).to.equal(
      'Validation failure: The certificate cannot be used: the private key is not that of the certificate.',
    );
    expect(await refusal({ pem: given.certificate })).to.contain('exactly one private key');
    expect(await refusal({ ...given, certificate: 'blah' })).to.contain('it has no certificate');
  });

  it('are refused after they have expired', async () => {
    const [key, certificate] = ['old.key', 'old.pem'].map((name) => join(folder.path, name));
    const dates = ['-not_before', '20200101000000Z', '-not_after', '20210101000000Z'];
    signed({ key: key ?? '', certificate: certificate ?? '', subject: '/CN=old', dates });
    const text = (path: string | undefined) => readFileSync(path ?? '', 'utf8');
    expect(
      await refusal(terminationOf({ certificate: text(certificate), key: text(key) })),
    ).to.contain('the certificate of CN=old has expired');
  });

  /** A certificate with dates of its own, by an authority for this purpose. */
  function signed({
    key,
    certificate,
    subject,
    dates,
  }: {
    key: string;
    certificate: string;
    subject: string;
    dates: readonly string[];
  }): void {
    const at = (name: string) => join(folder.path, name);
    writeFileSync(at('index.txt'), '');
    writeFileSync(at('serial'), '01\n');
    writeFileSync(
      at('ca.cnf'),
      `[ca]\ndefault_ca=d\n[d]\ndir=${folder.path}\ndatabase=$dir/index.txt\nserial=$dir/serial\nnew_certs_dir=$dir\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n[req]\ndistinguished_name=n\n[n]\n`,
    );
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const quiet = { stdio: 'ignore' } as const;
    execFileSync(
      'openssl',
      ['req', ...curve, '-keyout', key, '-out', at('csr'), '-subj', subject],
      quiet,
    );
    execFileSync(
      'openssl',
      [
        ...['ca', '-batch', '-config', at('ca.cnf'), '-selfsign', '-keyfile', key],
        ...['-startdate', dates[1] ?? '', '-enddate', dates[3] ?? ''],
        ...['-in', at('csr'), '-out', certificate, '-notext'],
      ],
      quiet,
    );
  }

  it('lose their passphrase, and are refused with a wrong one', async () => {
    const [plain, sealed] = ['plain.key', 'sealed.key'].map((name) => join(folder.path, name));
    writeFileSync(plain ?? '', given.privateKey);
    execFileSync('openssl', [
      ...['pkcs8', '-topk8', '-in', plain ?? '', '-out', sealed ?? ''],
      ...['-passout', 'pass:sesame'],
    ]);
    const privateKey = readFileSync(sealed ?? '', 'utf8');
    expect(await refusal({ ...given, privateKey })).to.contain(
      'has a passphrase that was not sent',
    );
    expect(await refusal({ ...given, privateKey, passphrase: 'open' })).to.contain(
      'cannot be read with that passphrase',
    );
    await bench.domain.secrets.put(id, { ...given, privateKey, passphrase: 'sesame' });
  });

  it('are refused with a certificate in the chain that has issued nothing of it', async () => {
    const { certificate } = selfSigned(folder.path);
    expect(await refusal({ ...given, intermediate: certificate })).to.contain(
      'the chain is not in order',
    );
  });

  it('go to the nodes of the listeners that use them, and again when they are replaced', async () => {
    await bench.domain.secrets.put(id, given);
    const { loadBalancer } = await bench.domain.loadBalancers.create(
      anyone,
      aBalancer({
        listeners: [aListener(443, { protocol: 'TERMINATED_HTTPS', tlsRef: id })],
      }),
    );
    await bench.domain.loadBalancers.settled(loadBalancer.id, 200_000);
    const pemOf = () => bench.deployer.calls.at(-1)?.wanted?.listeners[0]?.certificates[0]?.pem;
    const first = pemOf();
    expect(first).to.match(/^-----BEGIN CERTIFICATE-----[^]+-----BEGIN PRIVATE KEY-----/);
    await bench.domain.secrets.put(id, terminationOf(selfSigned(folder.path)));
    await bench.domain.loadBalancers.settled(loadBalancer.id, 200_000);
    expect(pemOf()).to.match(/^-----BEGIN CERTIFICATE-----/);
    expect(pemOf()).to.not.equal(first);
    await faultOf('balancer_conflict', bench.domain.secrets.remove(id));
  });

  it('go to the nodes although they are replaced during a change that has read the former ones', async () => {
    await bench.domain.secrets.put(id, given);
    const { loadBalancer } = await bench.domain.loadBalancers.create(
      anyone,
      aBalancer({
        listeners: [aListener(443, { protocol: 'TERMINATED_HTTPS', tlsRef: id })],
      }),
    );
    const balancer = loadBalancer.id;
    await bench.domain.loadBalancers.settled(balancer, 200_000);
    bench.deployer.hold();
    await bench.domain.loadBalancers.change(anyone, balancer, { name: 'x' });
    await bench.deployer.untilWaiting(balancer);
    const pemOf = () => bench.deployer.calls.at(-1)?.wanted?.listeners[0]?.certificates[0]?.pem;
    const former = pemOf();
    await bench.domain.secrets.put(id, terminationOf(selfSigned(folder.path)));
    const before = bench.deployer.calls.length;
    bench.deployer.release();
    await bench.deployer.untilCalls(before + 1);
    expect(pemOf()).to.not.equal(former);
    const open = () => bench.store.all('SELECT load_balancer FROM balancer_jobs');
    while ((await open()).length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const { troubles } = await bench.domain.loadBalancers.status(anyone, balancer);
    expect(troubles.join()).to.not.contain('certificate');
  });

  it('that nobody has make a listener refused', async () => {
    const { loadBalancer } = await bench.domain.loadBalancers.create(anyone, aBalancer());
    await bench.domain.loadBalancers.settled(loadBalancer.id, 200_000);
    const refused = await faultOf(
      'balancer_invalid',
      bench.domain.listeners.create(
        anyone,
        { loadBalancer: loadBalancer.id },
        aListener(443, { protocol: 'TERMINATED_HTTPS', tlsRef: `https://b.example/${id}` }),
      ),
    );
    expect(refused.message).to.equal(`Could not retrieve certificate: https://b.example/${id}`);
  });

  it('that come with a listener become secrets', async () => {
    const { listeners } = await bench.domain.loadBalancers.create(
      anyone,
      aBalancer({
        listeners: [aListener(443, { protocol: 'TERMINATED_HTTPS', termination: given })],
      }),
    );
    const [secret] = await bench.domain.secrets.list();
    expect(listeners[0]?.listener.tlsRef).to.equal(secret?.id);
  });
});
