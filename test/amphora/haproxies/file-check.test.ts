import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { checkFile, type FileCheckParts } from '../../../src/amphora/haproxies/file-check.ts';
import { makeRun } from '../../../src/kit/exec.ts';
import { driverConfigOf, namesOf } from '../../support/amphora-owners.ts';
import { faultOf } from '../../support/faults.ts';
import { needsHaproxy } from '../../support/haproxy-processes.ts';
import { keepingLog } from '../../support/keeping-log.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('a check of a configuration in a file', () => {
  needsHaproxy();
  const folder = temporaryFolder();
  const base = () => join(folder.path, 'octavia');
  const parts = (): FileCheckParts => ({
    paths: {
      base: base(),
      certificates: join(base(), 'certs'),
      agentConfig: join(folder.path, 'amphora-agent.conf'),
      interfaces: join(folder.path, 'interfaces'),
      logSocket: join(folder.path, 'log'),
    },
    check: { run: makeRun(keepingLog().log), inNamespace: [], peer: 'peer', deadlineMs: 20_000 },
    version: () => Promise.resolve('2.6.12'),
    memory: join(folder.path, 'memory'),
  });
  const listeners = [{ id: 'listener-1', port: 18_080, members: [1] }];
  const file = () => join(folder.path, 'some.cfg');
  const check = async (text: string, path = file()) => {
    await writeFile(path, text);
    await checkFile(parts(), path);
  };
  let config: string;

  beforeEach(async () => {
    await mkdir(base());
    await mkdir(join(folder.path, 'memory'));
    config = driverConfigOf({ base: base() }, 'lb-1', listeners);
  });

  it('accepts what an upload accepts, and leaves nothing', async () => {
    await check(config);
    const grouped = config.replace('    user nobody\n', '    user nobody\n    group nogroup\n');
    await check(grouped);
    expect(await namesOf(base())).to.deep.equal([]);
    expect(await namesOf(join(folder.path, 'memory'))).to.deep.equal([]);
  });

  it('refuses what no driver writes by its line, before haproxy reads it', async () => {
    const touched = join(base(), 'touched');
    await writeFile(join(base(), 'x.lua'), `io.open('${touched}', 'w'):close()\n`);
    const lua = config.replace('    daemon\n', `    daemon\n    lua-load ${base()}/x.lua\n`);
    const { message } = await faultOf('haproxy_config_refused', check(lua));
    expect(message).to.match(/^Line 4: /);
    expect(await namesOf(base())).to.deep.equal(['x.lua']);
  });

  it('refuses what haproxy refuses with its reason', async () => {
    const twice = config.replace(/^frontend/m, 'frontend listener-1\n    mode tcp\n\nfrontend');
    const { message } = await faultOf('haproxy_config_refused', check(twice));
    expect(message).to.contain('haproxy.cfg:');
    expect(await namesOf(join(folder.path, 'memory'))).to.deep.equal([]);
  });

  it('takes the owner from the folder if no line has it', async () => {
    const without = config.replace(/^ +stats socket.*\n/m, '');
    const { message } = await faultOf('haproxy_config_refused', check(without));
    expect(message).to.include(`stats socket ${base()}/ID.sock`);
    await mkdir(join(base(), 'lb-1'));
    await check(without, join(base(), 'lb-1', 'haproxy.cfg'));
    const other = config.replace('lb-1.sock', 'lb-2.sock');
    await faultOf('haproxy_config_refused', check(other));
  });

  it('has no owner by a name that is none', async () => {
    await mkdir(join(folder.path, 'certs'));
    await symlink(join(folder.path, 'certs'), join(base(), 'certs'));
    const without = config.replace(/^ +stats socket.*\n/m, '');
    await faultOf('haproxy_config_refused', check(without, join(base(), 'certs', 'haproxy.cfg')));
  });
});
