import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'chai';

import { fingerprintOf, renewalOf } from '../../../src/controller/certificates/life.ts';
import {
  controllerName,
  makeOwnAuthority,
  openOwnCertificates,
} from '../../../src/controller/certificates/own.ts';
import {
  type KeyPair,
  makeSigner,
  type Subject,
} from '../../../src/controller/certificates/signer.ts';
import { controllerMigrations } from '../../../src/controller/migrations.ts';
import type { LocalStore } from '../../../src/controller/store/open.ts';
import { makeRun } from '../../../src/kit/exec.ts';
import { makeLog } from '../../../src/kit/log.ts';
import { makeNodeRequest } from '../../support/controller/node-request.ts';
import { freshStore } from '../../support/controller/store.ts';
import { faultOf } from '../../support/faults.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const dayMs = 24 * 3600 * 1000;
const run = makeRun(makeLog('silent'));
const subject: Subject = {
  common: 'node-7',
  names: ['n7.example'],
  addresses: ['192.0.2.7', '2001:db8::7'],
  usage: 'serverAuth',
};

describe('the signer of the controller', () => {
  const folder = temporaryFolder();
  const signer = () => makeSigner(run, join(folder.path, 'signing'));

  /** Whether openssl takes the certificate for a purpose. */
  function isFor(purpose: string, authority: KeyPair, certificate: string): boolean {
    const [ca, leaf] = [join(folder.path, 'ca.pem'), join(folder.path, 'leaf.pem')];
    writeFileSync(ca, authority.certificate);
    writeFileSync(leaf, certificate);
    try {
      execFileSync('openssl', ['verify', '-purpose', purpose, '-CAfile', ca, leaf], {
        stdio: 'ignore',
      });
      return true;
    } catch {
      return false;
    }
  }

  it('makes an authority that signs certificates for one purpose only', async () => {
    const authority = await signer().makeAuthority();
    expect(new X509Certificate(authority.certificate).ca).to.equal(true);
    const server = await signer().make(authority, subject);
    const client = await signer().make(authority, { ...subject, usage: 'clientAuth' });
    expect(isFor('sslserver', authority, server.certificate)).to.equal(true);
    expect(isFor('sslclient', authority, server.certificate)).to.equal(false);
    expect(isFor('sslclient', authority, client.certificate)).to.equal(true);
    expect(isFor('sslserver', authority, client.certificate)).to.equal(false);
    const other = await signer().makeAuthority();
    expect(isFor('sslserver', other, server.certificate)).to.equal(false);
  });

  it('signs the key of a request with our names, and ignores those of the request', async () => {
    const authority = await signer().makeAuthority();
    const { request, publicKey } = makeNodeRequest(folder.path, {
      common: 'evil',
      extensions: ['subjectAltName = DNS:evil.example', 'basicConstraints = critical, CA:TRUE'],
    });
    const certificate = new X509Certificate(await signer().sign(authority, request, subject));
    expect(certificate.subject).to.equal('CN=node-7');
    expect(certificate.subjectAltName).to.equal(
      'DNS:n7.example, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7',
    );
    expect(certificate.ca).to.equal(false);
    expect(certificate.publicKey.export({ type: 'spki', format: 'pem' })).to.equal(publicKey);
    expect(Date.parse(certificate.validFrom)).to.be.lessThan(Date.now() - dayMs / 2);
  });

  it('refuses a request that is none, is not signed by its own key, or has a weak key', async () => {
    const authority = await signer().makeAuthority();
    const { request } = makeNodeRequest(folder.path);
    const weak = makeNodeRequest(folder.path, { newKey: ['rsa:1024'] });
    const lines = request.split('\n');
    const [last = ''] = lines.slice(-4, -3);
    const forged = request.replace(
      last,
      last.replace(/^..../, (start) => (start === 'AAAA' ? 'BBBB' : 'AAAA')),
    );
    for (const wrong of ['', 'x', authority.certificate, request.repeat(2), forged, weak.request]) {
      await faultOf('join_invalid', signer().sign(authority, wrong, subject));
    }
  });

  it('leaves no key behind', async () => {
    const authority = await signer().makeAuthority();
    await signer().make(authority, subject);
    await signer()
      .sign(authority, 'x', subject)
      .catch(() => undefined);
    expect(readdirSync(join(folder.path, 'signing'))).to.deep.equal([]);
  });
});

describe("the controller's own certificates", () => {
  const folder = temporaryFolder();
  let store: LocalStore;
  beforeEach(async () => {
    store = await freshStore(join(folder.path, 'state'), controllerMigrations);
    await makeOwnAuthority(store, signer());
  });
  afterEach(() => store.close());

  const signer = () => makeSigner(run, join(folder.path, 'signing'));
  const open = (names = ['c1.example']) =>
    openOwnCertificates(store, signer(), () =>
      Promise.resolve({ names, addresses: ['127.0.0.1', 'fd00::1'] }),
    );

  it('are made once and read again', async () => {
    const first = await open();
    const second = await open();
    expect(second.server()).to.deep.equal(first.server());
    expect(second.client()).to.deep.equal(first.client());
    expect(second.fingerprint).to.equal(fingerprintOf(first.authority.certificate));
  });

  it('show the authority with the certificate of the port', async () => {
    const certificates = await open();
    const [leaf = '', shown = ''] = certificates
      .server()
      .certificate.split(/(?<=-----END CERTIFICATE-----\n)/);
    expect(new X509Certificate(leaf).checkHost(controllerName)).to.equal(controllerName);
    expect(shown).to.equal(certificates.authority.certificate);
  });

  it('are made again after two thirds of their life, and not before', async () => {
    const certificates = await open();
    const due = renewalOf(certificates.client().certificate);
    const before = certificates.client();
    expect((due - Date.now()) / dayMs).to.be.within(262, 265);
    expect(await certificates.renew(due - 5 * dayMs)).to.deep.equal([]);
    expect(certificates.client()).to.equal(before);
    expect(await certificates.renew(due + dayMs)).to.deep.equal(['client', 'server']);
    expect(certificates.client().certificate).to.not.equal(before.certificate);
    expect((await open()).client()).to.deep.equal(certificates.client());
  });

  it('get the names of a host to which the controller moved, and the names of before stay', async () => {
    const before = (await open()).server();
    const after = (await open(['c2.example'])).server();
    expect(after.certificate).to.not.equal(before.certificate);
    const found = new X509Certificate(after.certificate);
    for (const name of ['c1.example', 'c2.example', controllerName]) {
      expect(found.checkHost(name), name).to.equal(name);
    }
    expect((await open()).server()).to.deep.equal(after);
    // A certificate has the same IPv6 address in another form.
    expect(found.subjectAltName?.match(/IP Address/g)).to.have.length(2);
  });

  it('are not made for a store without an authority', async () => {
    await store.write((transaction) => transaction.run('DELETE FROM authority'));
    await faultOf('store_damaged', open());
  });
});
