import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

const source = new URL('../src/', import.meta.url).pathname;
const maxFiles = 15;
const maxLines = 300;

describe('the rooms of src', () => {
  it('are folders, and no file lies at the root', async () => {
    const entries = await readdir(source, { withFileTypes: true });
    expect(entries.filter((entry) => !entry.isDirectory())).to.deep.equal([]);
  });

  it(`have at most ${maxFiles} files each`, async () => {
    const folders = (await readdir(source, { withFileTypes: true, recursive: true })).filter(
      (entry) => entry.isDirectory(),
    );
    const crowded: string[] = [];
    for (const { parentPath, name } of folders) {
      const entries = await readdir(join(parentPath, name), { withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile()).length;
      if (files > maxFiles) crowded.push(`${join(parentPath, name)}: ${files} files`);
    }
    expect(crowded).to.deep.equal([]);
  });

  it(`have no file over ${maxLines} lines without a line '// Long because …'`, async () => {
    const entries = await readdir(source, { withFileTypes: true, recursive: true });
    const long: string[] = [];
    for (const { parentPath, name } of entries.filter((entry) => entry.isFile())) {
      const text = await readFile(join(parentPath, name), 'utf8');
      const lines = text.split('\n').length - 1;
      const isTypeScript = name.endsWith('.ts');
      if (isTypeScript && lines > maxLines && !/^\/\/ Long because \S/m.test(text)) {
        long.push(`${join(parentPath, name)}: ${lines} lines`);
      }
    }
    expect(long).to.deep.equal([]);
  });
});
