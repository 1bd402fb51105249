import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import {
  type Collected,
  type CollectOptions,
  makeCollector,
} from '../../src/alphorn/collecting/collect.ts';
import type { Essential } from '../../src/alphorn/collecting/essential.ts';
import type { Mounts } from '../../src/alphorn/collecting/walk/mounts.ts';
import { readRules, type Rules } from '../../src/alphorn/collecting/rules.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A host in a folder of the test, and a collector of its files. */
export interface CollectBench {
  /** A path of the host. */
  at: (path: string) => string;
  /** Writes a file, and makes its folders. */
  write: (path: string, content?: string | Buffer) => Promise<string>;
  /** Makes a link and its folders; `~` in the target is the host's folder. */
  link: (path: string, target: string) => Promise<void>;
  /** Writes one file of rules, where `~` is the host's folder, and reads all rules. */
  rules: (rules: object, name?: string) => Promise<Rules>;
  collect: (rules: Rules | object, parts?: CollectParts) => Promise<Collected>;
  /** The paths of files and links, without the host's folder. */
  pathsOf: (collected: Collected) => string[];
  /** The reasons why paths of the host are left out. */
  whyNot: (collected: Collected) => Record<string, string>;
}

interface CollectParts extends Pick<CollectOptions, 'former' | 'onlySettled'> {
  mounts?: Mounts;
  /** Paths of the host. */
  essentials?: readonly Essential[];
}

/** Makes a folder for each test. */
export function collectBench(): CollectBench {
  const folder = temporaryFolder();
  const host = () => join(folder.path, 'host');
  const at = (path: string) => `${host()}${path}`;
  const short = (path: string) => path.replaceAll(host(), '');

  async function rulesOf(rules: object, name = 'a.json'): Promise<Rules> {
    const rulesFolder = join(folder.path, 'rules');
    await mkdir(rulesFolder, { recursive: true });
    const text = JSON.stringify(rules).replaceAll('"~', `"${host()}`);
    await writeFile(join(rulesFolder, name), text);
    return readRules(rulesFolder);
  }

  return {
    at,
    async write(path, content = '') {
      await mkdir(dirname(at(path)), { recursive: true });
      await writeFile(at(path), content);
      return at(path);
    },
    async link(path, target) {
      await mkdir(dirname(at(path)), { recursive: true });
      await symlink(target.replace(/^~/, host()), at(path));
    },
    rules: rulesOf,
    async collect(rules, { mounts, essentials = [], ...options } = {}) {
      const pathTo = (name: string) => join(folder.path, name);
      const paths = {
        passwd: pathTo('passwd'),
        group: pathTo('group'),
        own: pathTo('own'),
        liferafts: pathTo('liferafts'),
        knownKeys: pathTo('known-keys.json'),
        restores: pathTo('restores'),
      };
      const ofHost = essentials.map((each) => ({ ...each, path: at(each.path) }));
      const collector = makeCollector(paths, mounts, ofHost);
      return collector.collect('sets' in rules ? rules : await rulesOf(rules), options);
    },
    pathsOf: ({ files, links }) => [...files, ...links].map(({ path }) => short(path)).sort(),
    whyNot: ({ leftOut }) =>
      Object.fromEntries(leftOut.map(({ path, why }) => [short(path), short(why)])),
  };
}
