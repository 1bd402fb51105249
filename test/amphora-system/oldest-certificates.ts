import { createHash } from 'node:crypto';

import { expect } from 'chai';

import { makeIdentity } from '../lab/amphora/certificates.ts';
import type { Driver } from '../lab/amphora/driver.ts';
import { type AmphoraLab, textOf } from '../lab/amphora/lab.ts';
import { ids } from '../lab/amphora/life-cycle.ts';
import { tenant } from '../lab/amphora/networks.ts';
import { ask as askAgent } from '../support/amphora/asking.ts';
import { ask } from './bench.ts';
import { targetOf } from './security/target.ts';

const file = 'www.example.com.pem';
const port = 8443;

/**
 * Gives a listener of v0.1 a certificate by plain requests in the order of the document: the configuration comes first,
 * since the listener has to exist, then the certificate, then the configuration that uses it, and a reload.
 */
export async function useOldestCertificates(lab: AmphoraLab, driver: Driver): Promise<void> {
  const identity = await makeIdentity(
    `${lab.folder}/oldest`,
    {
      name: 'www',
      commonName: 'www.example.com',
      alternativeNames: ['DNS:www.example.com'],
      use: 'serverAuth',
    },
    lab.trust.authority,
  );
  const pem = (await textOf(identity.key)) + (await textOf(identity.certificate));
  const path = `/v0.1/listeners/${ids.http}/certificates/${file}`;
  for (const node of lab.nodes) {
    const target = await targetOf(lab, node);
    const request = async (method: string, path: string, body = '') => {
      const { status, text } = await askAgent(target, method, path, body);
      expect(text, `${method} ${path}: ${status}`).to.not.match(/PRIVATE/);
      return { status, ...(JSON.parse(text) as { message?: string; md5sum?: string }) };
    };
    const unknown = `/v0.1/listeners/4f000000-aaaa-4000-8000-000000000009/certificates/${file}`;
    expect(await request('PUT', unknown, pem)).to.include({
      status: 404,
      message: 'Listener Not Found',
    });
    expect(await request('GET', path)).to.include({
      status: 404,
      message: 'Certificate Not Found',
    });
    expect(await request('PUT', path, pem)).to.deep.equal({ status: 201, message: 'OK' });
    const md5sum = createHash('md5').update(pem).digest('hex');
    expect(await request('GET', path)).to.deep.equal({ status: 200, md5sum });

    const exchanges = driver.history.flatMap((each) => each.exchanges);
    const upload = exchanges.find((each) => each.path.endsWith(`${node.id}/${ids.http}/haproxy`));
    const bind = `    bind ${tenant.vip.address}:${port} ssl crt /var/lib/octavia/certs/${ids.http}/${file}\n`;
    const config = (upload?.sent ?? '').replace(/^ *bind .*\n/m, `$&${bind}`);
    expect(config).to.include(bind);
    expect((await request('PUT', upload?.path ?? '', config)).status).to.equal(201);
    expect((await request('PUT', `/v0.1/listeners/${ids.http}/reload`)).status).to.equal(202);
  }
  const answer = await ask(
    lab,
    `https://www.example.com:${port}/`,
    ...['--resolve', `www.example.com:${port}:${tenant.vip.address}`],
    ...['--cacert', lab.trust.authority.certificate],
  );
  expect(answer.status, answer.error).to.equal(200);
}
