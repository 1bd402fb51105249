import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import type { Owner } from '../../../src/amphora/amphora.ts';
import { waitUntil } from '../../lab/wait.ts';
import {
  driverConfigOf,
  makeOwnerHost,
  namesOf,
  type OwnerHost,
  textOf,
} from '../../support/amphora-owners.ts';
import { needsHaproxy } from '../../support/haproxy-processes.ts';
import { freePort } from '../../support/peer-host.ts';
import { run } from '../../lab/run.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const lb: Owner = { kind: 'loadbalancer', id: 'lb-1' };

describe('the start of the agent', () => {
  needsHaproxy();
  const folder = temporaryFolder();
  let host: OwnerHost;

  beforeEach(async () => {
    host = await makeOwnerHost(folder.path);
  });
  afterEach(() => host.processes.end());

  const inBase = (...names: string[]) => join(host.paths.base, ...names);
  const uploaded = async (id = lb.id) => {
    const listeners = [{ id: `of-${id}`, port: await freePort(), members: [1] }];
    const text = driverConfigOf(host.paths, id, listeners);
    await host.haproxies.upload({ kind: 'loadbalancer', id }, Buffer.from(text));
  };

  it('writes the files that all owners share', async () => {
    expect(await textOf(inBase('haproxy-default-user-group.conf'))).to.equal(
      'global\n    group nogroup\n',
    );
    expect(await textOf(inBase('ha-amphora.env'))).to.contain(`AMPHORA_BASE=${host.paths.base}\n`);
    expect(await textOf(inBase('ping-wrapper.sh'))).to.match(/^#!\/bin\/sh\n/);
  });

  it('lets another user than root run the check script, although the agent makes files for root alone', async () => {
    await rm(inBase('vrrp'), { recursive: true });
    const former = process.umask(0o077);
    try {
      await host.haproxies.recover();
    } finally {
      process.umask(former);
    }
    for (const each of ['vrrp', 'vrrp/check_scripts']) {
      expect((await stat(inBase(each))).mode & 0o777, each).to.equal(0o755);
    }
  });

  it('starts what should run, and nothing else', async () => {
    await uploaded('lb-1');
    await uploaded('lb-2');
    await host.haproxies.act(lb, 'start');
    await host.processes.stop('lb-1');
    await host.haproxies.recover();
    expect([...host.processes.running.keys()]).to.deep.equal(['lb-1']);
  });

  it('enables what runs and was not enabled before a kill', async () => {
    await uploaded();
    await host.processes.start('lb-1');
    // The master executes itself once more, and has no arguments for a moment.
    await waitUntil('the process', async () => {
      const [listener] = await host.haproxies.listeners();
      return listener?.status === 'ACTIVE';
    });
    await host.haproxies.recover();
    expect([...host.processes.enabled]).to.deep.equal(['lb-1']);
  });

  it('removes what a killed upload left', async () => {
    await uploaded();
    await writeFile(inBase('lb-1', 'haproxy.cfg.new'), 'half');
    await writeFile(inBase('lb-1', 'haproxy.cfg.4194305-0123456789ab.new'), 'half');
    await host.haproxies.recover();
    expect(await namesOf(inBase('lb-1'))).to.deep.equal(['haproxy.cfg']);
  });

  it('finishes a deletion', async () => {
    const before = await namesOf(host.paths.base);
    await uploaded();
    await writeFile(inBase('lb-1', 'deleting'), '');
    await mkdir(inBase('lb-2'));
    await writeFile(inBase('lb-2', 'deleting'), '');
    await host.haproxies.recover();
    expect(await namesOf(host.paths.base)).to.deep.equal(before);
    expect(host.removed).to.deep.equal(['lb-1']);
  });

  it('leaves a check script that fails unless what should run answers', async () => {
    const script = inBase('vrrp', 'check_scripts', 'haproxy_check_script.sh');
    const code = (shell: string) =>
      run([shell, script]).then(
        () => 0,
        () => 1,
      );
    expect(await textOf(script)).to.match(/^#!\/bin\/sh\n/);
    expect(await code('sh')).to.equal(1);
    await uploaded();
    await host.haproxies.act(lb, 'start');
    expect([await code('sh'), await code('bash')]).to.deep.equal([0, 0]);
    await host.processes.stop('lb-1');
    expect(await code('sh')).to.equal(1);
    await host.haproxies.remove(lb);
    expect(await code('sh')).to.equal(1);
  });
});
