import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { ownersWithoutCertificates } from '../../../src/amphora/haproxies/owner-configs.ts';
import type { OwnerView } from '../../../src/amphora/haproxies/owner-configs.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('ownersWithoutCertificates', () => {
  const folder = temporaryFolder();
  const view = (id: string, ...files: string[]): Pick<OwnerView, 'owner' | 'uploaded'> => ({
    owner: { kind: 'loadbalancer', id },
    uploaded: {
      certificates: files.map((file) => join(folder.path, file)),
    } as unknown as OwnerView['uploaded'],
  });

  it('finds the owners that name a file which is not there', async () => {
    await writeFile(join(folder.path, 'there.pem'), '');
    const views = [
      view('a', 'there.pem', 'gone.pem'),
      view('b', 'there.pem'),
      view('c', 'gone.pem'),
    ];
    expect(await ownersWithoutCertificates(views)).to.deep.equal(['a', 'c']);
  });

  it('finds no owner without certificates in its configuration', async () => {
    expect(await ownersWithoutCertificates([view('a')])).to.deep.equal([]);
  });
});
