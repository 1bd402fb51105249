import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { refuseUnsharedState } from '../../src/controller/shared-state.ts';
import { parseXml } from '../../src/parsers/xml.ts';
import { faultOf } from '../support/faults.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const nothing = '<configuration><resources/></configuration>';
const filesystemAt = (directory: string) =>
  `<configuration><resources><group id="g"><primitive id="fs" class="ocf" provider="heartbeat" type="Filesystem">
  <instance_attributes id="a"><nvpair id="b" name="device" value="/dev/drbd0"/>
  <nvpair id="c" name="directory" value="${directory}"/></instance_attributes></primitive>
  <primitive id="c" class="systemd" type="ha-controller"/></group></resources></configuration>`;

describe('the state folder under Pacemaker', () => {
  const folder = temporaryFolder();
  const override = () => join(folder.path, '50-pacemaker.conf');
  const state = () => join(folder.path, 'state');
  beforeEach(async () => {
    await mkdir(state());
    await writeFile(override(), '');
  });

  async function check(mounts: readonly string[], cib = nothing): Promise<void> {
    const file = join(folder.path, 'mountinfo');
    const lines = mounts.map((each) => {
      const [path = '', type = ''] = each.split(' ');
      return `30 1 8:1 / ${path} rw,relatime shared:1 - ${type} /dev/x rw`;
    });
    await writeFile(file, `${lines.join('\n')}\n`);
    await refuseUnsharedState({
      folder: state(),
      override: override(),
      mounts: file,
      readConfiguration: () => Promise.resolve(parseXml(cib)),
    });
  }
  const refused = (...args: Parameters<typeof check>) =>
    faultOf('store_not_shared', check(...args));

  it('is refused on the disk of the host', async () => {
    const fault = await refused(['/ ext4', '/boot ext4', `${folder.path}/stat nfs4`]);
    expect(fault.message).to.include('on / (ext4)');
  });

  it('is refused on a disk that the cluster mounts elsewhere', async () => {
    await refused(['/ ext4', `${state()} xfs`], filesystemAt('/srv/other'));
    await refused(['/ ext4', `${state()} xfs`], filesystemAt(`${state()}2`));
  });

  it('is accepted on a disk that a Filesystem resource mounts there or above', async () => {
    await check(['/ ext4', `${state()} xfs`], filesystemAt(state()));
    await check(['/ ext4', `${folder.path} xfs`], filesystemAt(`${folder.path}/`));
  });

  it('is refused while the disk of the Filesystem resource is not mounted', async () => {
    await refused(['/ ext4'], filesystemAt(state()));
  });

  it('is accepted on a file system that several hosts have at once, without a look at the CIB', async () => {
    for (const type of ['nfs4', 'gfs2', 'ceph', 'fuse.glusterfs']) {
      await check(['/ ext4', `${state()} ${type}`], '<no-configuration/>');
    }
    await refused(['/ ext4', `${state()} fuse.sshfs-like`]);
  });

  it('may be a link to a shared disk', async () => {
    const link = join(folder.path, 'link');
    await symlink(state(), link);
    const file = join(folder.path, 'mountinfo');
    await writeFile(file, `30 1 8:1 / ${state()} rw - xfs /dev/x rw\n`);
    await refuseUnsharedState({
      folder: link,
      override: override(),
      mounts: file,
      readConfiguration: () => Promise.resolve(parseXml(filesystemAt(state()))),
    });
  });

  it('may lie anywhere if systemd itself starts the controller', async () => {
    await refuseUnsharedState({
      folder: state(),
      override: join(folder.path, 'nothing'),
      mounts: join(folder.path, 'nothing'),
      readConfiguration: () => Promise.reject(new Error('nobody asks')),
    });
  });
});
