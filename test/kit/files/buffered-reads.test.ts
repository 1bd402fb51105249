import { randomBytes } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { bufferReads } from '../../../src/kit/files/buffered-reads.ts';

const mebibyte = 1024 * 1024;

async function all(stream: Readable): Promise<Buffer[]> {
  const pieces = [];
  for await (const piece of bufferReads(stream)) pieces.push(Buffer.from(piece));
  return pieces;
}

describe('buffered reads', () => {
  const inPieces = (bytes: Buffer, size: number) =>
    Readable.from(
      (function* () {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      })(),
      { objectMode: false },
    );

  for (const size of [1000, 16_384, mebibyte, 2_500_000]) {
    it(`combine pieces of ${size} bytes into large ones, complete and in order`, async () => {
      const bytes = randomBytes(5 * mebibyte + 12_345);
      const [got, lengths]: [Buffer[], number[]] = [[], []];
      for await (const piece of bufferReads(inPieces(bytes, size))) {
        // Reads so slowly that sometimes no buffer is free.
        await sleep(5);
        got.push(Buffer.from(piece));
        lengths.push(piece.length);
      }
      expect(Buffer.concat(got).equals(bytes)).to.equal(true);
      expect(lengths).to.deep.equal([...Array<number>(5).fill(mebibyte), 12_345]);
    });
  }

  it('leave a piece unchanged until the next one has been used, with only three buffers', async () => {
    const bytes = randomBytes(9 * mebibyte);
    const buffers = new Set<ArrayBufferLike>();
    let before: { piece: Buffer; at: number } | undefined;
    let at = 0;
    for await (const piece of bufferReads(inPieces(bytes, 16_384))) {
      buffers.add(piece.buffer);
      await sleep(5);
      const former = before && bytes.subarray(before.at, before.at + before.piece.length);
      expect(former === undefined || before?.piece.equals(former)).to.equal(true);
      before = { piece, at };
      at += piece.length;
    }
    expect(buffers.size).to.equal(3);
  });

  it('give nothing for an empty stream', async () => {
    const stream = new PassThrough();
    stream.end();
    expect(await all(stream)).to.deep.equal([]);
  });

  it('fail with the error of the stream', async () => {
    const stream = new PassThrough();
    stream.write('some');
    setTimeout(() => stream.destroy(new Error('gone')), 10);
    const failure = await all(stream).catch((error: unknown) => error);
    expect((failure as Error).message).to.equal('gone');
  });

  it('fail when the stream is closed before its end', async () => {
    const stream = new PassThrough();
    setTimeout(() => stream.destroy(), 10);
    const failure = await all(stream).catch((error: unknown) => error);
    expect((failure as Error).message).to.include('before its end');
  });

  it('fail when the stream was destroyed before they started', async () => {
    const stream = new PassThrough();
    stream.destroy();
    await new Promise((resolve) => stream.once('close', resolve));
    const failure = await all(stream).catch((error: unknown) => error);
    expect((failure as Error).message).to.include('before its end');
  });

  it('discard the rest of the stream when they end early', async () => {
    const stream = inPieces(randomBytes(8 * mebibyte), 16_384);
    for await (const piece of bufferReads(stream)) {
      expect(piece.length).to.equal(mebibyte);
      break;
    }
    await new Promise((resolve) => stream.once('close', resolve));
    expect(stream.readableEnded).to.equal(true);
  });
});
