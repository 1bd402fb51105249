import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { expect } from 'chai';

import { isInternalProxy, readDriverConfig } from '../../../src/parsers/haproxy/driver-config.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/haproxy/driver');
const folders = { base: '/var/lib/octavia', certificates: '/var/lib/octavia/certs' };
const load = (path: string) => readFileSync(join(fixtures, path), 'utf8');
const ownerOf = (path: string) =>
  basename(path).startsWith('combined-') ? 'sample_loadbalancer_id_1' : 'sample_listener_id_1';
const read = (text: string, id = 'sample_loadbalancer_id_1') =>
  readDriverConfig(text, { id, ...folders });

/** A directive that no driver writes, and the section that it has to be in. */
const hostile: readonly (readonly [section: string, line: string])[] = [
  ['global', 'lua-load /var/lib/octavia/certs/sample_loadbalancer_id_1/a.pem'],
  ['global', 'lua-load-per-thread /tmp/a.lua'],
  ['global', 'lua-prepend-path /tmp/?.lua'],
  ['global', 'module-load /tmp/a.so'],
  ['global', 'user root'],
  ['global', 'uid 0'],
  ['global', 'gid 0'],
  ['global', 'chroot /tmp'],
  ['global', 'setenv A b'],
  ['global', 'resetenv A'],
  ['global', 'presetenv A b'],
  ['global', 'unsetenv A'],
  ['global', 'stats socket /var/lib/octavia/sample_loadbalancer_id_1.sock mode 0666 level admin'],
  ['global', 'stats socket /tmp/a mode 0666 level user'],
  ['global', 'stats socket /var/lib/octavia/sample_loadbalancer_id_1.sock mode 0666 level user'],
  ['global', 'log 192.0.2.1 local0'],
  ['global', 'log stdout local0'],
  ['global', 'log /etc/passwd local0'],
  ['global', 'server-state-file /etc/passwd'],
  ['global', 'server-state-base /etc'],
  ['global', 'ca-base /etc'],
  ['global', 'ssl-engine a'],
  ['global', 'master-worker'],
  ['program a', 'command /bin/true'],
  ['program a', 'user root'],
  ['resolvers a', 'nameserver a 192.0.2.1:53'],
  ['http-errors a', 'errorfile 400 /etc/passwd'],
  ['crt-store a', 'load crt "a.pem"'],
  ['ring a', 'backing-file /tmp/a'],
  ['listen a', 'stats enable'],
  ['frontend a', 'errorfile 400 /etc/passwd'],
  ['frontend a', 'http-request lua.a'],
  ['frontend a', 'http-request return status 200 file /etc/passwd'],
  ['frontend a', 'http-request use-service lua.a'],
  ['frontend a', 'bind unix@/tmp/a'],
  ['frontend a', 'bind /tmp/a'],
  ['frontend a', 'bind fd@3'],
  ['frontend a', 'bind abns@a'],
  ['frontend a', 'bind sockpair@3'],
  ['frontend a', 'bind 192.0.2.1:80 namespace a'],
  ['frontend a', 'bind 192.0.2.1:80 interface eth0'],
  ['frontend a', 'bind 192.0.2.1:80 ssl crt /etc/ssl/a.pem'],
  ['frontend a', 'bind 192.0.2.1:80 ssl crt-list /var/lib/octavia/certs/other/a.pem'],
  [
    'frontend a',
    'bind 192.0.2.1:80 ssl crt-list /var/lib/octavia/certs/sample_loadbalancer_id_1/../other/a.pem',
  ],
  ['frontend a', 'bind 192.0.2.1:80 ssl ca-file /etc/ssl/a.pem verify required'],
  ['frontend a', 'bind 192.0.2.1:80 ssl crl-file /etc/ssl/a.pem'],
  ['frontend a', 'acl a path -m str -f /etc/passwd'],
  ['frontend a', 'acl a path -m str -f'],
  ['frontend a', 'acl a path -m str "-f /etc/passwd"'],
  ['frontend a', 'acl a path -m reg -M -f /etc/passwd'],
  ['frontend a', 'acl a path,map(/etc/passwd) -m str a'],
  ['frontend a', 'acl a env(A) -m str a'],
  ['frontend a', 'use_backend %[path,map(/etc/passwd)] if a'],
  ['frontend a', 'redirect location http://a/%[path,map(/etc/passwd)] if a'],
  ['frontend a', 'redirect location http://a/%{+Q}[env(A)] if a'],
  ['frontend a', 'redirect location http://a/%(n)[env(A)] if a'],
  ['frontend a', 'log-format %[lua.a]'],
  ['frontend a', 'log-format "$A"'],
  ['frontend a', 'redirect location "${A}" if a'],
  ['frontend a', '.if 1'],
  ['frontend a', 'no option http-keep-alive'],
  ['backend a', 'external-check command /bin/sh'],
  ['backend a', 'external-check path /tmp'],
  ['backend a', 'server a unix@/tmp/a weight 1'],
  ['backend a', 'server a /tmp/a weight 1'],
  ['backend a', 'server a abns@a weight 1'],
  ['backend a', 'server a fd@3 weight 1'],
  ['backend a', 'server a sockpair@3 weight 1'],
  ['backend a', 'server a 192.0.2.1:80 namespace a'],
  ['backend a', 'server a 192.0.2.1:80 ssl crt /etc/ssl/a.pem'],
  ['backend a', 'server a 192.0.2.1:80 agent-check agent-port 1'],
  ['backend a', 'server-template a 1-3 a:80'],
  ['backend a', 'server-state-file-name /etc/passwd'],
  ['backend a', 'load-server-state-from-file local'],
  ['backend a', 'http-request set-header X-Forwarded-For %[env(A)]'],
  ['backend a', 'source 192.0.2.1'],
];

/** Where a tenant's text is, in a file of the driver. */
const fields: readonly (readonly [name: string, file: string, text: string])[] = [
  ['ciphers', '16.0.0/combined-terminated-https.cfg', 'DHE-RSA-AES256-GCM-SHA384'],
  ['ciphers of a pool', '16.0.0/combined-http-backend-tls.cfg', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ['a value of a rule', '11.0.0/combined-http-l7.cfg', '/api'],
  ['a key of a rule', '11.0.0/combined-http-l7.cfg', 'Some-header'],
  ['a redirect', '11.0.0/combined-http-l7.cfg', 'http://www.example.com'],
  ['a prefix', '7.1.0/combined-http-l7.cfg', 'https://example.com'],
  ['the path of a monitor', '7.1.0/combined-http.cfg', '/index.html'],
  ['the domain of a monitor', '7.1.0/combined-http-monitor-http-1.1.cfg', 'testlab.com'],
  ['the codes of a monitor', '7.1.0/combined-http.cfg', '418'],
  ['a cookie', '16.0.0/combined-http-app-cookie.cfg', 'JSESSIONID'],
];

describe('a haproxy.cfg of a driver', () => {
  const files = globSync('*/*.cfg', { cwd: fixtures });

  it('has been recorded for each driver', () => {
    expect(new Set(files.map((path) => path.split('/')[0]))).to.deep.equal(
      new Set(['7.1.0', '11.0.0', '16.0.0']),
    );
  });

  for (const path of files) {
    it(`has no problems: ${path}`, () => {
      expect(read(load(path), ownerOf(path)).problems).to.deep.equal([]);
    });
  }

  for (const [section, line] of hostile) {
    const title = JSON.stringify(`${section}: ${line}`);
    const text = load('16.0.0/combined-http.cfg');
    it(`has a problem with ${title}`, () => {
      const planted =
        section === 'global'
          ? text.replace('\nglobal\n', `\nglobal\n    ${line}\n`)
          : `${text}\n${section}\n    ${line}\n`;
      expect(read(planted).problems).to.not.have.lengthOf(0);
    });

    it(`has a problem with ${title} after a line break in any field of a tenant`, () => {
      for (const [name, file, field] of fields) {
        const original = load(file);
        expect(original, name).to.include(field);
        const alone = original.replace(field, `${field}\n${line}\n`);
        const inSection = original.replace(field, `${field}\n${section}\n${line}\n`);
        expect(read(alone).problems, name).to.not.have.lengthOf(0);
        expect(read(inSection).problems, name).to.not.have.lengthOf(0);
      }
    });
  }

  it('has values of tenants as they are', () => {
    const text = load('11.0.0/combined-http-l7.cfg');
    for (const value of ['^/a/(.*)$', 'it&#39;s', 'a\\ b\\\\c', '%20', 'lua-load', '{a}', 'ü']) {
      expect(read(text.replace('/api', value)).problems, value).to.deep.equal([]);
    }
    const url = text.replace('http://www.example.com', 'https://a.example/b?c=d&e=%[path]#f');
    expect(read(url.replace('#f', '')).problems).to.deep.equal([]);
  });

  it('has a problem with a section that no driver writes, whatever is in it', () => {
    const text = load('16.0.0/combined-http.cfg');
    for (const section of [
      'listen a',
      'frontend prometheus-exporter-internal-2',
      'backend prometheus-exporter-internal-2',
      'frontend a from b',
      'frontend a:b',
      'defaults a',
      'defaults',
      'global',
      'peers a',
    ]) {
      expect(read(`${text}\n${section}\n`).problems, section).to.not.have.lengthOf(0);
    }
  });

  it('names lines and no text in its problems', () => {
    const secret = 's3cret-directive';
    const { problems } = read(`global\n user nobody\n ${secret} ${secret}\n${secret} "a\n`);
    expect(problems.map(({ line }) => line)).to.deep.equal([3, 4]);
    expect(JSON.stringify(problems)).to.not.include(secret);
  });

  it('has a problem if haproxy would run as root', () => {
    expect(read('global\n').problems.map(({ reason }) => reason)).to.deep.equal([
      "Section 'global': 'user nobody' is missing, so haproxy would run as root.",
    ]);
  });

  it('sets up the listeners, pools and members of the load balancer', () => {
    const model = read(load('16.0.0/combined-terminated-https-pair-l7.cfg'));
    const listener = 'sample_listener_id_1';
    expect(model.frontends).to.have.lengthOf(1);
    expect(model.frontends[0]).to.include({
      id: listener,
      mode: 'http',
      isTls: true,
      defaultBackend: `sample_pool_id_1:${listener}`,
    });
    expect(model.frontends[0]?.backends).to.deep.equal([
      `sample_pool_id_2:${listener}`,
      `sample_pool_id_1:${listener}`,
    ]);
    expect(
      model.backends.map(({ pool, servers, hasCheck }) => [
        pool,
        servers.map(({ id }) => id),
        hasCheck,
      ]),
    ).to.deep.equal([
      ['sample_pool_id_1', ['sample_member_id_1', 'sample_member_id_2'], true],
      ['sample_pool_id_2', ['sample_member_id_3'], true],
    ]);
    expect(model.backends[0]).to.include({ listener, mode: 'http' });
    expect(model.peers[0]?.name).to.equal('sample_loadbalancer_id_1_peers');
    expect(model.peers[0]?.peers.map(({ address }) => address)).to.deep.equal([
      '10.1.1.1:1025',
      '10.1.1.2:1025',
    ]);
    expect(model.maxconn).to.equal(50_000);
    expect(model.statsSocket).to.equal('/var/lib/octavia/sample_loadbalancer_id_1.sock');
    expect(model.certificates).to.deep.equal([
      '/var/lib/octavia/certs/sample_loadbalancer_id_1/sample_listener_id_1.pem',
    ]);
  });

  it('has the exporter for Prometheus, which is no listener and no pool', () => {
    const model = read(load('16.0.0/combined-prometheus.cfg'));
    expect(model.hasPrometheusExporter).to.equal(true);
    expect(model.frontends.map(({ id }) => id)).to.deep.equal(['sample_listener_id_1']);
    expect(model.backends).to.deep.equal([]);
    expect(isInternalProxy(model.frontends[0]?.defaultBackend ?? '')).to.equal(true);
  });

  it('is refused by its number of lines or their length before it is read', () => {
    const place = { id: 'a', base: '/var/lib/octavia', certificates: '/var/lib/octavia/certs' };
    const head = 'global\n    user nobody\n';
    expect(readDriverConfig(head + '\n'.repeat(99_000), place).problems).to.deep.equal([]);
    expect(readDriverConfig(head + '\n'.repeat(8_000_000), place).problems).to.deep.equal([
      { line: 100_001, reason: 'There are more than 100000 lines.' },
    ]);
    expect(readDriverConfig(`${head}# ${'a '.repeat(4_000_000)}`, place).problems).to.deep.equal([
      { line: 3, reason: 'The line has more than 16384 characters.' },
    ]);
  });
});
