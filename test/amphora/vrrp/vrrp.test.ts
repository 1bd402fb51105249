import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import type { Vrrp } from '../../../src/amphora/amphora.ts';
import { vrrpFiles, type VrrpFiles } from '../../../src/amphora/vrrp/files.ts';
import { makeVrrp } from '../../../src/amphora/vrrp/vrrp.ts';
import { checkKeepalivedConfig } from '../../../src/keepalived/check.ts';
import { memoryFolder } from '../../../src/kit/paths.ts';
import { installPackages } from '../../lab/host.ts';
import { attempt } from '../../lab/run.ts';
import { waitUntil } from '../../lab/wait.ts';
import { faultOf } from '../../support/faults.ts';
import {
  driverConfig,
  type KeepalivedHost,
  makeKeepalivedHost,
  realRun,
  secret,
} from '../../support/keepalived-host.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('the keepalived of the VIP', () => {
  const folder = temporaryFolder();
  let host: KeepalivedHost;
  let files: VrrpFiles;
  let vrrp: Vrrp;
  before(() => installPackages(['keepalived', 'iproute2'], () => undefined));
  beforeEach(async () => {
    host = await makeKeepalivedHost(folder.path);
    files = vrrpFiles(folder.path);
    const { keepalived, service, inNamespace } = host;
    vrrp = makeVrrp({
      base: folder.path,
      problemsOf: (config) =>
        config.includes('include') ? [{ line: 1, reason: 'include is unknown' }] : [],
      check: (file) =>
        checkKeepalivedConfig({ run: realRun, memory: memoryFolder, inNamespace }, file),
      keepalived,
      service,
    });
    await host.setHealth(true);
  });
  afterEach(() => host.remove());

  const config = (state?: string) =>
    Buffer.from(driverConfig({ checkScript: files.checkScript, ...(state && { state }) }));
  const becomes = (state: string) =>
    waitUntil(`state ${state}`, async () => (await vrrp.state()) === state, { everyMs: 50 });
  const addresses = async () =>
    (await attempt([...(host.inNamespace as ['ip']), 'ip', '-brief', 'address', 'show', 'eth1']))
      .stdout;

  it('is absent, then stopped, then holds the VIP, and gives it up when it is stopped', async () => {
    expect(await vrrp.state()).to.equal('absent');
    const bytes = config();
    const md5 = createHash('md5').update(bytes).digest('hex');
    expect(await vrrp.upload(bytes)).to.deep.equal({ md5 });
    expect(await readFile(files.config)).to.deep.equal(bytes);
    expect(await vrrp.state()).to.equal('stopped');

    expect(await vrrp.act('start')).to.equal('start');
    await becomes('MASTER');
    expect(await addresses()).to.include('10.77.0.100');

    expect(await vrrp.act('stop')).to.equal('stop');
    expect(await vrrp.state()).to.equal('stopped');
    expect(await addresses()).not.to.include('10.77.0.100');
    expect(host.asked).to.deep.equal(['start', 'enable', 'stop', 'disable']);
  });

  it('is reloaded by a start while it runs, and keeps the VIP', async () => {
    await vrrp.upload(config());
    await vrrp.act('start');
    await becomes('MASTER');
    await vrrp.upload(Buffer.from(config().toString().replace('priority 100\n', 'priority 90\n')));
    expect(await vrrp.act('start')).to.equal('reload');
    expect(await vrrp.state()).to.equal('MASTER');
    expect(await addresses()).to.include('10.77.0.100');
  });

  it('is started by a reload while it does not run', async () => {
    await vrrp.upload(config());
    expect(await vrrp.act('reload')).to.equal('start');
  });

  it('is stopped without a fault while it does not run', async () => {
    expect(await vrrp.act('stop')).to.equal('stop');
  });

  it('is in FAULT while a check script fails', async () => {
    await host.setHealth(false);
    await vrrp.upload(config());
    await vrrp.act('start');
    await becomes('FAULT');
    await host.setHealth(true);
    await becomes('MASTER');
  });

  it('is stopped again if its process ends at the start', async () => {
    await vrrp.upload(config());
    // Since the upload, somebody has damaged the file.
    await writeFile(files.config, 'vrrp_instance a {\n  auth_pass\n');
    await faultOf('keepalived_not_started', vrrp.act('start'));
    expect(host.asked).to.deep.equal(['start', 'stop']);
  });

  it('runs on with its configuration if a reload would end it', async () => {
    await vrrp.upload(config());
    await vrrp.act('start');
    await writeFile(files.config, config().toString().replace('id 1\n', 'id 999\n'));
    await faultOf('keepalived_not_reloaded', vrrp.act('reload'));
    expect(host.asked).to.deep.equal(['start', 'enable']);
    await becomes('MASTER');
  });

  it('is not started without a configuration', async () => {
    await faultOf('keepalived_not_started', vrrp.act('start'));
    expect(host.asked).to.deep.equal([]);
  });

  it('gets its configuration for root alone, and a check script for all to run', async () => {
    await vrrp.upload(config());
    expect((await stat(files.config)).mode & 0o777).to.equal(0o600);
    expect((await stat(files.checkScript)).mode & 0o777).to.equal(0o755);
    expect((await readFile(files.checkScript, 'utf8')).slice(0, 12)).to.equal('#!/bin/bash\n');
  });

  it('gets a configuration in which nopreempt has an effect', async () => {
    const { md5 } = await vrrp.upload(config('MASTER'));
    expect(md5).to.equal(createHash('md5').update(config('MASTER')).digest('hex'));
    expect(await readFile(files.config)).to.deep.equal(config('BACKUP'));
  });

  const recorded = new URL('../../fixtures/keepalived-conf/', import.meta.url);
  const names = (readdirSync(recorded, { recursive: true }) as string[]).filter((name) =>
    name.includes('vrrp-'),
  );
  for (const name of names) {
    it(`gets what a driver writes, with the words of its keepalived: ${name}`, async () => {
      const text = readFileSync(new URL(name, recorded), 'utf8');
      await vrrp.upload(Buffer.from(text.replaceAll('/var/lib/octavia', folder.path)));
      expect(await readFile(files.config, 'utf8')).to.not.include(' gateway ');
    });
  }

  it('keeps its configuration if another one is refused, which stays beside it', async () => {
    await vrrp.upload(config());
    const wrong = config().toString().replace('auth_pass', 'auth_password');
    const { message } = await faultOf('keepalived_config_refused', vrrp.upload(Buffer.from(wrong)));
    expect(message).to.include("line 19: Unknown keyword '…'").and.not.include(secret);
    expect(await readFile(files.config)).to.deep.equal(config());
    expect(await readFile(files.refused, 'utf8')).to.equal(wrong);
    await vrrp.upload(config());
    expect((await readdir(files.folder)).toSorted()).to.deep.equal([
      'check_script.sh',
      'check_scripts',
      'octavia-keepalived.conf',
    ]);
  });

  it('refuses nothing that it cannot check, and leaves nothing of it', async () => {
    const { keepalived, service } = host;
    const inNamespace = ['ip', 'netns', 'exec', 'not-there'];
    const before = makeVrrp({
      base: folder.path,
      problemsOf: () => [],
      check: (file) =>
        checkKeepalivedConfig({ run: realRun, memory: memoryFolder, inNamespace }, file),
      keepalived,
      service,
    });
    const { message } = await faultOf('vrrp_upload_failed', before.upload(config()));
    expect(message).to.include('Plug the port');
    expect((await readdir(files.folder)).toSorted()).to.deep.equal([
      'check_script.sh',
      'check_scripts',
    ]);
  });

  it('gets nothing of what no driver writes, of no text, and of no instance', async () => {
    for (const bytes of [
      Buffer.from(`include /etc/passwd\n${config().toString()}`),
      Buffer.from([0xff, 0xfe]),
      Buffer.from(''),
    ]) {
      await faultOf('keepalived_config_refused', vrrp.upload(bytes));
    }
    expect(await vrrp.state()).to.equal('absent');
  });

  it('gets no file through a link', async () => {
    const elsewhere = join(folder.path, 'elsewhere');
    await mkdir(elsewhere);
    const base = join(folder.path, 'linked');
    await mkdir(base);
    await symlink(elsewhere, join(base, 'vrrp'));
    const { keepalived, service } = host;
    const linked = makeVrrp({
      base,
      problemsOf: () => [],
      check: () => Promise.resolve(),
      keepalived,
      service,
    });
    await faultOf('vrrp_upload_failed', linked.upload(config()));
    expect(await readdir(elsewhere)).to.deep.equal([]);
  });
});
