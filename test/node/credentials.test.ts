import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { makeNodeCredentials } from '../../src/node/credentials.ts';
import { run } from '../lab/run.ts';
import { faultOf } from '../support/faults.ts';
import { realRun } from '../support/keepalived-host.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('the credentials of a node', () => {
  const folder = temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const credentials = () => makeNodeCredentials(realRun, { credentials: at('node') });

  beforeEach(async () => {
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const own = ['-subj', '/CN=authority', '-keyout', at('ca.key'), '-out', at('ca.pem')];
    await run(['openssl', 'req', '-x509', ...curve, ...own]);
  });

  /** What the controller makes of a request. */
  async function issue(request: string) {
    await writeFile(at('request'), request);
    const authority = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial'];
    await run(['openssl', 'x509', '-req', '-in', at('request'), ...authority, '-out', at('cert')]);
    const files = [at('cert'), at('ca.pem')].map((file) => readFile(file, 'utf8'));
    const [certificate = '', ca = ''] = await Promise.all(files);
    return { certificate, authority: ca };
  }

  it('are used when the certificate for the last request comes', async () => {
    const issued = await issue(await credentials().request('node-1'));
    const { key } = await credentials().store(issued);
    expect(await credentials().read()).to.deep.equal({
      key,
      cert: issued.certificate,
      ca: issued.authority,
    });
    expect(key).to.match(/PRIVATE KEY/);
  });

  it('stay as they are if a certificate belongs to another request', async () => {
    const first = await issue(await credentials().request('node-1'));
    await credentials().store(first);
    const before = await credentials().read();
    await credentials().request('node-1');
    await faultOf('node_certificate_refused', credentials().store(first));
    const damaged = { ...first, certificate: first.certificate.slice(0, 200) };
    await faultOf('node_certificate_refused', credentials().store(damaged));
    expect(await credentials().read()).to.deep.equal(before);
  });

  it('are found after a kill between the certificate and its key', async () => {
    await credentials().store(await issue(await credentials().request('node-1')));
    const next = await issue(await credentials().request('node-1'));
    await writeFile(at('node/certificate.pem'), next.certificate);
    const { key, cert } = await credentials().read();
    expect(cert).to.equal(next.certificate);
    expect(await readFile(at('node/key.pem'), 'utf8')).to.equal(key);
    expect((await credentials().read()).key).to.equal(key);
  });

  it('are refused in one sentence if a file is missing', async () => {
    await credentials().store(await issue(await credentials().request('node-1')));
    await rename(at('node/key.pem'), at('elsewhere'));
    const { message } = await faultOf('invalid_config', credentials().read());
    expect(message).to.include('hactl node join');
  });
});
