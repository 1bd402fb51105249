import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { acceptedDifferences } from '../../system/accepted-differences.ts';

describe('the accepted differences from pcs', () => {
  it('are the ones in the table of docs/contract.md', async () => {
    const contract = join(import.meta.dirname, '../../../docs/contract.md');
    const rows = (await readFile(contract, 'utf8')).matchAll(/^\| ([^|]*) \|/gm);
    const names = [...rows].map(([, name]) => name);
    expect(names).to.include.members(Object.keys(acceptedDifferences));
  });
});
