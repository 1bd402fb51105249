import { readFile } from 'node:fs/promises';

const document = new URL('../../../docs/balancer.md', import.meta.url);

/** Commands of the chapter, and where they are typed: the word after `sh`. */
export interface Block {
  place: 'each' | 'a' | 'b' | 'c';
  commands: string[];
}

/** The blocks of "Set up three hosts" in docs/balancer.md, in their order. */
export async function blocksOfChapter(): Promise<Block[]> {
  const markdown = await readFile(document, 'utf8');
  const [, chapter = ''] = /^## Set up three hosts\n([^]*?)^## /m.exec(markdown) ?? [];
  return [...chapter.matchAll(/^```sh (each|a|b|c)\n([^]*?)^```$/gm)].map(
    ([, place = '', text = '']) => ({
      place: place as Block['place'],
      commands: text.trim().split('\n'),
    }),
  );
}

/** How many commands somebody types who follows the blocks on three hosts. */
export function countOf(blocks: readonly Block[]): number {
  return blocks.reduce(
    (sum, { place, commands }) => sum + (place === 'each' ? 3 : 1) * commands.length,
    0,
  );
}

/** What the document asks its reader to replace. */
export interface Replacements {
  /** The address of the host a. */
  controller: string;
  network: string;
  firstFree: string;
  lastFree: string;
  /** With their ports. */
  members: readonly [string, string];
  token: string | undefined;
}

/** @throws {Error} if the command needs a token and there is none, or if an address of the document would stay in it */
export function filledIn(command: string, by: Replacements): string {
  const filled = command
    .replaceAll('192.0.2.0/24', by.network)
    .replaceAll('192.0.2.100', by.firstFree)
    .replaceAll('192.0.2.199', by.lastFree)
    .replaceAll('192.0.2.11:', `${by.controller}:`)
    .replaceAll('192.0.2.21:80', by.members[0])
    .replaceAll('192.0.2.22:80', by.members[1])
    .replaceAll(/\bTOKEN\b/g, () => {
      if (by.token === undefined) throw new Error(`There is no token for ${command}`);
      return by.token;
    });
  if (filled.includes('192.0.2.')) throw new Error(`An address stays in ${filled}`);
  return filled;
}
