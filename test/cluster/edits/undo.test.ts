import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { openUndoStore, type ReversibleStep } from '../../../src/cluster/edits/engine/undo.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('the store of inverses', () => {
  const temporary = temporaryFolder();
  const folder = () => join(temporary.path, 'undo');
  const limits = { files: 3, bytes: 1000, ageMs: 1000 };
  const step: ReversibleStep = { before: '0.1', after: '0.2', forward: '<f/>', inverse: '<i/>' };
  const clock = { ms: 0 };
  const open = (more = {}) => openUndoStore(folder(), { ...limits, ...more }, () => clock.ms);
  const names = async () => (await readdir(folder())).sort();

  beforeEach(() => {
    clock.ms = Date.now();
  });

  it('has one file for each change with all its steps, readable by root only', async () => {
    const store = open();
    await store.keep('a', [step]);
    await store.keep('a', [step, { ...step, before: '0.2', after: '0.3' }]);
    expect(await names()).to.deep.equal(['a']);
    const { id, steps } = JSON.parse(await readFile(join(folder(), 'a'), 'utf8')) as {
      id: string;
      steps: ReversibleStep[];
    };
    expect([id, steps.map(({ after }) => after)]).to.deep.equal(['a', ['0.2', '0.3']]);
    expect((await stat(join(folder(), 'a'))).mode & 0o777).to.equal(0o600);
    expect((await stat(folder())).mode & 0o777).to.equal(0o700);
  });

  it('keeps the latest changes up to the limit, also after a restart', async () => {
    for (const id of ['a', 'b', 'c', 'd']) {
      await open().keep(id, [step]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(await names()).to.deep.equal(['b', 'c', 'd']);
  });

  it('keeps no more bytes than the limit, except for the change about to be made', async () => {
    const store = open();
    await store.keep('a', [step]);
    await store.keep('b', [{ ...step, inverse: 'x'.repeat(2000) }]);
    expect(await names()).to.deep.equal(['b']);
    await store.keep('c', [step]);
    expect(await names()).to.deep.equal(['c']);
  });

  it('removes files that are too old', async () => {
    const store = open();
    await store.keep('a', [step]);
    clock.ms += 999;
    await store.keep('b', [step]);
    expect(await names()).to.deep.equal(['a', 'b']);
    clock.ms += 2;
    await store.keep('c', [step]);
    expect(await names()).to.deep.equal(['b', 'c']);
  });

  it('removes the file of a change that was not made, and a file that a kill left incomplete', async () => {
    const store = open();
    await store.keep('a', [step]);
    await store.forget('a');
    expect(await names()).to.deep.equal([]);
    await writeFile(join(folder(), 'b.0123456789ab.new'), 'half');
    await open().keep('c', [step]);
    expect(await names()).to.deep.equal(['c']);
  });
});
