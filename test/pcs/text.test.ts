import { expect } from 'chai';

import { makePcsText } from '../../src/pcs/text.ts';
import { noPaths } from '../support/app-bench.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('the text of pcs about a CIB', () => {
  const folder = temporaryFolder();

  /** How often pcs is called for the same CIB: now, and again after this time. */
  async function askedAfter(ms: number, cib: string): Promise<number> {
    const clock = { ms: 5 };
    let asked = 0;
    const run = () => {
      asked += 1;
      return Promise.resolve({ exitCode: 0, stdout: 'text', stderr: '' });
    };
    const host = { run, paths: noPaths, readDeadlineMs: 1000, changeDeadlineMs: 1000 };
    const text = makePcsText(host, folder.path, () => clock.ms);
    await text.about(cib, ['constraint']);
    clock.ms += ms;
    await text.about(cib, ['constraint']);
    return asked;
  }

  it('is cached until the CIB changes', async () => {
    expect(await askedAfter(1e9, '<cib/>')).to.equal(1);
  });

  it('is cached for a minute if a rule may end', async () => {
    const cib = '<cib><date_expression id="d"/></cib>';
    expect(await askedAfter(59_999, cib)).to.equal(1);
    expect(await askedAfter(60_000, cib)).to.equal(2);
  });
});
