import { createHash } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { digestOf, type Pieces, readPieces } from '../../../src/kit/files/pieces.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('the pieces of a file', () => {
  const folder = temporaryFolder();

  async function texts(content: string, pieces?: Pieces): Promise<string[]> {
    const path = join(folder.path, 'file');
    await writeFile(path, content);
    const file = await open(path, 'r');
    const found: string[] = [];
    for await (const piece of readPieces(file, pieces)) found.push(piece.toString());
    await file.close();
    return found;
  }
  const buffers = (count: number, bytes: number) =>
    Array.from({ length: count }, () => Buffer.alloc(bytes));

  it('are as long as the buffers, except the last one', async () => {
    expect(await texts('abcde', { buffers: buffers(1, 2) })).to.deep.equal(['ab', 'cd', 'e']);
    expect(await texts('abcd', { buffers: buffers(1, 2) })).to.deep.equal(['ab', 'cd']);
    expect(await texts('')).to.deep.equal([]);
  });

  it('start and end at the requested offsets', async () => {
    const from1 = { start: 1, buffers: buffers(1, 2) };
    expect(await texts('abcde', { ...from1, length: 3 })).to.deep.equal(['bc', 'd']);
    expect(await texts('abcde', { ...from1, length: 9 })).to.deep.equal(['bc', 'de']);
    expect(await texts('abcde', { ...from1, length: 0 })).to.deep.equal([]);
  });

  it('stay unchanged until all other buffers were filled', async () => {
    const path = join(folder.path, 'file');
    await writeFile(path, 'abcdef');
    const file = await open(path, 'r');
    const seen: Buffer[] = [];
    for await (const piece of readPieces(file, { buffers: buffers(2, 2) })) seen.push(piece);
    await file.close();
    // The third piece uses the buffer of the first one; the second piece is unchanged.
    expect(seen.map(String)).to.deep.equal(['ef', 'cd', 'ef']);
  });

  it('give the digest of the file', async () => {
    const content = Buffer.alloc(600_000, 'abc');
    const path = join(folder.path, 'file');
    await writeFile(path, content);
    const file = await open(path, 'r');
    expect(await digestOf(file)).to.deep.equal({
      bytes: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
    });
    await file.close();
  });
});
