import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';
import { execa } from 'execa';

import { layoutOf } from '../../../src/alphorn/format/archive.ts';
import { makeLiferaftCheck } from '../../../src/alphorn/format/check.ts';
import { liferaftOf } from '../../support/liferafts.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('the archive of a liferaft', () => {
  const folder = temporaryFolder();
  const long = `/${'folder-with-a-long-name/'.repeat(12)}file`;
  const files = {
    '/etc/hostname': 'node-a\n',
    '/etc/empty': '',
    '/etc/ünï\u{1f600}': 'not ASCII',
    '/etc/a line\nbreak': 'a name of two lines',
    '/etc/block': 'x'.repeat(512),
    '/etc/more': Buffer.alloc(70_000, 7),
    [long]: 'long',
  };
  const made = liferaftOf({ files, links: { '/etc/link': 'hostname' } });

  it('can be read by tar(1), with the manifest first and each file below root/', async () => {
    const path = join(folder.path, 'a.tar');
    await writeFile(path, made.bytes);
    const { stdout } = await execa('tar', [
      '--list',
      '--null',
      '--quoting-style=literal',
      '-f',
      path,
    ]);
    expect(stdout.replaceAll('a line\nbreak', 'a line break').split('\n')).to.deep.equal([
      'manifest.json',
      ...made.manifest.files.map((file) => `root${file.path.replace('\n', ' ')}`),
    ]);
    for (const [name, content] of Object.entries(files)) {
      const out = await execa('tar', ['-xOf', path, `root${name}`], {
        encoding: 'buffer',
        stripFinalNewline: false,
      });
      expect(Buffer.from(out.stdout).equals(Buffer.from(content)), name).to.equal(true);
    }
  });

  it('has only regular files, without owners and times', async () => {
    const path = join(folder.path, 'a.tar');
    await writeFile(path, made.bytes);
    const { stdout } = await execa('tar', [
      '--list',
      '--verbose',
      '--utc',
      '--numeric-owner',
      '-f',
      path,
    ]);
    for (const line of stdout.split('\n')) {
      expect(line).to.match(/^-rw------- 0\/0 +\d+ 1970-01-01 00:00 /);
    }
  });

  it('has the same bytes for the same content, whatever the order in which files were found', () => {
    const reversed = Object.fromEntries(Object.entries(files).reverse());
    const again = liferaftOf({ files: reversed, links: { '/etc/link': 'hostname' } });
    expect(again.bytes.equals(made.bytes)).to.equal(true);
    expect(again.digest).to.equal(made.digest);
  });

  it('has the offset and the end of each file as its layout says', () => {
    const { places, size } = layoutOf(made.manifest);
    expect(size).to.equal(made.bytes.length);
    for (const { file, start } of places) {
      const content = made.bytes.subarray(start, start + file.size);
      expect(content.equals(Buffer.from(files[file.path] ?? 'missing')), file.path).to.equal(true);
    }
  });

  it('passes its check if it is read in pieces of any size', () => {
    for (const size of [1, 7, 511, 512, 513, 65_536, made.bytes.length]) {
      const check = makeLiferaftCheck({ digest: made.digest, maxBytes: made.bytes.length });
      for (let at = 0; at < made.bytes.length; at += size) {
        check.write(made.bytes.subarray(at, at + size));
      }
      expect(check.end().manifest).to.deep.equal(made.manifest);
    }
  });
});
