import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import type { AddressInfo } from 'node:net';
import os, { hostname } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';
import { execa } from 'execa';
import sinon from 'sinon';

import { makeRun, type Run } from '../../../src/kit/exec.ts';
import { replaceFile } from '../../../src/kit/files/files.ts';
import { apiTls, followTlsIdentity, loadTlsIdentity } from '../../../src/server/tls/identity.ts';
import { waitUntil } from '../../lab/wait.ts';
import { faultOf } from '../../support/faults.ts';
import { keepingLog } from '../../support/keeping-log.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { type Config, loadConfig } from '../../../src/bin/wiring/config.ts';
import type { TlsIdentity } from '../../../src/server/tls/source.ts';

const dayMs = 24 * 3600 * 1000;

describe('the certificate', () => {
  const { log, lines } = keepingLog();
  const run = makeRun(keepingLog().log);
  const stops: (() => Promise<void>)[] = [];
  // Runs before the folder is removed, because a check that is under way writes into it.
  afterEach(() => Promise.all(stops.splice(0).map((stop) => stop())));
  const folder = temporaryFolder();
  beforeEach(() => {
    lines.length = 0;
    // The real addresses of this machine may change during the test.
    const interfaces = [
      '198.51.100.4',
      '2001:db8::4',
      'fe80::4',
      'febf::4',
      '169.254.4.4',
      '127.0.0.1',
    ];
    sinon
      .stub(os, 'networkInterfaces')
      .returns({ eth0: interfaces.map((address) => ({ address }) as os.NetworkInterfaceInfo) });
    syncBuiltinESMExports();
  });
  afterEach(() => {
    sinon.restore();
    syncBuiltinESMExports();
  });

  const own = () => join(folder.path, 'tls.pem');
  const configOf = (more: NodeJS.ProcessEnv = {}): Promise<Config> =>
    loadConfig({
      HA_AGENT_CONFIG: join(folder.path, 'none.json'),
      HA_AGENT_STATE_DIRECTORY: folder.path,
      ...more,
    });
  const load = async (by: Run = run) => loadTlsIdentity(await configOf(), by);
  const parse = ({ cert }: TlsIdentity) => new X509Certificate(cert);
  const textOf = async ({ cert }: TlsIdentity) =>
    (await execa('openssl', ['x509', '-noout', '-text'], { input: cert })).stdout;

  /** A certificate of the requested kind, made by openssl alone. */
  async function selfSigned(...args: string[]): Promise<TlsIdentity> {
    const at = (name: string) => join(folder.path, name);
    const files = ['-keyout', at('other.key'), '-out', at('other.cert')];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    await execa('openssl', ['req', '-x509', ...key, '-subj', '/CN=other', ...files, ...args]);
    return {
      key: await readFile(at('other.key'), 'utf8'),
      cert: await readFile(at('other.cert'), 'utf8'),
    };
  }
  const addresses = ['127.0.0.1', '::1', '198.51.100.4', '2001:db8::4'];
  /** All names and addresses of the host. A test may leave some out. */
  const subject = ['DNS:localhost', `DNS:${hostname()}`, ...addresses.map((each) => `IP:${each}`)];
  const similar = (isAuthority: boolean, days: number, names = subject) =>
    selfSigned(
      ...['-addext', `basicConstraints=critical,CA:${isAuthority ? 'TRUE' : 'FALSE'}`],
      ...['-addext', `subjectAltName=${names.join(',')}`, '-days', `${days}`],
    );
  const keep = async (identity: TlsIdentity) => {
    await writeFile(own(), identity.key + identity.cert, { mode: 0o600 });
  };

  describe('that the agent makes', () => {
    it('is valid for a server and for no other purpose', async () => {
      const identity = await load();
      const found = parse(identity);
      expect(found.ca).to.equal(false);
      // `keyUsage` of Node.js is the extended key usage, here serverAuth (RFC 5280, section 4.2.1.12).
      expect(found.keyUsage).to.deep.equal(['1.3.6.1.5.5.7.3.1']);
      expect(found.verify(found.publicKey)).to.equal(true);
      const text = await textOf(identity);
      expect(text).to.match(/X509v3 Basic Constraints: critical\s+CA:FALSE/);
      expect(text).to.match(/X509v3 Key Usage: critical\s+Digital Signature\n/);
    });

    it('is valid for 397 days, and already valid for clocks that are slow', async () => {
      const found = parse(await load());
      const from = new Date(found.validFrom).getTime();
      expect(new Date(found.validTo).getTime() - from).to.equal(397 * dayMs);
      expect(from).to.be.below(Date.now() - 3500 * 1000);
    });

    it('has all names and addresses of the host, except link-local addresses', async () => {
      const found = parse(await load());
      for (const name of [hostname(), 'localhost']) {
        expect(found.checkHost(name), name).to.equal(name);
      }
      for (const address of addresses) {
        expect(found.checkIP(address), address).not.to.equal(undefined);
      }
      expect(found.subjectAltName).not.to.match(/IP Address:(FE|169\.254)/i);
    });

    it('has the fully qualified name if the host has one', async () => {
      const named: Run = (command) =>
        command.argv[0] === 'hostname'
          ? Promise.resolve({ exitCode: 0, stdout: 'node1.example.net\n', stderr: '' })
          : run(command);
      expect(parse(await load(named)).checkHost('node1.example.net')).to.equal('node1.example.net');
    });

    it('contains no host name that openssl would read as configuration', async () => {
      const named: Run = (command) =>
        command.argv[0] === 'hostname'
          ? Promise.resolve({ exitCode: 0, stdout: 'a\nbasicConstraints = CA:TRUE', stderr: '' })
          : run(command);
      const identity = await load(named);
      expect(parse(identity).ca).to.equal(false);
      expect(await textOf(identity)).not.to.include('DNS:a,');
    });

    it('is in one file with its key, which only root can read, and no other file is left', async () => {
      const { key, cert } = await load();
      expect(key)
        .to.equal(cert)
        .and.to.equal(await readFile(own(), 'utf8'));
      expect((await stat(own())).mode & 0o777).to.equal(0o600);
      expect(await readdir(folder.path)).to.deep.equal(['tls.pem']);
    });

    it('has a new serial number and a new key each time', async () => {
      const first = parse(await load());
      await rm(own());
      const second = parse(await load());
      expect(second.serialNumber).not.to.equal(first.serialNumber);
      expect(second.publicKey.equals(first.publicKey)).to.equal(false);
    });

    it('is trusted by a client that trusts only this certificate', async () => {
      const { key, cert } = await load();
      const server = https.createServer({ ...apiTls, key, cert }, (_request, response) => {
        response.end();
      });
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { port } = server.address() as AddressInfo;
      const status = await new Promise((resolve, reject) => {
        https
          .get({ host: '127.0.0.1', port, ca: cert, agent: false }, ({ statusCode }) => {
            resolve(statusCode);
          })
          .on('error', reject);
      });
      expect(status).to.equal(200);
      server.close();
    });

    it('stays the same across starts', async () => {
      expect(await load()).to.deep.equal(await load());
    });

    it('stays the same if one of its addresses is gone, so that a moving address changes it only once', async () => {
      const former = await similar(false, 300, [...subject, 'IP:192.0.2.7']);
      await keep(former);
      expect((await load()).cert).to.equal(former.key + former.cert);
    });

    for (const [kind, isAuthority, days, names] of [
      ['belongs to an authority, as former versions made it', true, 3650, subject],
      ['ends within 30 days', false, 29, subject],
      ['lacks a name of the host', false, 300, subject.slice(1)],
      ['lacks an address of the host', false, 300, subject.slice(0, -1)],
    ] as const) {
      it(`is replaced at start if it ${kind}`, async () => {
        await keep(await similar(isAuthority, days, [...names]));
        const found = parse(await load());
        expect(found.ca).to.equal(false);
        expect(found.issuer).not.to.equal('CN=other');
        expect(found.checkIP('127.0.0.1')).to.equal('127.0.0.1');
        expect(await readFile(own(), 'utf8')).to.include(found.toString());
      });
    }

    it('keeps the addresses of its predecessor, because they may be on another node at the moment', async () => {
      await keep(await similar(true, 3650, ['IP:192.0.2.7', 'IP:2001:db8::7']));
      const found = parse(await load());
      expect(found.checkIP('192.0.2.7')).to.equal('192.0.2.7');
      expect(found.checkIP('2001:db8::7')).not.to.equal(undefined);
    });

    it('stays in use if it has to be replaced and cannot be', async () => {
      const former = await similar(false, 20);
      await keep(former);
      const failing: Run = (command) =>
        command.argv[0] === 'openssl'
          ? Promise.resolve({ exitCode: 1, stdout: '', stderr: 'no space left' })
          : run(command);
      expect((await load(failing)).cert).to.include(former.cert);
      expect(await readdir(folder.path))
        .to.include('tls.pem')
        .and.not.include('tls.pem.making');
    });

    it('is made even after a start that was killed while it made one', async () => {
      await mkdir(`${own()}.making`);
      await writeFile(join(`${own()}.making`, 'index'), 'V\tnonsense\n');
      expect(parse(await load()).ca).to.equal(false);
    });

    it('is renewed while the agent runs', async () => {
      await keep(await similar(false, 20));
      const text = await readFile(own(), 'utf8');
      const replaced: TlsIdentity[] = [];
      const parts = { config: await configOf(), run, log };
      stops.push(
        followTlsIdentity(parts, { key: text, cert: text }, (next) => replaced.push(next), 10),
      );
      await waitUntil('the new one', () => replaced.length > 0, { everyMs: 10 });
      const [next] = replaced as [TlsIdentity];
      expect(new Date(parse(next).validTo).getTime()).to.be.above(Date.now() + 390 * dayMs);
      expect(await readFile(own(), 'utf8')).to.equal(next.cert);
    });

    it('is retried while it cannot be renewed, which is logged once', async () => {
      const former = await similar(false, 20);
      const tries: string[] = [];
      const failing: Run = ({ argv }) => {
        tries.push(argv[0]);
        return Promise.resolve({ exitCode: 1, stdout: '', stderr: '' });
      };
      const parts = { config: await configOf(), run: failing, log };
      stops.push(followTlsIdentity(parts, former, () => expect.fail('none is made'), 5));
      await waitUntil('three tries', () => tries.filter((tool) => tool === 'openssl').length >= 3, {
        everyMs: 5,
      });
      expect(lines.filter(({ level }) => level === 'error')).to.have.length(1);
    });
  });

  describe('that is configured', () => {
    const paths = () => ({
      HA_AGENT_TLS_CERTIFICATE: join(folder.path, 'site.cert'),
      HA_AGENT_TLS_KEY: join(folder.path, 'site.key'),
    });
    async function install({ key, cert }: TlsIdentity): Promise<void> {
      await writeFile(paths().HA_AGENT_TLS_KEY, key);
      await writeFile(paths().HA_AGENT_TLS_CERTIFICATE, cert);
    }
    async function follow() {
      const first = await selfSigned('-days', '10');
      await install(first);
      const config = await configOf(paths());
      const replaced: TlsIdentity[] = [];
      const current = await loadTlsIdentity(config, run);
      stops.push(
        followTlsIdentity({ config, run, log }, current, (next) => replaced.push(next), 10),
      );
      return { first, replaced };
    }

    it('is used as it is', async () => {
      const identity = await selfSigned('-days', '1');
      await install(identity);
      expect(await loadTlsIdentity(await configOf(paths()), run)).to.deep.equal(identity);
    });

    it('is read again after its files were replaced', async () => {
      const { replaced } = await follow();
      const second = await selfSigned('-days', '20');
      await install(second);
      await waitUntil('the new one', () => replaced.length > 0, { everyMs: 10 });
      expect(replaced).to.deep.equal([second]);
    });

    it('is refused while its files are empty, as during their replacement', async () => {
      await install({ key: '', cert: '' });
      await faultOf('invalid_config', loadTlsIdentity(await configOf(paths()), run));
    });

    it('stays in use while the new files do not belong together, which is logged once', async () => {
      const { replaced } = await follow();
      const second = await selfSigned('-days', '20');
      await replaceFile(paths().HA_AGENT_TLS_CERTIFICATE, second.cert, 0o600);
      await waitUntil('the log', () => lines.length > 0, { everyMs: 10 });
      expect(replaced).to.deep.equal([]);
      await replaceFile(paths().HA_AGENT_TLS_KEY, second.key, 0o600);
      await waitUntil('the new one', () => replaced.length > 0, { everyMs: 10 });
      expect(replaced).to.deep.equal([second]);
      expect(lines.map(({ level }) => level)).to.deep.equal(['error', 'info']);
    });

    it('is refused at start if the key belongs to another certificate', async () => {
      const first = await selfSigned('-days', '10');
      const { key } = await selfSigned('-days', '10');
      await install({ ...first, key });
      const { message } = await faultOf(
        'invalid_config',
        loadTlsIdentity(await configOf(paths()), run),
      );
      expect(message).to.include('the key that belongs to it');
    });
  });
});

describe('TLS of the API', () => {
  const folder = temporaryFolder();
  let server: https.Server;
  let port: number;
  let identity: TlsIdentity;

  async function makeIdentity(...key: string[]): Promise<TlsIdentity> {
    const files = ['key', 'cert'].map((name) => join(folder.path, name)) as [string, string];
    const out = ['-nodes', '-subj', '/CN=x', '-keyout', files[0], '-out', files[1]];
    await execa('openssl', ['req', '-x509', '-newkey', ...key, ...out]);
    return { key: await readFile(files[0], 'utf8'), cert: await readFile(files[1], 'utf8') };
  }
  async function serve(...key: string[]): Promise<void> {
    identity = await makeIdentity(...key);
    server = https.createServer({ ...apiTls, ...identity });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    ({ port } = server.address() as AddressInfo);
  }
  afterEach(() => {
    server.close().closeAllConnections();
  });

  /** @returns what openssl says about the handshake */
  async function handshake(args: string[], input = ''): Promise<string> {
    const { all } = await execa('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args], {
      input,
      reject: false,
      all: true,
    });
    return all;
  }
  const isAgreed = (text: string) => /Cipher is (?!\(NONE\))/.test(text);

  for (const [kind, key, name] of [
    ['an ECDSA', ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'], 'ECDSA'],
    ['an RSA', ['rsa:2048'], 'RSA'],
  ] as const) {
    describe(`with ${kind} key`, () => {
      beforeEach(() => serve(...key));

      for (const suite of [
        `ECDHE-${name}-AES128-GCM-SHA256`,
        `ECDHE-${name}-AES256-GCM-SHA384`,
        `ECDHE-${name}-CHACHA20-POLY1305`,
      ]) {
        it(`speaks TLS 1.2 with ${suite}`, async () => {
          expect(await handshake(['-tls1_2', '-cipher', suite])).to.include(`Cipher is ${suite}`);
        });
      }

      // All other suites that openssl knows. With @SECLEVEL=0, it also offers suites that it would not use itself.
      it('refuses every other suite of TLS 1.2', async () => {
        const { stdout } = await execa('openssl', ['ciphers', 'ALL:eNULL:@SECLEVEL=0']);
        const others = stdout
          .split(':')
          .filter((each) => !/^(TLS_|ECDHE-(ECDSA|RSA)-(AES\d+-GCM|CHACHA20))/.test(each));
        expect(others).to.include.members([
          `ECDHE-${name}-AES128-SHA`,
          `ECDHE-${name}-AES256-SHA384`,
        ]);
        const cipher = `${others.join(':')}:@SECLEVEL=0`;
        const text = await handshake(['-tls1_2', '-cipher', cipher]);
        expect(isAgreed(text), text).to.equal(false);
        expect(text).to.match(/handshake failure/);
      });
    });
  }

  describe('in general', () => {
    beforeEach(() => serve('ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'));

    it('speaks TLS 1.3', async () => {
      expect(await handshake(['-tls1_3'])).to.match(
        /New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384/,
      );
    });

    it('refuses TLS 1.1', async () => {
      const text = await handshake(['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0']);
      expect(isAgreed(text), text).to.equal(false);
    });

    it('chooses the suite by the order of the server', async () => {
      const weakFirst = 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384';
      const text = await handshake(['-tls1_2', '-cipher', weakFirst]);
      expect(text).to.include('Cipher is ECDHE-ECDSA-AES256-GCM-SHA384');
    });

    it('refuses renegotiation of TLS 1.2', async () => {
      expect(await handshake(['-tls1_2'], 'R\n')).to.match(/RENEGOTIATING[^]*no renegotiation/);
    });

    it('has the same rules after the certificate was replaced', async () => {
      const next = await makeIdentity('ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1');
      server.setSecureContext({ ...apiTls, ...next });
      const text = await handshake(['-tls1_2', '-showcerts']);
      expect(text).to.include(next.cert.trim()).and.not.include(identity.cert.trim());
      const refused = await handshake(['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0']);
      expect(isAgreed(refused), refused).to.equal(false);
    });
  });
});
