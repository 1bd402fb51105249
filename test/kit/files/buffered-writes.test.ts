import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';
import sinon from 'sinon';

import { bufferWrites } from '../../../src/kit/files/buffered-writes.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('buffered writes', () => {
  const folder = temporaryFolder();
  let file: FileHandle;
  beforeEach(async () => {
    file = await open(join(folder.path, 'a'), 'wx');
  });
  afterEach(async () => {
    await file.close();
  });

  const pieces = Array.from({ length: 3000 }, (_, index) =>
    Buffer.alloc(index % 1500, `${index} `),
  );

  async function writePieces(): Promise<void> {
    const writes = bufferWrites(file);
    for (const piece of pieces) await writes.write(piece);
    await writes.end();
  }

  const writtenAll = async () =>
    (await readFile(join(folder.path, 'a'))).equals(Buffer.concat(pieces));

  it('write all pieces in order, in few writes', async () => {
    const writev = sinon.spy(file, 'writev');
    await writePieces();
    expect(await writtenAll()).to.equal(true);
    expect(writev.callCount).to.be.below(15);
  });

  it('continue after a partial write', async () => {
    const writev = sinon.stub(file, 'writev');
    writev.callsFake(async ([first = Buffer.alloc(0), ...rest]) => {
      const whole = Buffer.concat([first as Buffer, ...(rest as Buffer[])]);
      const part = whole.subarray(0, 100_000);
      return { buffers: [part], ...(await file.write(part)) };
    });
    await writePieces();
    expect(await writtenAll()).to.equal(true);
  });

  it('fail with the error of the first failed write, at the end at the latest', async () => {
    sinon.stub(file, 'writev').rejects(new Error('no room'));
    const outcome = await writePieces().catch((error: unknown) => (error as Error).message);
    expect(outcome).to.equal('no room');
    const late = bufferWrites(file);
    expect(late.write(Buffer.from('a'))).to.equal(undefined);
    expect(await late.end().catch((error: unknown) => (error as Error).message)).to.equal(
      'no room',
    );
  });

  it('make the caller wait while the buffer is full, however small the pieces are', async () => {
    const writes = bufferWrites(file);
    let buffered = 0;
    while (writes.write(Buffer.alloc(1)) === undefined) buffered += 1;
    expect(buffered).to.be.below(1000);
    await writes.end();
  });
});
