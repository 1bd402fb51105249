import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { configuredVips } from '../../../src/amphora/vrrp/vips.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const conf = `vrrp_instance web {
    interface eth0
    virtual_ipaddress {
        192.0.2.100/24
    }
    virtual_ipaddress_excluded {
        2001:db8::100
    }
}
`;

describe('the VIPs that keepalived has', () => {
  const folder = temporaryFolder();

  it('are those of its configuration, in both families', async () => {
    expect(await configuredVips(folder.path)).to.deep.equal([]);
    await mkdir(join(folder.path, 'vrrp'));
    await writeFile(join(folder.path, 'vrrp', 'octavia-keepalived.conf'), conf);
    expect(await configuredVips(folder.path)).to.deep.equal(['192.0.2.100', '2001:db8::100']);
  });

  it('are none if a link is in the place of its configuration', async () => {
    await mkdir(join(folder.path, 'vrrp'));
    await writeFile(join(folder.path, 'other.conf'), conf);
    const config = join(folder.path, 'vrrp', 'octavia-keepalived.conf');
    await symlink(join(folder.path, 'other.conf'), config);
    expect(await configuredVips(folder.path)).to.deep.equal([]);
  });
});
