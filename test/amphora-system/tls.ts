import { X509Certificate } from 'node:crypto';

import { expect } from 'chai';

import type { Identity } from '../lab/amphora/certificates.ts';
import type { AmphoraLab } from '../lab/amphora/lab.ts';
import { textOf } from '../lab/amphora/lab.ts';
import { tenant } from '../lab/amphora/networks.ts';
import { makeServer, traffic } from './balancer.ts';
import type { Bench, HttpAnswer } from './bench.ts';
import { ask } from './bench.ts';
import type { Service } from './service.ts';

/** TERMINATED_HTTPS through the VIP. */
export function describeTls(bench: Bench, service: () => Service): void {
  const { https, clients } = traffic.listeners;

  it('serves TERMINATED_HTTPS with the chain that was uploaded', async () => {
    const { root, intermediate, www } = service().certificates;
    const shown = await chainOf(bench(), 'www.example.com');
    expect(shown).to.deep.equal([await printOf(www), await printOf(intermediate)]);
    const answer = await askTls(bench(), https.port, 'www', root);
    expect(answer.status, answer.error).to.equal(200);
  });

  it('chooses one of two certificates by the name that the client asks for', async () => {
    const { www, api, root } = service().certificates;
    expect((await chainOf(bench(), 'api.example.com'))[0]).to.equal(await printOf(api));
    expect((await chainOf(bench(), 'www.example.com'))[0]).to.equal(await printOf(www));
    const answer = await askTls(bench(), https.port, 'api', root);
    expect(answer.status, answer.error).to.equal(200);
  });

  it('asks for certificates of clients, and refuses a revoked, a foreign and a missing one', async () => {
    const { root, client, revoked, foreign } = service().certificates;
    const asks = (identity?: Identity) => {
      const shown = identity === undefined ? [] : ['--cert', identity.pem];
      return askTls(bench(), clients.port, 'www', root, ...shown);
    };
    const answer = await asks(client);
    expect(answer.status, answer.error).to.equal(200);
    for (const each of [revoked, foreign, undefined]) {
      const { status, body } = await asks(each);
      expect([status, body]).to.deep.equal([0, '']);
    }
  });

  it('serves a changed certificate after its reload and not before', async () => {
    const lab = bench();
    const { driver, certificates } = service();
    const former = await printOf(certificates.www);
    const changed = await makeServer(lab, certificates, 'www');
    const sent = [await textOf(changed.pem), await textOf(certificates.intermediate.certificate)];
    const text = await textOf(certificates.www.certificate);
    // The driver names a certificate after its own SHA-1.
    const upload = driver.history
      .flatMap(({ exchanges }) => exchanges)
      .find(({ method, sent: body }) => method === 'PUT' && body?.includes(text.trim()));
    for (const amphora of lab.nodes.keys()) {
      const step = { do: 'request', method: 'PUT', path: upload?.path, body: sent.join('') };
      const { result } = await driver.play({ ...step, amphora });
      expect(result).to.include({ status: 201 });
    }
    expect((await chainOf(lab, 'www.example.com'))[0]).to.equal(former);
    await driver.play({ do: 'reload' });
    expect((await chainOf(lab, 'www.example.com'))[0]).to.equal(await printOf(changed));
    const answer = await askTls(lab, https.port, 'www', certificates.root);
    expect(answer.status, answer.error).to.equal(200);
  });
}

function askTls(
  lab: AmphoraLab,
  port: number,
  name: string,
  root: Identity,
  ...args: string[]
): Promise<HttpAnswer> {
  const host = `${name}.example.com:${port}`;
  const resolve = ['--resolve', `${host}:${tenant.vip.address}`];
  return ask(lab, `https://${host}/`, ...resolve, '--cacert', root.certificate, ...args);
}

const printOf = async ({ certificate }: Identity): Promise<string> =>
  new X509Certificate(await textOf(certificate)).fingerprint256;

/** The fingerprints of the certificates that the VIP shows to a client that asks for a name, in their order. */
async function chainOf(lab: AmphoraLab, name: string): Promise<string[]> {
  const target = `${tenant.vip.address}:${traffic.listeners.https.port}`;
  const { stdout } = await lab.inClient([
    ...(['openssl', 's_client', '-connect', target, '-servername', name, '-showcerts'] as const),
  ]);
  const found = stdout.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return found.map((each) => new X509Certificate(each).fingerprint256);
}
