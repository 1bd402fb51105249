import { X509Certificate } from 'node:crypto';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';
import sinon from 'sinon';

import { makePairCertificates } from '../../../src/amphora/pair-certificates.ts';
import { readCertificates } from '../../../src/amphora/status-certificates.ts';
import { type AmphoraStatus, makeAmphoraStatus } from '../../../src/amphora/status.ts';
import { amphoraCommand } from '../../../src/bin/hactl/amphora.ts';
import { findingsOf } from '../../../src/bin/hactl/amphora/verdict.ts';
import { failureOf } from '../../../src/bin/hactl/failure.ts';
import { faults } from '../../../src/bin/wiring/faults.ts';
import { makeRun } from '../../../src/kit/exec.ts';
import type { Listeners } from '../../../src/server/listen.ts';
import { openSocketListener } from '../../../src/server/listeners.ts';
import { makeProblems } from '../../../src/server/problem.ts';
import { makeAmphoraLocalApp } from '../../../src/routes/amphora-local/index.ts';
import { attempt } from '../../lab/run.ts';
import { keepingLog } from '../../support/keeping-log.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const listener = {
  id: 'l1',
  owner: 'b1',
  status: 'ACTIVE',
  type: 'HTTP',
  pools: [{ id: 'p1', status: 'UP', members: [{ id: 'm1', status: 'DRAIN' }] }],
} as const;

const status: AmphoraStatus = {
  uuid: '6e2bc8a0',
  topology: 'ACTIVE-STANDBY',
  owners: [{ kind: 'loadbalancer', id: 'b1', isRunning: true, listeners: [listener] }],
  lvs: [],
  vrrp: { state: 'MASTER', vips: ['10.0.0.100'] },
  ports: [{ interface: 'eth1', mac: 'fa:16:3e:00:00:01', addresses: ['10.0.0.11/24'], isUp: true }],
  certificates: [],
  heartbeat: { at: '2026-11-29T13:45:40.420Z', to: '192.0.2.1:5555', error: null },
  problems: [],
};

describe('hactl amphora', () => {
  const folder = temporaryFolder();
  const { log } = keepingLog();
  let listening: Listeners | undefined;
  afterEach(async () => {
    sinon.restore();
    await listening?.stop();
    listening = undefined;
  });

  const socket = () => join(folder.path, 'socket');
  const serve = async (answer: AmphoraStatus) => {
    const local = { status: () => Promise.resolve(answer), metrics: () => Promise.resolve('') };
    const app = makeAmphoraLocalApp(local, faults, log);
    listening = await openSocketListener(app, socket(), makeProblems(faults).answer, log);
  };
  const hactl = async (...args: string[]) => {
    const printed = sinon.stub(console, 'log');
    const command = amphoraCommand({ socket: socket(), onRecord: (_command, work) => work() });
    for (const each of [command, ...command.commands]) {
      each.exitOverride().configureOutput({ writeErr: () => undefined });
    }
    const failure = await command.parseAsync(args, { from: 'user' }).then(
      () => ({ exitCode: 0, text: undefined }),
      (error: unknown) => failureOf(error),
    );
    const text = printed.args.map(([line]) => String(line)).join('\n');
    printed.restore();
    return { ...failure, printed: text };
  };

  it('status shows who holds the VIP, and ends with 0 if all is well', async () => {
    await serve(status);
    const { exitCode, printed } = await hactl('status');
    expect(exitCode).to.equal(0);
    expect(printed)
      .to.include('VIP 10.0.0.100: this host holds it (MASTER)')
      .and.include('Last heartbeat: 2026-11-29T13:45:40.420Z to 192.0.2.1:5555')
      .and.match(/^b1 +loadbalancer +running +1 +1$/m)
      .and.match(/^eth1 +up +fa:16:3e:00:00:01 +10\.0\.0\.11\/24$/m);
  });

  it('status says why no heartbeat was sent', async () => {
    const error = 'No heartbeat is sent: keepalived does not run.';
    await serve({ ...status, heartbeat: { at: '2026-11-29T13:45:40.420Z', to: 'a:1', error } });
    const later = await hactl('status');
    expect(later.printed).to.include(`Last heartbeat: 2026-11-29T13:45:40.420Z to a:1 (${error})`);
    expect(later.exitCode).to.equal(2);
  });

  it('status says why there was no heartbeat since the start', async () => {
    await serve({ ...status, heartbeat: { at: null, to: null, error: 'It is too large.' } });
    const { printed } = await hactl('status');
    expect(printed).to.include('Last heartbeat: none since the start (It is too large.)');
  });

  it('status prints all of it as JSON', async () => {
    await serve(status);
    expect(JSON.parse((await hactl('status', '-o', 'json')).printed)).to.deep.equal(status);
  });

  it('status ends with 2 if keepalived does not run, and says so', async () => {
    await serve({ ...status, vrrp: { state: 'stopped', vips: [] } });
    const { exitCode, text } = await hactl('status');
    expect(exitCode).to.equal(2);
    expect(text).to.include('keepalived does not run');
  });

  it('show prints the members of a load balancer and of a listener', async () => {
    await serve(status);
    for (const id of ['b1', 'l1']) {
      const { printed } = await hactl('show', id);
      expect(printed)
        .to.include('Listener l1: ACTIVE (HTTP)')
        .and.match(/^p1 +UP +m1 +DRAIN$/m);
    }
    expect((await hactl('show', 'other')).exitCode).to.equal(4);
  });

  it('says that the service does not run', async () => {
    const { exitCode, text } = await hactl('status');
    expect(exitCode).to.equal(69);
    expect(text).to.include('ha-amphora does not run on this host');
  });

  it('has no command to check a file unless it is given one that can', async () => {
    expect((await hactl('check', 'x')).exitCode).to.equal(64);
    const checked: string[] = [];
    const command = amphoraCommand({
      check: (path) => {
        checked.push(path);
        return Promise.resolve();
      },
    });
    sinon.stub(console, 'log');
    await command.parseAsync(['check', '/a/haproxy.cfg'], { from: 'user' });
    expect(checked).to.deep.equal(['/a/haproxy.cfg']);
  });

  it('init makes certificates of one authority, which openssl accepts for their use alone', async () => {
    const made = join(folder.path, 'pair');
    const { exitCode, printed } = await hactl('init', made, 'aaaa-1', 'aaaa-2');
    expect(exitCode).to.equal(0);
    expect(printed).to.include('On amphora aaaa-2:');
    expect((await readdir(made)).toSorted()).to.deep.equal([
      'ca.key',
      'ca.pem',
      'client.pem',
      'server-aaaa-1.pem',
      'server-aaaa-2.pem',
    ]);
    for (const name of await readdir(made)) {
      expect((await stat(join(made, name))).mode & 0o777, name).to.equal(0o600);
    }
    const server = join(made, 'server-aaaa-1.pem');
    expect(new X509Certificate(await readFile(server)).checkHost('aaaa-1')).to.equal('aaaa-1');
    expect(await readFile(server, 'utf8')).to.match(/CERTIFICATE-----\n-----BEGIN PRIVATE KEY/);
    const verify = async (purpose: string, file: string) =>
      (
        await attempt([
          'openssl',
          'verify',
          '-CAfile',
          join(made, 'ca.pem'),
          '-purpose',
          purpose,
          file,
        ])
      ).exitCode;
    expect(await verify('sslserver', server)).to.equal(0);
    expect(await verify('sslclient', server)).to.equal(2);
    expect(await verify('sslclient', join(made, 'client.pem'))).to.equal(0);
  });

  it('init changes nothing if the folder is there, and refuses what is no id', async () => {
    const { exitCode, text } = await hactl('init', folder.path, 'aaaa');
    expect(exitCode).to.equal(4);
    expect(text).to.include('There is something at');
    expect((await hactl('init', join(folder.path, 'x'), '../aaaa')).exitCode).to.equal(64);
    expect((await hactl('init', join(folder.path, 'x'), 'aaaa', 'aaaa')).exitCode).to.equal(64);
    expect(await readdir(folder.path)).to.deep.equal([]);
  });
});

describe('the verdict about an amphora', () => {
  const now = Date.parse('2026-11-29T12:00:00Z');
  const levels = (more: Partial<AmphoraStatus>) =>
    findingsOf({ ...status, ...more }, now).map(({ level }) => level);
  const certificate = (validTo: string) => ({
    certificates: [{ owner: null, path: '/a.pem', names: 'DNS:a', validTo }],
  });

  it('is that nothing is wrong', () => {
    expect(levels({})).to.deep.equal([]);
    expect(levels({ ...certificate('2027-11-29T12:00:00Z'), heartbeat: null })).to.deep.equal([]);
    expect(levels({ vrrp: { state: 'BACKUP', vips: [] } })).to.deep.equal([]);
  });

  it('warns of a certificate two weeks before its end, and fails after it', () => {
    expect(levels(certificate('2026-12-10T12:00:00Z'))).to.deep.equal(['warning']);
    expect(levels(certificate('2026-11-28T12:00:00Z'))).to.deep.equal(['failing']);
  });

  it('fails for a dead process, a heartbeat that was not sent, and a port that is down', () => {
    const dead = { ...listener, status: 'ERROR' } as const;
    const [owner] = status.owners;
    if (owner === undefined) throw new Error('The status has an owner.');
    expect(levels({ owners: [{ ...owner, listeners: [dead] }] })).to.deep.equal(['failing']);
    const error = 'No heartbeat is sent: keepalived does not run.';
    const heartbeat = { at: '2026-11-29T11:59:00Z', to: 'a:1', error };
    expect(levels({ heartbeat })).to.deep.equal(['failing']);
    expect(levels({ heartbeat: { at: null, to: null, error } })).to.deep.equal(['failing']);
    expect(levels({ ports: status.ports.map((port) => ({ ...port, isUp: false })) })).to.deep.equal(
      ['failing'],
    );
  });

  it('has the worst first', () => {
    const problems = ['haproxy is not installed.'];
    expect(levels({ problems, vrrp: { state: 'FAULT', vips: [] } })).to.deep.equal([
      'failing',
      'warning',
    ]);
  });
});

describe('the status of an amphora', () => {
  const folder = temporaryFolder();
  const run = makeRun(keepingLog().log);

  it('has the certificates of tenants and of the agent with their ends, and reads no link', async () => {
    const { servers, ca } = await makePairCertificates(join(folder.path, 'made'), ['aaaa'], run);
    const pem = await readFile(servers['aaaa'] ?? '', 'utf8');
    const certificates = join(folder.path, 'certs');
    await mkdir(join(certificates, 'b1'), { recursive: true });
    await writeFile(join(certificates, 'b1', 'one.pem'), pem);
    await writeFile(join(certificates, 'b1', 'l1.pem'), '/var/lib/octavia/certs/b1/one.pem\n');
    await symlink(ca, join(certificates, 'b1', 'planted.pem'));
    await symlink(join(certificates, 'b1'), join(certificates, 'b2'));
    const found = await readCertificates(certificates, [ca, join(folder.path, 'missing')]);
    expect(found.map(({ owner, names }) => [owner, names])).to.deep.equal([
      ['b1', 'DNS:aaaa'],
      [null, 'CN=Amphorae made by hactl'],
    ]);
    expect(found[0]?.validTo).to.equal(new Date(new X509Certificate(pem).validTo).toISOString());
  });

  it('puts each listener to its owner', async () => {
    const read = makeAmphoraStatus({
      paths: { certificates: join(folder.path, 'certs') },
      agentCertificates: () => [],
      uuid: () => '6e2bc8a0',
      haproxies: {
        owners: () =>
          Promise.resolve([
            { kind: 'loadbalancer', id: 'b1' },
            { kind: 'loadbalancer', id: 'b2' },
          ]),
        listeners: () => Promise.resolve([listener]),
      },
      lvs: { listeners: () => Promise.resolve([]) },
      vrrp: { state: () => Promise.resolve('MASTER') },
      topologies: { current: () => Promise.resolve({ topology: 'SINGLE', isChanging: false }) },
      vips: () => Promise.resolve(['10.0.0.100']),
      ports: () => Promise.resolve([]),
      heartbeat: () => undefined,
      problems: () => Promise.resolve([]),
    });
    const { owners, heartbeat } = await read();
    expect(
      owners.map(({ id, isRunning, listeners }) => [id, isRunning, listeners.length]),
    ).to.deep.equal([
      ['b1', true, 1],
      ['b2', false, 0],
    ]);
    expect(heartbeat).to.equal(null);
  });
});
