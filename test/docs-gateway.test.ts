import { readdir, readFile } from 'node:fs/promises';

import { expect } from 'chai';

const root = new URL('../', import.meta.url);
/** Where the sentences of `hactl group status` are made. */
const sources = [
  'src/gateway/truth.ts',
  'src/bin/hactl/group/verdict.ts',
  'src/controller/nodes/client.ts',
  'src/controller/nodes/refusals.ts',
  'src/controller/vrrp/worker.ts',
  'src/node/heal.ts',
  'src/node/make.ts',
  'src/node/observation.ts',
  'src/node/orders.ts',
];

/** The cells of the first column below the heading "It says". */
function sentencesIn(chapter: string): string[] {
  return [...chapter.matchAll(/^\| (.+?) \| .* \|$/gm)]
    .map(([, cell = '']) => cell)
    .filter((cell) => cell !== 'It says');
}

describe('the troubles in docs/gateway.md', () => {
  let chapter = '';
  let code = '';

  before(async () => {
    const text = await readFile(new URL('docs/gateway.md', root), 'utf8');
    [, chapter = ''] = /^## Troubles\n([^]*?)^## /m.exec(text) ?? [];
    const host = (await readdir(new URL('src/node/host/', root))).map(
      (name) => `src/node/host/${name}`,
    );
    const texts = [...sources, ...host].map((path) => readFile(new URL(path, root), 'utf8'));
    code = (await Promise.all(texts)).join('\n');
  });

  it('are sentences that the program says', () => {
    const sentences = sentencesIn(chapter);
    expect(sentences).to.have.length.above(30);
    const unknown = sentences.filter((sentence) =>
      sentence.split('…').some((part) => !code.includes(part.trim())),
    );
    expect(unknown).to.deep.equal([]);
  });

  it('have each sentence on a node that the controller makes', async () => {
    const truth = await readFile(new URL('src/gateway/truth.ts', root), 'utf8');
    const plain = truth.replaceAll(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '…');
    const made = [...plain.matchAll(/[`']([A-Z…][^`'\n]*)\.[`']/g)].map(([, text = '']) => text);
    expect(made).to.have.length.above(8);
    // A group that is offline is not in trouble.
    const calm = ['The group is offline'];
    const documented = sentencesIn(chapter);
    const missing = made.filter((text) => ![...documented, ...calm].includes(text));
    expect(missing).to.deep.equal([]);
  });
});
