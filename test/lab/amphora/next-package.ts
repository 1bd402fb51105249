import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { run } from '../run.ts';

/** Packs a package again as its next version, which is newer to dpkg and the same otherwise. It lies in the folder. */
export async function nextPackage(debFile: string, folder: string): Promise<string> {
  const tree = await mkdtemp(join(folder, 'package-'));
  try {
    await run(['dpkg-deb', '--raw-extract', debFile, tree]);
    const control = join(tree, 'DEBIAN/control');
    const text = await readFile(control, 'utf8');
    await writeFile(control, text.replace(/^Version: .*$/m, '$&+next'));
    const file = join(folder, basename(debFile).replace('_amd64', '+next_amd64'));
    await run(['dpkg-deb', '--root-owner-group', '-Zgzip', '-z1', '--build', tree, file], {
      deadlineMs: 120_000,
    });
    return file;
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}
