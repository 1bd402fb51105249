import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { checkKeepalivedConfig } from '../../src/keepalived/check.ts';
import { makeKeepalivedProcess } from '../../src/keepalived/state.ts';
import { readKeepalivedVersion } from '../../src/keepalived/version.ts';
import { memoryFolder } from '../../src/kit/paths.ts';
import { installPackages } from '../lab/host.ts';
import { faultOf } from '../support/faults.ts';
import {
  driverConfig,
  type KeepalivedHost,
  makeKeepalivedHost,
  realRun,
  secret,
} from '../support/keepalived-host.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('keepalived', () => {
  const folder = temporaryFolder();
  let host: KeepalivedHost;
  before(() => installPackages(['keepalived', 'iproute2'], () => undefined));
  beforeEach(async () => {
    host = await makeKeepalivedHost(folder.path);
  });
  afterEach(() => host.remove());

  const check = async (config: string, inNamespace = host.inNamespace) => {
    const file = join(folder.path, 'k.conf');
    await writeFile(file, config);
    await checkKeepalivedConfig({ run: realRun, memory: memoryFolder, inNamespace }, file);
  };
  const config = driverConfig({ checkScript: '/bin/true' });

  it('accepts a configuration of a driver, with and without a state', async () => {
    await check(config);
    await check(driverConfig({ checkScript: '/bin/true', state: 'MASTER' }));
  });

  it('accepts each configuration of LVS that a driver writes', async () => {
    const script = join(folder.path, 'udp_check.sh');
    await writeFile(script, '#!/bin/sh\n', { mode: 0o100 });
    const recorded = new URL('../fixtures/keepalived-conf/', import.meta.url);
    const files = await readdir(recorded, { recursive: true });
    const ofLvs = files.filter((name) => /\/lvs-.*\.conf$/.test(name));
    expect(ofLvs).to.have.length.above(20);
    for (const name of ofLvs) {
      const text = (await readFile(new URL(name, recorded), 'utf8'))
        .replaceAll('/var/lib/octavia/lvs/check/udp_check.sh', script)
        .replace(/^net_namespace .*$/m, '');
      await check(text).catch((error: unknown) => {
        throw new Error(name, { cause: error });
      });
    }
  });

  it('refuses an interface that is not in the namespace', async () => {
    const { message } = await faultOf('keepalived_config_refused', check(config, []));
    expect(message).to.match(/line \d+: WARNING - interface …/);
  });

  const faults: [what: string, from: string, to: string][] = [
    ['an unknown word', 'auth_pass', 'auth_password'],
    ['a number out of range', 'virtual_router_id 1\n', 'virtual_router_id 300\n'],
    ['a word for a number', 'priority 100\n', `priority ${secret}\n`],
    ['a bad address', '    10.77.0.100\n', '    10.77.0.999\n'],
    ['a missing value', `auth_pass ${secret}`, 'auth_pass'],
    ['an open quote', 'auth_type PASS', 'auth_type "PASS'],
    ['a missing brace', '  track_script {\n', ''],
    ['a script that is not there', '/bin/true', '/nonexistent'],
  ];
  for (const [what, from, to] of faults) {
    it(`refuses ${what}, without a word of the secret`, async () => {
      const { message } = await faultOf(
        'keepalived_config_refused',
        check(config.replace(from, to)),
      );
      expect(message).not.to.include(secret);
    });
  }

  it('is missing if the host has none', async () => {
    await faultOf('tool_missing', check(config, ['PATH=/nonexistent']));
  });

  it('says nothing of a file that it cannot check because the namespace is missing', async () => {
    const { message } = await faultOf(
      'tool_failed',
      check(config, ['ip', 'netns', 'exec', 'not-there']),
    );
    expect(message).to.include('Plug the port');
  });

  it('has a version', async () => {
    expect(await readKeepalivedVersion(realRun)).to.match(/^2\.\d+\.\d+$/);
  });

  it('does not run if the process of its file is another one, or gone', async () => {
    const pidFile = join(folder.path, 'other.pid');
    const keepalived = makeKeepalivedProcess({ pidFile, dump: join(folder.path, 'none.json') });
    for (const content of ['', 'abc\n', `${process.pid}\n`, '4194304999\n']) {
      await writeFile(pidFile, content);
      expect(await keepalived.pid(), content).to.equal(undefined);
    }
    expect(await keepalived.instances()).to.equal(undefined);
  });
});
