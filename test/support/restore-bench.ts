import {
  chmod,
  lchown,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { makeRestorer, type Restorer } from '../../src/alphorn/restoring/restore.ts';
import type { KeepLimits } from '../../src/alphorn/restoring/limits.ts';
import { openStore } from '../../src/alphorn/receiving/store.ts';
import type { Host } from '../../src/kit/host.ts';
import type { Paths } from '../../src/bin/wiring/paths.ts';
import type { AlphornPaths } from '../../src/alphorn/paths.ts';
import { noPaths } from './app-bench.ts';
import { storeLiferaft } from './liferafts.ts';

/** A host in a folder: restored files are below `root`. */
export interface RestoreBench {
  restorer: Restorer;
  host: Host<Paths>;
  alphorn: AlphornPaths;
  /** The warnings that came with the answers. */
  warnings: string[];
  warn: (text: string) => void;
  /** The state of Pacemaker according to systemd. */
  pacemaker: { activeState: string };
  /** The lines for the journal of the system. */
  journal: { lines: string[]; exitCode: number };
}

/** @param limits the limits for saved restores */
export function restoreBench(folder: string, limits?: KeepLimits): RestoreBench {
  const alphorn: AlphornPaths = {
    ...noPaths.alphorn,
    root: join(folder, 'root'),
    own: '/var/lib/alphorn/own',
    liferafts: join(folder, 'liferafts'),
    restores: join(folder, 'restore'),
    passwd: join(folder, 'root/etc/passwd'),
    group: join(folder, 'root/etc/group'),
  };
  const pacemaker = { activeState: 'inactive' };
  const journal: RestoreBench['journal'] = { lines: [], exitCode: 0 };
  const host: Host<Paths> = {
    run: ({ argv }) => {
      if (argv[0] === 'logger') {
        journal.lines.push(argv.at(-1) ?? '');
        return Promise.resolve({ exitCode: journal.exitCode, stdout: '', stderr: '' });
      }
      return Promise.resolve({
        exitCode: 0,
        stdout: `Id=pacemaker.service\nLoadState=loaded\nActiveState=${pacemaker.activeState}\nUnitFileState=disabled\n`,
        stderr: '',
      });
    },
    paths: { ...noPaths, alphorn },
    readDeadlineMs: 1000,
    changeDeadlineMs: 1000,
  };
  const warnings: string[] = [];
  const store = openStore(alphorn.liferafts, { keep: 5, maxBytes: 1024 ** 3 });
  return {
    restorer: makeRestorer(host, store, limits),
    host,
    alphorn,
    warnings,
    pacemaker,
    journal,
    warn: (text) => warnings.push(text),
  };
}

/** A bench whose host has the tree `before`, with a liferaft to restore. */
export async function restoreBenchWith(
  folder: string,
  before: Tree,
  content: Parameters<typeof storeLiferaft>[1],
): Promise<{ bench: RestoreBench; name: string }> {
  const bench = restoreBench(folder);
  await mkdir(bench.alphorn.root);
  await growTree(bench.alphorn.root, before);
  return { bench, name: await storeLiferaft(bench.alphorn.liferafts, content) };
}

/** The folders of saved restores, without the lock and the counter. */
export async function savedRestores({
  restores,
}: Pick<AlphornPaths, 'restores'>): Promise<string[]> {
  const names = await readdir(restores).catch(() => []);
  return names.filter((name) => /^\d/.test(name)).sort();
}

/** The content of a host by path: text, mode and owner of a file, target of a link, mode of a folder. */
export type Tree = Readonly<Record<string, string>>;

/** Reads everything below the folder, such as `'/etc/hosts': 'file 644 0:0 127.0.0.1'`. */
export async function treeOf(root: string, below = ''): Promise<Tree> {
  const tree: Record<string, string> = {};
  for (const name of (await readdir(join(root, below))).sort()) {
    const path = `${below}/${name}`;
    const stats = await lstat(join(root, path));
    const mode = (stats.mode & 0o7777).toString(8);
    const owner = `${stats.uid}:${stats.gid}`;
    if (stats.isSymbolicLink()) tree[path] = `link ${owner} ${await readlink(join(root, path))}`;
    else if (stats.isFile()) {
      tree[path] = `file ${mode} ${owner} ${await readFile(join(root, path), 'utf8')}`;
    } else if (stats.isDirectory()) {
      tree[path] = `folder ${mode} ${owner}`;
      Object.assign(tree, await treeOf(root, path));
    } else tree[path] = 'other';
  }
  return tree;
}

/** Creates the tree below the folder. */
export async function growTree(root: string, tree: Tree): Promise<void> {
  for (const [name, what] of Object.entries(tree)) {
    const path = join(root, name);
    const [, kind, mode = '', uid = '', gid = '', rest = ''] =
      /^(\w+)(?: (\d+))? (\d+):(\d+) ?(.*)$/s.exec(what) ?? [];
    if (kind === 'folder') await mkdir(path, { recursive: true });
    else await mkdir(dirname(path), { recursive: true });
    if (kind === 'file') await writeFile(path, rest);
    if (kind === 'link') await symlink(rest, path);
    await lchown(path, Number(uid), Number(gid));
    if (kind !== 'link') await chmod(path, Number.parseInt(mode, 8));
  }
}
