import { expect } from 'chai';

import { faultOf } from '../../support/faults.ts';
import { storeLiferaft } from '../../support/liferafts.ts';
import { growTree, restoreBench, treeOf } from '../../support/restore-bench.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('a link that was followed into a liferaft', () => {
  const folder = temporaryFolder();
  const liferaft = {
    files: { '/disk/ssh/key': { content: 'secret', mode: 0o600 }, '/etc/passwd': '' },
    links: { '/etc/ssh': '/data/ssh', '/data': 'disk' },
  };

  it('is restored with its target, each to its own path', async () => {
    const { restorer, host, alphorn, warn } = restoreBench(folder.path);
    await growTree(alphorn.root, { '/etc': 'folder 755 0:0' });
    const name = await storeLiferaft(alphorn.liferafts, liferaft);
    await restorer.restore(host, name, undefined, warn);
    expect(await treeOf(alphorn.root)).to.deep.equal({
      '/data': 'link 0:0 disk',
      '/disk': 'folder 755 0:0',
      '/disk/ssh': 'folder 755 0:0',
      '/disk/ssh/key': 'file 600 0:0 secret',
      '/etc': 'folder 755 0:0',
      '/etc/passwd': 'file 644 0:0 ',
      '/etc/ssh': 'link 0:0 /data/ssh',
    });
    const { differences } = await restorer.diff(name);
    expect(differences).to.deep.equal([]);
  });

  it('does not replace a folder with content, and the message says what to do', async () => {
    const { restorer, host, alphorn, warn } = restoreBench(folder.path);
    const before = {
      '/etc': 'folder 755 0:0',
      '/etc/ssh': 'folder 755 0:0',
      '/etc/ssh/a': 'file 644 0:0 x',
    };
    await growTree(alphorn.root, before);
    const name = await storeLiferaft(alphorn.liferafts, liferaft);
    const { message } = await faultOf(
      'restore_blocked',
      restorer.restore(host, name, undefined, warn),
    );
    expect(message).to.include('/etc/ssh: It is a folder on this host, and stays.');
    expect(message).to.include('it is a link to /data/ssh: move the folder away to have that.');
    expect(await treeOf(alphorn.root)).to.deep.equal(before);
  });
});
