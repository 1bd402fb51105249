import { statSync } from 'node:fs';
import { appendFile, chmod, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { replaceFile } from '../../../src/kit/files/files.ts';
import { isSameContent, isUnchanged } from '../../../src/kit/files/unchanged.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('a file between two checks', () => {
  const folder = temporaryFolder();

  for (const [title, change, unchanged, sameContent] of [
    ['is unchanged if nothing was done', () => Promise.resolve(), true, true],
    ['is changed by another mode', (path) => chmod(path, 0o640), false, true],
    ['is changed by other times', (path) => utimes(path, 1, 1), false, true],
    ['is changed by more content', (path) => appendFile(path, 'b'), false, false],
    ['is changed by a replacement', (path) => replaceFile(path, 'a', 0o600), false, false],
  ] as [string, (path: string) => Promise<void>, boolean, boolean][]) {
    it(title, async () => {
      const path = join(folder.path, 'file');
      await writeFile(path, 'a', { mode: 0o600 });
      const before = statSync(path);
      await change(path);
      const after = statSync(path);
      expect(isUnchanged(before, after)).to.equal(unchanged);
      expect(isSameContent(before, after)).to.equal(sameContent);
    });
  }

  it('is unchanged if it exists neither before nor after', () => {
    expect(isUnchanged(undefined, undefined)).to.equal(true);
    expect(isUnchanged(statSync(folder.path), undefined)).to.equal(false);
    expect(isUnchanged(undefined, statSync(folder.path))).to.equal(false);
  });
});
