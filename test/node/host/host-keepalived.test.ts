import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import type { Host } from '../../../src/kit/host.ts';
import { makeHostKeepalived } from '../../../src/node/host/host-keepalived.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe("the file of the host's own keepalived", () => {
  const folder = temporaryFolder();
  const file = () => join(folder.path, 'keepalived.conf');

  function keepalivedOf({ isIncluding = true, state = 'inactive' } = {}) {
    const run: Host['run'] = () =>
      Promise.resolve({
        exitCode: 0,
        stdout: `Id=keepalived.service\nActiveState=${state}\nUnitFileState=disabled\n`,
        stderr: '',
      });
    const host = { run, readDeadlineMs: 1000, paths: { hostKeepalived: file() } };
    return makeHostKeepalived(host as unknown as Host<{ hostKeepalived: string }>, isIncluding);
  }

  it('is a part of the configuration when it is to be', async () => {
    await writeFile(file(), 'vrrp_instance own {\n}\n');
    expect(await keepalivedOf().include()).to.equal(file());
    expect(await keepalivedOf({ isIncluding: false }).include()).to.equal(undefined);
  });

  it('is no part of it while keepalived.service runs it', async () => {
    await writeFile(file(), 'vrrp_instance own {\n}\n');
    expect(await keepalivedOf({ state: 'active' }).include()).to.equal(undefined);
  });

  it('is no part of it while it is empty or missing', async () => {
    expect(await keepalivedOf().include()).to.equal(undefined);
    await writeFile(file(), '\n');
    expect(await keepalivedOf().include()).to.equal(undefined);
  });
});
