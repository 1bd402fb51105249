import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { removeLeftTemporaries } from '../../src/amphora/temporaries.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('what killed uploads left', () => {
  const folder = temporaryFolder();

  it('is removed beside each kind of file, and not through a link', async () => {
    const at = (...names: string[]) => join(folder.path, ...names);
    const paths = {
      base: at('base'),
      certificates: at('base', 'certs'),
      agentConfig: at('etc', 'amphora-agent.conf'),
      interfaces: at('etc', 'interfaces'),
    };
    // No process has that number: it is above the limit of the kernel.
    const left = 'x.99999999-0123456789ab.new';
    const folders = [
      ...[
        at('etc'),
        at('tls'),
        paths.interfaces,
        paths.base,
        at('base', 'vrrp'),
        at('base', 'lvs'),
      ],
      at('base', 'certs', 'lb-1'),
    ];
    for (const each of [...folders, at('other')]) {
      await mkdir(each, { recursive: true });
      await writeFile(join(each, left), 'a key');
    }
    // The upload of an LVS listener is checked under a name that keepalived reads.
    const candidate = 'octavia-keepalivedlvs-l-1.conf.new';
    await writeFile(at('base', 'lvs', candidate), 'virtual_server');
    await writeFile(at('base', 'lvs', 'octavia-keepalivedlvs-l-1.conf'), 'virtual_server');
    await writeFile(at('base', 'vrrp', 'octavia-keepalived.conf.new'), 'auth_pass x');
    await symlink(at('other'), at('base', 'certs', 'lb-2'));
    await removeLeftTemporaries(paths, at('tls', 'server.pem'));
    for (const each of folders) expect(await readdir(each), each).to.not.include(left);
    expect(await readdir(at('base', 'lvs'))).to.deep.equal(['octavia-keepalivedlvs-l-1.conf']);
    expect(await readdir(at('base', 'vrrp'))).to.deep.equal([]);
    expect(await readdir(at('other'))).to.deep.equal([left]);
  });
});
