import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { expect } from 'chai';
import { cruise, type ICruiseResult } from 'dependency-cruiser';

import { forbidden } from '../dependency-cruiser.config.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

/** The names of the rules that a planted source tree breaks. */
async function brokenIn(
  folder: string,
  files: Readonly<Record<string, string>>,
): Promise<string[]> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const { output } = await cruise(['src'], {
    ruleSet: { forbidden },
    validate: true,
    baseDir: folder,
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts'] },
  });
  const { violations } = (output as ICruiseResult).summary;
  return [...new Set(violations.map(({ rule }) => rule.name))].sort();
}

const importing = (place: string) => `import { a } from '${place}';\nexport const b = a;\n`;
const a = 'export const a = 1;\n';

describe('the walls between the rooms', () => {
  const folder = temporaryFolder();
  const broken = (files: Readonly<Record<string, string>>) => brokenIn(folder.path, files);

  const planted: [what: string, rule: string, files: Readonly<Record<string, string>>][] = [
    [
      'a circle of two files',
      'no-circles',
      {
        'src/kit/a.ts': "import { b } from './b.ts';\nexport const a = () => b;\n",
        'src/kit/b.ts': "import { a } from './a.ts';\nexport const b = () => a;\n",
      },
    ],
    [
      'a circle that has only types',
      'no-circles',
      {
        'src/kit/a.ts': "import type { B } from './b.ts';\nexport interface A { b?: B }\n",
        'src/kit/b.ts': "import type { A } from './a.ts';\nexport interface B { a?: A }\n",
      },
    ],
    [
      'an import across two families',
      'families-are-apart',
      { 'src/alphorn/a.ts': a, 'src/cluster/b.ts': importing('../alphorn/a.ts') },
    ],
    [
      'routes of one family that import those of another',
      'routes-are-apart',
      { 'src/routes/ha/a.ts': a, 'src/routes/peers/b.ts': importing('../ha/a.ts') },
    ],
    [
      'routes that ask the domain of another family',
      'routes-ask-their-own-domain',
      { 'src/alphorn/a.ts': a, 'src/routes/ha/b.ts': importing('../../alphorn/a.ts') },
    ],
    [
      'a route that knows a command',
      'routes-know-no-command',
      { 'src/pcs/a.ts': a, 'src/routes/ha/b.ts': importing('../../pcs/a.ts') },
    ],
    [
      'a server that knows a family',
      'shared-rooms-know-no-family',
      { 'src/alphorn/a.ts': a, 'src/server/b.ts': importing('../alphorn/a.ts') },
    ],
    [
      'a domain that knows the server',
      'families-know-no-http',
      { 'src/server/a.ts': a, 'src/cluster/b.ts': importing('../server/a.ts') },
    ],
    [
      'a domain that speaks HTTP',
      'only-server-and-sender-speak-http',
      {
        'src/cluster/b.ts': "import { STATUS_CODES } from 'node:http';\nexport { STATUS_CODES };\n",
      },
    ],
    [
      'a request to a node from anywhere else',
      'only-links-use-undici',
      { 'node_modules/undici/index.ts': a, 'src/cluster/b.ts': importing('undici') },
    ],
    [
      'a neighbour that knows a family',
      'neighbours-know-no-family',
      { 'src/cluster/a.ts': a, 'src/pacemaker/b.ts': importing('../cluster/a.ts') },
    ],
    [
      'a kit that knows anything else',
      'kit-knows-nothing',
      { 'src/parsers/a.ts': a, 'src/kit/b.ts': importing('../parsers/a.ts') },
    ],
    [
      'a parser that reads a file',
      'parsers-are-pure',
      { 'src/parsers/b.ts': "import { readFileSync } from 'node:fs';\nexport { readFileSync };\n" },
    ],
    [
      'an import of a process',
      'bin-is-imported-by-nobody',
      { 'src/bin/a.ts': a, 'src/server/b.ts': importing('../bin/a.ts') },
    ],
  ];

  for (const [what, rule, files] of planted) {
    it(`forbid ${what}`, async () => {
      expect(await broken(files)).to.include(rule);
    });
  }

  it('allow an import in the right direction', async () => {
    expect(
      await broken({
        'src/cluster/a.ts': a,
        'src/routes/ha/b.ts': importing('../../cluster/a.ts'),
      }),
    ).to.deep.equal([]);
  });
});
