import { readFile, writeFile } from 'node:fs/promises';

import { expect } from 'chai';

import { editWithPcs } from '../../src/pcs/edit.ts';
import { noPaths } from '../support/app-bench.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('an edit by pcs', () => {
  const folder = temporaryFolder();

  it('lets pcs see no secret, in words or in the CIB, and puts each where it belongs', async () => {
    const there = '<cib><nvpair id="a" name="passwd" value="x &amp; $&amp; &quot;y"/></cib>';
    let seen = '';
    const run = async ({ argv: [, , file = '', ...words] }: { argv: readonly string[] }) => {
      const cib = await readFile(file, 'utf8');
      seen = [cib, ...words].join(' ');
      const [, password = ''] = (words.at(-1) ?? '').split('=');
      const added = `<nvpair id="b" name="password" value="${password}"/>`;
      await writeFile(file, cib.replace('</cib>', `${added}</cib>`));
      return { exitCode: 0, stdout: '', stderr: '' };
    };
    const host = { run, paths: noPaths, readDeadlineMs: 1000, changeDeadlineMs: 1000 };
    const words = ['stonith', 'update', 'f', ['ip', 'h'], ['password', `$' z<"`]] as const;
    const edited = await editWithPcs(host, folder.path, there, words, () => undefined);
    expect(seen).to.match(
      /^<cib><nvpair id="a" name="passwd" value="secret-\w+"\/><\/cib> stonith update f ip=h password=secret-\w+$/,
    );
    expect(edited).to.equal(
      there.replace(
        '</cib>',
        () => `<nvpair id="b" name="password" value="$' z&lt;&quot;"/></cib>`,
      ),
    );
  });
});
