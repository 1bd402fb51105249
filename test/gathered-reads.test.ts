import { PassThrough, Readable } from 'node:stream';

import { expect } from 'chai';

import { gatherReads } from '../src/gathered-reads.ts';

const mb = 1024 * 1024;

describe('gathered reads', () => {
  it('hand on all that comes, in large pieces', async () => {
    const bytes = Buffer.from(Array.from({ length: 5 * mb + 17 }, (_, index) => index % 251));
    const small = Array.from({ length: Math.ceil(bytes.length / 65_000) }, (_, index) =>
      bytes.subarray(index * 65_000, (index + 1) * 65_000),
    );
    const got: Buffer[] = [];
    for await (const piece of gatherReads(Readable.from(small))) got.push(Buffer.from(piece));
    expect(got.map(({ length }) => length)).to.deep.equal([mb, mb, mb, mb, mb, 17]);
    expect(Buffer.concat(got).equals(bytes)).to.equal(true);
  });

  it('end with an error when the stream is closed before its end', async () => {
    const stream = new PassThrough();
    const reading = failureOf(stream);
    stream.write('begun');
    setImmediate(() => stream.destroy());
    expect(await reading).to.include('closed before its end');
  });

  it('do so too when it was closed before anybody read', async () => {
    const stream = new PassThrough();
    stream.write('begun');
    stream.destroy();
    await new Promise((resolve) => stream.once('close', resolve));
    expect(await failureOf(stream)).to.include('closed before its end');
  });

  it('leave the rest to be thrown away when nobody wants more of it', async () => {
    const stream = Readable.from(Array.from({ length: 40 }, () => Buffer.alloc(mb / 4)));
    for await (const piece of gatherReads(stream)) {
      expect(piece.length).to.equal(mb);
      break;
    }
    await new Promise((resolve) => stream.once('end', resolve));
  });
});

async function failureOf(stream: Readable): Promise<string> {
  try {
    for await (const piece of gatherReads(stream)) expect(piece).to.be.instanceOf(Buffer);
    return 'none';
  } catch (error) {
    return (error as Error).message;
  }
}
