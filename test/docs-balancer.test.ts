import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { commandsOf, describedProgram } from '../packaging/reference/commands.ts';
import { blocksOfChapter, countOf, filledIn } from './support/balancer/chapter.ts';

const replacements = {
  controller: '10.0.0.1',
  network: '10.0.0.0/24',
  firstFree: '10.0.0.101',
  lastFree: '10.0.0.150',
  members: ['10.0.0.9:1001', '10.0.0.9:1002'],
  token: 'secret',
} as const;

describe('docs/balancer.md', () => {
  it('leads to a load balancer in ten commands', async () => {
    expect(countOf(await blocksOfChapter())).to.equal(10);
  });

  it('writes networks that hactl can read, with the addresses of its reader', async () => {
    const commands = (await blocksOfChapter()).flatMap((each) => each.commands);
    const [, json = ''] = /^echo '(.*)' > \/etc\/ha-agent\/controller\.json$/m.exec(
      commands.map((each) => filledIn(each, replacements)).join('\n'),
    ) ?? ['', ''];
    const { balancer } = JSON.parse(json) as {
      balancer: { networks: { name: string; subnets: object[] }[] };
    };
    expect(balancer.networks[0]?.subnets[0]).to.deep.include({
      cidr: '10.0.0.0/24',
      pools: [{ from: '10.0.0.101', to: '10.0.0.150' }],
    });
    expect(commands.at(-1)).to.include(`--network ${balancer.networks[0]?.name ?? '?'} `);
  });

  it('names only commands and options that hactl has', async () => {
    const chapters = await readFile(new URL('../docs/balancer.md', import.meta.url), 'utf8');
    const known = commandsOf(describedProgram()).filter(({ isGroup }) => !isGroup);
    const named = [...chapters.matchAll(/\bhactl ((?:lb|node|controller|token) [^`\n;"]*)/g)].map(
      ([, text = '']) => text.trim(),
    );
    expect(named).to.have.length.above(25);
    const unknown = named.filter((text) => {
      const found = known.find(({ name }) => `${text} `.startsWith(`${name} `));
      const options = [...text.matchAll(/(?<= )--[a-z-]+/g)].map(([option]) => option);
      const has = (option: string) => found?.command.options.some(({ long }) => long === option);
      return found === undefined || !options.every(has);
    });
    expect(unknown).to.deep.equal([]);
  });

  it('has sentences of troubles that the program says', async () => {
    const chapters = await readFile(new URL('../docs/balancer.md', import.meta.url), 'utf8');
    const [, table = ''] = /^## Troubles\n([^]*?)^\| What you see/m.exec(chapters) ?? [];
    const sentences = [...table.matchAll(/^\| (.+?) \| .* \|$/gm)]
      .map(([, cell = '']) => cell)
      .filter((cell) => cell !== 'It says');
    expect(sentences).to.have.length.above(8);
    const folder = new URL('../src/balancer/', import.meta.url).pathname;
    const entries = await readdir(folder, { withFileTypes: true, recursive: true });
    const files = entries.filter((entry) => entry.isFile());
    const code = (
      await Promise.all(files.map((each) => readFile(join(each.parentPath, each.name), 'utf8')))
    ).join('\n');
    const unknown = sentences.filter((sentence) =>
      sentence.split('…').some((part) => !code.includes(part.trim())),
    );
    expect(unknown).to.deep.equal([]);
  });
});
