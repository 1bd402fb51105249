import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'chai';

import { rewriteFor } from '../../../src/parsers/haproxy/rewrite.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/haproxy/driver');
const load = (path: string) => readFileSync(join(fixtures, path), 'utf8');

const stateFile = '/var/lib/octavia/lb/servers-state';
const rewritten = (text: string, version: string) => rewriteFor(text, { version, stateFile });

/** The same with the lines that load the states of members, which drivers from 11.0 on write themselves. */
const withStates = (text: string) =>
  text
    .replace(/^global$/m, `$&\n    server-state-file ${stateFile}`)
    .replaceAll(/^backend .*$/gm, '$&\n    load-server-state-from-file global');

describe('a haproxy.cfg of a driver, rewritten for haproxy', () => {
  it('has no group, because the agent gives one', () => {
    expect(rewritten('global\n    group nogroup\n    daemon\n', '2.2.9')).to.equal(
      withStates('global\n\n    daemon\n'),
    );
  });

  it('has the version of an HTTP monitor without a line break', () => {
    const text = load('16.0.0/combined-http.cfg');
    const line = '    option httpchk GET /index.html HTTP/1.0';
    expect(text).to.include(String.raw`${line}\r\n`);
    expect(rewritten(text, '3.0.11')).to.equal(text.replace(String.raw`${line}\r\n`, line));
  });

  it('has the host of an HTTP monitor in a line of its own', () => {
    const text = load('7.1.0/combined-http-monitor-http-1.1.cfg');
    const line = '    option httpchk GET /index.html HTTP/1.1';
    const tail = String.raw`\r\nHost:\ testlab.com`;
    expect(text).to.include(`${line}${tail}\n`);
    expect(rewritten(text, '3.0.11')).to.equal(
      withStates(
        text.replace(`${line}${tail}`, `${line}\n    http-check send hdr Host testlab.com`),
      ),
    );
  });

  it('has no option http-use-htx', () => {
    const text = load('16.0.0/combined-prometheus.cfg');
    expect(text).to.include('    option http-use-htx\n');
    expect(rewritten(text, '2.6.12')).to.equal(text.replace('    option http-use-htx\n', '\n'));
  });

  it('allows the processes of PING monitors', () => {
    const text = load('7.1.0/combined-tcp-ping.cfg');
    expect(text).to.not.include('insecure-fork-wanted');
    expect(rewritten(text, '2.2.9')).to.equal(
      withStates(
        text.replace('    external-check\n', '    external-check\n    insecure-fork-wanted\n'),
      ),
    );
    const allowed = load('11.0.0/combined-tcp-ping.cfg');
    expect(rewritten(allowed, '2.2.9')).to.equal(allowed);
  });

  it('has external-check in a line of its own', () => {
    const text = load('16.0.0/combined-tcp-ping.cfg');
    expect(text).to.include('    cpu-map auto:1/1-3 1-3    external-check\n');
    expect(rewritten(text, '3.0.11')).to.equal(
      text.replace('1-3    external-check\n', '1-3\n    external-check\n'),
    );
  });

  it('loads the states of members if the driver does not have haproxy load them', () => {
    const paths = globSync('*/*.cfg', { cwd: fixtures });
    const isLoading = (path: string) => load(path).includes('    server-state-file ');
    expect(paths.filter(isLoading)).to.not.deep.equal([]);
    for (const path of paths) {
      const states = (text: string) =>
        text.split('\n').filter((line) => /server-state|^global$|^backend /.test(line));
      const expected = isLoading(path) ? load(path) : withStates(load(path));
      expect(states(rewritten(load(path), '2.2.9')), path).to.deep.equal(states(expected));
    }
  });

  it('is as it was before haproxy 2.2 where 2.2 is the first to refuse it', () => {
    const text = load('7.1.0/combined-http-monitor-http-1.1.cfg');
    expect(rewritten(text, '1.8.19')).to.equal(withStates(text));
    expect(rewritten(text, '')).to.equal(rewritten(text, '3.0.11'));
  });

  it('needs no second time', () => {
    for (const path of globSync('*/*.cfg', { cwd: fixtures })) {
      const once = rewritten(load(path), '3.0.11');
      expect(rewritten(once, '3.0.11'), path).to.equal(once);
    }
  });
});
