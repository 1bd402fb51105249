import { existsSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { checkConfig } from '../../src/haproxy/check.ts';
import { messagesWithoutQuotes } from '../../src/haproxy/messages.ts';
import { peerName } from '../../src/haproxy/peer-name.ts';
import { askSocket } from '../../src/haproxy/socket.ts';
import { makeHaproxyVersion, versionIn } from '../../src/haproxy/version.ts';
import { makeRun } from '../../src/kit/exec.ts';
import { faultOf } from '../support/faults.ts';
import { needsHaproxy } from '../support/haproxy-processes.ts';
import { keepingLog } from '../support/keeping-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('the name of a peer', () => {
  it('is the SHA-1 of the id in base64, with the signs that controllers use', () => {
    // `printf foo | openssl sha1 -binary | base64` prints C+7Hteo/D9vJXQ3UfzxbwnXaijM=
    expect(peerName('foo')).to.equal('C_7Hteo-D9vJXQ3UfzxbwnXaijM');
    expect(peerName('3')).to.match(/^[\w-]+$/);
  });

  it('does not begin with a hyphen', () => {
    const names = Array.from({ length: 2000 }, (_, index) => peerName(String(index)));
    expect(names.filter((name) => name.startsWith('-'))).to.deep.equal([]);
    expect(names.some((name) => name.startsWith('x'))).to.equal(true);
  });
});

describe('the check of a configuration', () => {
  needsHaproxy();
  const folder = temporaryFolder();
  const { log, lines } = keepingLog();
  const run = makeRun(log);

  async function check(text: string, inNamespace: readonly string[] = []) {
    const file = join(folder.path, 'haproxy.cfg');
    const overrides = join(folder.path, 'group.conf');
    await writeFile(overrides, 'global\n    group nogroup\n');
    await writeFile(file, text, { mode: 0o600 });
    return checkConfig(run, { file, overrides, peer: 'me', inNamespace, text, deadlineMs: 30_000 });
  }
  const frontend = 'frontend f\n  mode http\n  timeout client 1s\n  bind 127.0.0.1:29999\n';

  it('passes a sound one that only root can read', async () => {
    expect(await check(`global\n  user nobody\n${frontend}`)).to.equal(undefined);
  });

  it('refuses one without a listener', async () => {
    expect(await check('global\n  user nobody\n')).to.equal(
      'It has no listener, so haproxy would not start.',
    );
  });

  it('names the line and the reason', async () => {
    const reasons = await check(`${frontend}  modus http\n`);
    expect(reasons).to.contain('haproxy.cfg:5');
    expect(reasons).to.match(/unknown keyword '…'/);
  });

  it('quotes nothing of the file, in its answer or in the log', async () => {
    const secrets = ['hunter2Hunter', 'tenantPassword', 'bobTheTenant'];
    const reasons = await check(
      `${frontend}  stats auth ${secrets[2]}:${secrets[0]} hunter2Hunter\n  acl x path "${secrets[1]}\n  ${secrets[0]} tenantPassword\n`,
    );
    const said = `${reasons ?? ''}${JSON.stringify(lines)}`;
    for (const secret of secrets) expect(said).to.not.contain(secret);
    expect(reasons).to.contain('unmatched quote');
  });

  it('runs as nobody: what a file has haproxy do cannot write where only root may', async () => {
    const place = join(folder.path, 'touched');
    await writeFile(join(folder.path, 'x.lua'), `io.open('${place}', 'w'):close()\n`);
    const reasons = await check(`global\n  lua-load ${join(folder.path, 'x.lua')}\n${frontend}`);
    expect(reasons).to.contain('Lua runtime error');
    expect(existsSync(place)).to.equal(false);
  });

  it('tells a missing namespace from a refused file', async () => {
    const inNamespace = ['ip', 'netns', 'exec', 'no-such-namespace'];
    await faultOf('tool_failed', check(frontend, inNamespace));
  });
});

describe('a message of haproxy', () => {
  it('that the file itself pretends to be is cut as well', () => {
    const file = '[ALERT] (1) : topsecret here\n';
    const output = `[ALERT]    (12) : config : parsing [/x/c:3] : 'bind' failed\n${file}`;
    expect(messagesWithoutQuotes(output, file, '/x/c')).to.equal(
      "[ALERT] config : parsing [haproxy.cfg:3] : 'bind' failed\n[ALERT] … …",
    );
  });
});

describe('a question to a socket of haproxy', () => {
  const folder = temporaryFolder();
  const open: { server?: Server; sockets: Socket[] } = { sockets: [] };
  afterEach(() => {
    for (const socket of open.sockets.splice(0)) socket.destroy();
    open.server?.close();
  });

  async function serve(answer: (socket: Socket) => void): Promise<string> {
    const path = join(folder.path, 'sock');
    open.server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      open.sockets.push(socket);
      answer(socket);
    }).listen(path);
    await once(open.server, 'listening');
    return path;
  }

  it('has no answer if nobody listens', async () => {
    const path = join(folder.path, 'none');
    expect(await askSocket(path, 'show info', { deadlineMs: 5000 })).to.equal(undefined);
  });

  it('has no answer if haproxy hangs', async () => {
    const path = await serve(() => undefined);
    expect(await askSocket(path, 'show info', { deadlineMs: 100 })).to.equal(undefined);
  });

  it('has no answer that is longer than its limit', async () => {
    const path = await serve((socket) => socket.end('x'.repeat(1000)));
    const limits = { deadlineMs: 5000, maxBytes: 999 };
    expect(await askSocket(path, 'show info', limits)).to.equal(undefined);
  });

  it('has the whole answer', async () => {
    const path = await serve((socket) => socket.end('x'.repeat(1_000_000)));
    const answer = await askSocket(path, 'show info', { deadlineMs: 5000 });
    expect(answer?.length).to.equal(1_000_000);
  });
});

describe('the version of haproxy', () => {
  needsHaproxy();

  it('is the upstream part', async () => {
    const version = await makeHaproxyVersion(makeRun(keepingLog().log), 30_000)();
    expect(version).to.match(/^\d+\.\d+\.\d+$/);
    expect(versionIn('HA-Proxy version 2.2.9-2+deb11u7 2025/02/03\n')).to.equal('2.2.9');
    expect(versionIn('')).to.equal('');
  });
});
