import { execFile } from 'node:child_process';
import { chmod, mkdir, rm, stat, statfs, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import type { SinonFakeTimers } from 'sinon';

import { Fault, type FaultCode } from '../../src/kit/fault.ts';
import { dieDuring } from './dying-calls.ts';
import { type Described, lostHost, storeLiferaft } from './liferafts.ts';
import type { Random } from './random.ts';
import { argvOf, compiledEnv } from './run-and-kill.ts';
import { growTree, type RestoreBench, restoreBench, type Tree, treeOf } from './restore-bench.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('../alphorn/killed-restore.ts', import.meta.url));

export interface StormOptions {
  random: Random;
  /** How many times something is killed. */
  kills: number;
  /** One in this number of kills is by SIGKILL, in a separate process. */
  signalEach: number;
}

/** The number of events of each kind. */
export type StormCounts = Record<
  'killed' | 'bySignal' | 'restored' | 'undone' | 'refused' | 'byHand' | 'fullDisk' | 'clock',
  number
>;

const folders = ['/etc', '/etc/app', '/etc/app/sub', '/etc/conf.d', '/srv', '/srv/new'];
const paths = folders.flatMap((folder) => ['a', 'b', 'c'].map((name) => `${folder}/${name}`));
const dayMs = 24 * 3600 * 1000;
const liferaftIds = ['1234abcd', '2345cdef'];

/** A host in a storm, and its expected state; see restore-storm.ts. */
export class StormHost {
  readonly log: string[] = [];
  private readonly bench: RestoreBench;
  /** The expected state of each path of a liferaft, by its name. */
  private readonly wanted = new Map<string, Tree>();
  /** All allowed states of each path. */
  private readonly allowed = new Map<string, Set<string>>();
  /** Contents and targets of links that must not get lost. */
  private readonly contents = new Set<string>();
  /** The state before each restore, by the restore's folder. */
  private readonly before = new Map<string, Tree>();
  private made = 0;

  private readonly place: string;
  private readonly options: StormOptions;
  private readonly counts: StormCounts;

  private constructor(place: string, options: StormOptions, counts: StormCounts) {
    this.place = place;
    this.options = options;
    this.counts = counts;
    this.bench = restoreBench(place, { restores: 100, bytes: 1024 ** 3, days: 90 });
  }

  static async make(place: string, options: StormOptions, counts: StormCounts): Promise<StormHost> {
    const host = new StormHost(place, options, counts);
    const { root, restores, liferafts } = host.bench.alphorn;
    for (const each of [root, restores]) await mkdir(each);
    const tree: Record<string, string> = {};
    for (const folder of folders.slice(0, -1))
      tree[folder] = `folder ${host.pick(['755', '2750'])} 0:0`;
    for (const path of paths.filter((each) => dirname(each) in tree))
      if (options.random() < 0.7) tree[path] = host.something(path);
    await growTree(root, tree);
    for (const [path, what] of Object.entries(tree)) host.know(path, what);
    for (const id of liferaftIds) {
      const described: Described = {
        host: { ...lostHost, id },
        folders: Object.fromEntries(folders.map((each) => [each, {}])),
        files: Object.fromEntries(
          paths.map((path) => [
            path,
            { content: `${id} ${path}`, mode: host.pick([0o600, 0o4755]) },
          ]),
        ),
        links: { '/etc/l': id },
      };
      const name = await storeLiferaft(liferafts, described);
      const wanted: Record<string, string> = { '/etc/l': `link 0:0 ${id}` };
      for (const [path, file] of Object.entries(described.files ?? {})) {
        const { content, mode = 0 } = file as { content: string; mode?: number };
        wanted[path] = `file ${mode.toString(8)} 0:0 ${content}`;
      }
      host.wanted.set(name, wanted);
      for (const [path, what] of Object.entries(wanted)) host.allow(path, what);
      // A restore creates these, and a kill may leave an incomplete one.
      for (const folder of folders)
        for (const mode of ['755', '700', '2700']) host.allow(folder, `folder ${mode} 0:0`);
    }
    return host;
  }

  /** Does one more step. */
  async next(clock: SinonFakeTimers): Promise<void> {
    const dice = this.options.random();
    if (dice < 0.25) await this.changeByHand();
    else if (dice < 0.35) {
      const days = this.pick([-4000, -400, -1, -0.01, 0.01, 3, 80, 400]);
      clock.setSystemTime(Date.now() + days * dayMs);
      this.log.push(`the clock is put ${days} days on`);
      this.counts.clock += 1;
    } else if (dice < 0.45) await this.fillDisk();
    else await this.work();
    await this.check();
  }

  /** Undoes everything that nothing blocks. */
  async end(): Promise<void> {
    const { restorer } = this.bench;
    await rm(join(this.place, 'filler'), { force: true });
    for (;;) {
      const last = (await restorer.listSaved()).findLast(({ state }) => state !== 'undone');
      if (last === undefined) break;
      const ended = await this.done('force', () => this.undo(true));
      await this.check();
      if (!(ended instanceof Fault)) continue;
      if (ended.code !== 'restore_failed') throw ended;
      // If a folder, for example, blocks an undo, its copies are given up.
      for (const each of await this.saved(last.folder)) this.contents.delete(each);
      await restorer.drop([last.id], true);
    }
    const tree = await treeOf(this.bench.alphorn.root);
    const beside = Object.keys(tree).filter((path) => path.includes('/.alphorn-'));
    if (beside.length > 0) throw new Error(`${beside.join(', ')} was left`);
  }

  private undo(force: boolean): Promise<unknown> {
    const { restorer, host, warn } = this.bench;
    return restorer.undo(host, force, warn);
  }

  /** Restores or undoes a restore, and is usually killed halfway. */
  private async work(): Promise<void> {
    const { options, counts, bench } = this;
    const what = this.pick(['restore', 'restore', 'undo', 'force'] as const);
    const name = this.pick([...this.wanted.keys()]);
    const chosen = options.random() < 0.4 ? undefined : [this.pick([...paths, ...folders])];
    const withFolders = options.random() < 0.3;
    const isKilled = options.random() < 0.75;
    const number = 1 + Math.floor(options.random() * (chosen === undefined ? 260 : 70));
    const isSignal = isKilled && counts.killed % options.signalEach === options.signalEach - 1;
    const act = async (): Promise<unknown> => {
      if (isSignal) return this.killedBySignal([name, `${number}`, what, ...(chosen ?? [])]);
      const carryOut = () =>
        what === 'restore'
          ? bench.restorer.restore(bench.host, name, chosen, bench.warn, { folders: withFolders })
          : this.undo(what === 'force');
      if (!isKilled) return carryOut();
      let result: unknown;
      const isDead = await dieDuring(number, bench.alphorn.restores, async () => {
        result = await carryOut().catch((error: unknown) => error);
      });
      return isDead ? 'killed' : result;
    };
    this.log.push(
      `${what}${what === 'restore' ? ` ${chosen?.join() ?? 'all'} of ${name}${withFolders ? ' with folders' : ''}` : ''}${isKilled ? `, killed at ${number}${isSignal ? ' by a signal' : ''}` : ''}`,
    );
    const ended = await this.done(what, act);
    this.log.push(`  ${ended instanceof Fault ? ended.code : ended === 'killed' ? ended : 'done'}`);
    if (ended === 'killed') counts.killed += 1;
    else if (ended instanceof Fault) counts.refused += 1;
    else counts[what === 'restore' ? 'restored' : 'undone'] += 1;
    if (ended === 'killed' && isSignal) counts.bySignal += 1;
    if (what !== 'restore' || ended instanceof Fault || ended === 'killed') return;
    const tree = await treeOf(bench.alphorn.root);
    for (const [path, wanted] of Object.entries(this.wanted.get(name) ?? {})) {
      const isChosen =
        chosen?.every((each) => path === each || path.startsWith(`${each}/`)) ?? true;
      if (isChosen && tree[path] !== wanted) throw new Error(`${path} is not restored`);
    }
  }

  /** Does the work, and compares its report with the files. */
  private async done(what: string, act: () => Promise<unknown>): Promise<unknown> {
    const { restorer, alphorn } = this.bench;
    const before = leavesIn(await treeOf(alphorn.root));
    const formerly = await restorer.listSaved();
    const isWhole = formerly.every(({ problem }) => problem === undefined);
    const ended = await act().catch((error: unknown) => error);
    if (ended instanceof Error && !(ended instanceof Fault)) throw ended;
    const after = leavesIn(await treeOf(alphorn.root));
    for (const { folder } of await restorer.listSaved()) {
      // Otherwise the restore started from another state.
      if (isWhole && formerly.every((each) => each.folder !== folder))
        this.before.set(folder, before);
    }
    if (ended instanceof Fault) {
      const isUnchanged = /Nothing was done|Everything is as it was/.test(ended.message);
      if (isWhole && isUnchanged && JSON.stringify(before) !== JSON.stringify(after))
        throw new Error(`it changed something, and said '${ended.message}'`);
    } else if (ended !== 'killed' && what !== 'restore') {
      const last = formerly.findLast(({ state }) => state !== 'undone');
      const was = this.before.get(last?.folder ?? '');
      for (const path of (ended as { paths?: string[] }).paths ?? []) {
        if (was && was[path] !== after[path]) throw new Error(`${path} is not as it was`);
      }
    }
    return ended;
  }

  private async killedBySignal(args: string[]): Promise<unknown> {
    const [file, ...argv] = argvOf(script, this.place, ...args);
    const ended: unknown = await run(file, argv, { env: { ...process.env, ...compiledEnv } }).catch(
      (error: unknown) => error,
    );
    const { signal, stdout = '' } = ended as { signal?: string; stdout?: string };
    if (signal === 'SIGKILL') return 'killed';
    const result = JSON.parse(stdout) as { code?: FaultCode; message?: string };
    return result.code ? new Fault(result.code, result.message ?? '') : result;
  }

  private async changeByHand(): Promise<void> {
    const path = this.pick([...paths, ...paths, ...folders.slice(1)]);
    const place = join(this.bench.alphorn.root, path);
    const parent = await stat(dirname(place)).catch(() => undefined);
    if (parent?.isDirectory() !== true) return;
    const tree = await treeOf(this.bench.alphorn.root);
    const isFolder = tree[path]?.startsWith('folder') === true;
    const how = this.pick(
      folders.includes(path)
        ? (['remove', 'folder', 'write', 'link', 'mode'] as const)
        : (['write', 'write', 'write', 'mode', 'remove', 'link', 'folder'] as const),
    );
    this.log.push(`${how} ${path} by hand`);
    this.counts.byHand += 1;
    if (how === 'mode') {
      if (isFolder) await chmod(place, this.pick([0o711, 0o2750]));
      else if (tree[path]?.startsWith('file') === true) await chmod(place, 0o640);
    } else {
      for (const [each, what] of Object.entries(tree))
        if (each === path || each.startsWith(`${path}/`))
          this.contents.delete(contentOf(what) ?? '');
      if (how !== 'write' || isFolder || tree[path]?.startsWith('link') === true)
        await rm(place, { recursive: true, force: true });
      this.made += 1;
      const mine = `mine ${this.made}`;
      // Nothing is written without room.
      if (how === 'write') await writeFile(place, mine).catch(() => undefined);
      if (how === 'link') await symlink(mine, place).catch(() => undefined);
      if (how === 'folder') await mkdir(place).catch(() => undefined);
    }
    const now = (await treeOf(this.bench.alphorn.root))[path];
    if (now !== undefined) this.know(path, now);
  }

  /** Leaves a few free pages, or all of them. */
  private async fillDisk(): Promise<void> {
    const filler = join(this.place, 'filler');
    await rm(filler, { force: true });
    const pages = this.pick([0, 0, 1, 3, 10, 30, Infinity]);
    this.log.push(`the disk has ${pages} pages left`);
    const { bavail, bsize } = await statfs(this.place);
    if (pages === Infinity || pages >= bavail) return;
    await writeFile(filler, Buffer.alloc((bavail - pages) * bsize));
    this.counts.fullDisk += 1;
  }

  private async check(): Promise<void> {
    const all = Object.entries(await treeOf(this.bench.alphorn.root));
    const tree = leavesIn(Object.fromEntries(all));
    for (const [path, what] of all.filter(([each]) => !each.includes('/.alphorn-'))) {
      if (this.allowed.get(path)?.has(what) !== true) throw new Error(`${path} is '${what}'`);
    }
    const there = new Set(Object.values(tree).map(contentOf));
    for (const each of await this.saved(this.bench.alphorn.restores)) there.add(each);
    for (const each of this.contents) if (!there.has(each)) throw new Error(`'${each}' is gone`);
  }

  /** The content and targets in the saved copies. */
  private async saved(folder: string): Promise<string[]> {
    const contents: string[] = [];
    for (const [path, what] of Object.entries(await treeOf(folder))) {
      const content = contentOf(what) ?? '';
      if (!/\/journal(?:\.\w+)?\.json$/.test(path)) contents.push(content);
      else {
        const { steps } = JSON.parse(content) as {
          steps: { before: unknown; changed?: { what: unknown }[] }[];
        };
        const links = steps.flatMap(({ before, changed = [] }) => [
          before,
          ...changed.map((each) => each.what),
        ]) as ({ target?: string } | null)[];
        contents.push(...links.flatMap((each) => each?.target ?? []));
      }
    }
    return contents;
  }

  private something(path: string): string {
    const owner = this.pick(['0:0', '7:8']);
    if (this.options.random() < 0.2) return `link ${owner} old ${path}`;
    return `file ${this.pick(['600', '644', '6755'])} ${owner} old ${path}`;
  }

  private know(path: string, what: string): void {
    this.allow(path, what);
    const content = contentOf(what);
    if (content !== undefined) this.contents.add(content);
  }

  private allow(path: string, what: string): void {
    this.allowed.set(path, (this.allowed.get(path) ?? new Set()).add(what));
  }

  private pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.options.random() * from.length)] as T;
  }
}

function contentOf(what: string): string | undefined {
  return /^(?:file \d+|link) \d+:\d+ (.*)$/s.exec(what)?.[1];
}

/** Files and links, without temporary files next to them. */
function leavesIn(tree: Tree): Tree {
  return Object.fromEntries(
    Object.entries(tree).filter(
      ([path, what]) => !what.startsWith('folder') && !path.includes('/.alphorn-'),
    ),
  );
}
