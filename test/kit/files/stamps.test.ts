import { appendFile, chmod, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import {
  fileStamp,
  folderStamp,
  subfoldersStamp,
  toolStamp,
} from '../../../src/kit/files/stamps.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('a stamp', () => {
  const folder = temporaryFolder();
  const at = (...names: string[]) => join(folder.path, ...names);

  const stamps = {
    'of a file': () => fileStamp(at('root', 'provider', 'agent')),
    'of a folder': () => folderStamp(at('root', 'provider')),
    'of subfolders': () => subfoldersStamp(at('root')),
  };

  const changes: Readonly<Record<string, () => Promise<unknown>>> = {
    'was written to': () => appendFile(at('root', 'provider', 'agent'), 'more'),
    'was made executable': () => chmod(at('root', 'provider', 'agent'), 0o755),
    'was removed': () => rm(at('root', 'provider', 'agent')),
    'was replaced by one with the same times': async () => {
      await writeFile(at('new'), '');
      await utimes(at('new'), 0, 0);
      await rename(at('new'), at('root', 'provider', 'agent'));
    },
  };

  beforeEach(async () => {
    await mkdir(at('root', 'provider'), { recursive: true });
    await writeFile(at('root', 'README'), '');
    await writeFile(at('root', 'provider', 'agent'), '');
    await utimes(at('root', 'provider', 'agent'), 0, 0);
  });

  for (const [what, stampOf] of Object.entries(stamps)) {
    it(`${what} stays the same while nothing changes`, async () => {
      expect(await stampOf()).to.equal(await stampOf());
    });

    for (const [event, change] of Object.entries(changes)) {
      it(`${what} changes when a file ${event}`, async () => {
        const before = await stampOf();
        await change();
        expect(await stampOf()).not.to.equal(before);
      });
    }
  }

  it('for a folder changes when a file is created, except for a name that is not part of it', async () => {
    const before = await folderStamp(at('root', 'provider'), 'fence_');
    await writeFile(at('root', 'provider', 'other'), '');
    expect(await folderStamp(at('root', 'provider'), 'fence_')).to.equal(before);
    await writeFile(at('root', 'provider', 'fence_x'), '');
    expect(await folderStamp(at('root', 'provider'), 'fence_')).not.to.equal(before);
  });

  it('for subfolders changes when a subfolder is created or renamed', async () => {
    const seen = [await subfoldersStamp(at('root'))];
    await mkdir(at('root', 'another'));
    seen.push(await subfoldersStamp(at('root')));
    await rename(at('root', 'another'), at('root', 'other'));
    seen.push(await subfoldersStamp(at('root')));
    expect(new Set(seen).size).to.equal(3);
  });

  it('for a folder itself changes when a name in it does', async () => {
    const before = await fileStamp(at('root', 'provider'));
    await symlink('/dev/null', at('root', 'provider', 'masked'));
    expect(await fileStamp(at('root', 'provider'))).not.to.equal(before);
  });

  it('exists even for a missing file', async () => {
    for (const stampOf of [fileStamp, folderStamp, subfoldersStamp]) {
      expect(await stampOf(at('nothing'))).to.equal(await stampOf(at('nothing')));
    }
  });

  it('for a tool differs from that of a missing one', async () => {
    expect(await toolStamp('sh')).not.to.equal(await toolStamp('no-such-tool'));
  });
});
