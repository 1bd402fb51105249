import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';

import { expect } from 'chai';

const root = new URL('../', import.meta.url);

/** The paths of the repo that a text names in code, such as `src/kit/exec.ts`; those with a wildcard are left out. */
function pathsIn(text: string): string[] {
  return [...text.matchAll(/`((?:src|test|packaging|systemd|tools)\/[\w./-]*)`/g)].map(
    ([, path = '']) => path,
  );
}

describe('the paths in the documents', () => {
  it('exist in the repo', async () => {
    const documents = (await readdir(new URL('docs/', root)))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`);
    const missing: string[] = [];
    let count = 0;
    for (const document of ['README.md', 'CONTRIBUTING.md', ...documents]) {
      for (const path of pathsIn(await readFile(new URL(document, root), 'utf8'))) {
        count += 1;
        if (!existsSync(new URL(path, root))) missing.push(`${document}: ${path}`);
      }
    }
    expect(missing).to.deep.equal([]);
    expect(count).to.be.above(50);
  });
});
