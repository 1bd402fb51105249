import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { builtPackage } from '../lab/built-package.ts';
import { unmountBelow } from '../lab/mounts.ts';
import type { Progress } from '../lab/progress.ts';
import { readyRoot, type Suite } from '../lab/root.ts';
import { type Argv, run } from '../lab/run.ts';
import { waitUntil } from '../lab/wait.ts';

/** A tree that is sent from a host with one Debian to a blank host with another. */
export interface TreeTrip {
  seed: number;
  /** How many entries it has, approximately. */
  entries: number;
  from: Suite;
  to: Suite;
}

/** The result of a trip. */
export interface TreeOutcome {
  /** Entries that are the same on both hosts. */
  same: number;
  /** Entries that are left out or incomplete, and reported as such. */
  named: number;
  /** All other entries; none if all is well. */
  wrong: readonly string[];
}

/** Where the tree is, on both hosts. */
const top = '/srv/tree';
const tool = '/tree.py';
/** A folder's name goes on with the id of the process that made it. */
const prefix = 'alphorn-tree-';

/**
 * Makes the tree of a seed on a Debian, has Alphorn's own services send it to another, and restores it there. Each host is
 * the whole file system of its Debian with the package's files in it, but runs nothing else.
 */
export async function sendTree(trip: TreeTrip, progress: Progress): Promise<TreeOutcome> {
  await removeLeftovers();
  const folder = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
  const running: ChildProcess[] = [];
  try {
    const port = await freePort();
    const [from, to] = [
      await makeHost(join(folder, 'from'), trip.from, progress),
      await makeHost(join(folder, 'to'), trip.to, progress),
    ];
    progress(`seed ${trip.seed}: a tree of ${trip.entries} from ${trip.from} to ${trip.to}`);
    const special = JSON.parse(
      await from.run(['python3', tool, 'grow', top, `${trip.seed}`, `${trip.entries}`]),
    ) as Record<string, string>;
    await setUp(from, to, port);
    running.push(
      to.start('peers.js', { HA_AGENT_PEER_ADDRESS: '127.0.0.1', HA_AGENT_PEER_PORT: `${port}` }),
      from.start('alphornd.js', {}),
    );
    const { leftOut } = await untilSynced(from);

    const [held] = JSON.parse(await to.run(['hactl', 'alphorn', 'list', '--json'])) as {
      name: string;
    }[];
    await to.run(['python3', tool, 'trap', '/srv']);
    await to.run(['hactl', 'alphorn', 'restore', held?.name ?? '']);
    const before = await describeTree(from);
    const after = await describeTree(to);
    return compare(before, after, special, new Set(leftOut.map(({ path }) => path)));
  } finally {
    for (const each of running) {
      const ended = once(each, 'exit');
      each.kill('SIGKILL');
      if (each.exitCode === null && each.signalCode === null) await ended;
    }
    await remove(folder);
  }
}

/** Removes the folders of runs that were killed. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = name.startsWith(prefix) ? name.slice(prefix.length).split('-')[0] : undefined;
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) await remove(join(tmpdir(), name));
  }
}

async function remove(folder: string): Promise<void> {
  await unmountBelow(folder);
  await rm(folder, { recursive: true });
}

interface TreeHost {
  root: string;
  run(argv: Argv): Promise<string>;
  start(script: string, env: Readonly<Record<string, string>>): ChildProcess;
}

async function makeHost(folder: string, suite: Suite, progress: Progress): Promise<TreeHost> {
  const [upper, work, root] = ['upper', 'work', 'root'].map((name) => join(folder, name)) as [
    ...[string, string, string],
  ];
  for (const each of [upper, work, root]) await mkdir(each, { recursive: true });
  const options = `lowerdir=${await readyRoot(suite, progress)},upperdir=${upper},workdir=${work}`;
  await run(['mount', '-t', 'overlay', '-o', options, 'alphorn-tree', root]);
  await run(['dpkg-deb', '--extract', await builtPackage(), root]);
  await copyFile(join(import.meta.dirname, 'alphorn-tree.py'), join(root, tool));
  await writeFile(join(root, 'etc/hostid'), randomBytes(4));
  await mkdir(join(root, 'run/alphorn'), { recursive: true });
  // Only its /proc is its own. Its processes die with this one, so that a later run can unmount it.
  const inside: Argv = [
    'setpriv',
    '--pdeathsig',
    'KILL',
    'unshare',
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    `--mount-proc=${root}/proc`,
    '--',
    'chroot',
    root,
    'env',
    'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
  ];
  return {
    root,
    run: (argv) => run([...inside, ...argv], { deadlineMs: 300_000 }),
    start(script, env) {
      const variables = Object.entries(env).map(([key, value]) => `${key}=${value}`);
      const argv = [
        ...inside,
        ...variables,
        '/usr/lib/ha-agent/node',
        `/usr/lib/ha-agent/dist/${script}`,
      ];
      return spawn(argv[0] ?? '', argv.slice(1), { stdio: ['ignore', 'ignore', 'inherit'] });
    },
  };
}

async function setUp(from: TreeHost, to: TreeHost, port: number): Promise<void> {
  await from.run(['hactl', 'alphorn', 'key', 'generate']);
  await copyFile(join(from.root, 'etc/alphorn/key'), join(to.root, 'etc/alphorn/key'));
  for (const { root } of [from, to]) {
    await rm(join(root, 'etc/corosync/authkey'), { force: true });
    const rules = join(root, 'etc/alphorn/manifest.d');
    await rm(rules, { recursive: true });
    await mkdir(rules);
    await writeFile(join(rules, 'tree.json'), JSON.stringify({ include: [top] }));
  }
  const sync = { enabled: true, destinations: [`127.0.0.1:${port}`] };
  await writeFile(
    join(from.root, 'etc/alphorn/config.json'),
    JSON.stringify({ interval: 60_000, sync }),
  );
}

interface Status {
  liferaft: { leftOut: { path: string; why: string }[] } | null;
  error: unknown;
  destinations: { state: string; lastError: unknown }[];
}

async function untilSynced(from: TreeHost): Promise<{ leftOut: { path: string }[] }> {
  let status: Status | undefined;
  await waitUntil(
    'the tree to be sent',
    async () => {
      // Its exit code is 1 if something is left out, which the caller checks.
      const argv = ['sh', '-c', 'hactl alphorn status --json || test $? -lt 3'] as const;
      status = JSON.parse(await from.run(argv)) as Status;
      if (status.destinations[0]?.state === 'synced') return true;
      throw new Error(JSON.stringify({ ...status, liferaft: undefined }));
    },
    { deadlineMs: 120_000 },
  );
  return { leftOut: status?.liferaft?.leftOut ?? [] };
}

type AclEntry = [tag: number, perms: number, id: number | null, name: string | null];

interface Entry {
  uid: number;
  gid: number;
  user: string | null;
  group: string | null;
  kind: number;
  mode?: number;
  target?: string;
  sha256?: string;
  acl?: AclEntry[] | null;
  default?: AclEntry[] | null;
}

interface TreeDescription {
  entries: Record<string, Entry>;
  users: Record<string, number>;
  groups: Record<string, number>;
}

async function describeTree(host: TreeHost): Promise<TreeDescription> {
  return JSON.parse(await host.run(['python3', tool, 'tell', top])) as TreeDescription;
}

/** Kinds that a liferaft leaves out completely. */
const notTaken = new Set(['fifo', 'socket', 'bytes']);

function compare(
  before: TreeDescription,
  after: TreeDescription,
  special: Readonly<Record<string, string>>,
  leftOut: ReadonlySet<string>,
): TreeOutcome {
  const wrong: string[] = [];
  let same = 0;
  for (const [path, what] of Object.entries(special)) {
    if (!leftOut.has(path)) wrong.push(`${path}: it has a ${what}, and that is not reported`);
  }
  for (const path of leftOut) {
    // The target of a link may be reported, although the link goes in as it is.
    if (!(path in special) && before.entries[path]?.target === undefined)
      wrong.push(`${path}: it is reported, although everything in it is supported`);
  }
  for (const [path, entry] of Object.entries(before.entries)) {
    if (notTaken.has(special[path] ?? '')) continue;
    const expected = JSON.stringify(numbered(entry, after));
    const there = after.entries[path];
    const found = there && JSON.stringify(numbered(there, after));
    if (found === expected) same += 1;
    else wrong.push(`${path}: ${found ?? 'missing'}, not ${expected}`);
  }
  for (const path of Object.keys(after.entries)) {
    if (!(path in before.entries)) wrong.push(`${path}: it came from nowhere`);
  }
  return { same, named: Object.keys(special).length, wrong };
}

/** The entry with the numbers that it should have on a host, by name if the host has the name. They order its lists. */
function numbered(
  { uid, gid, user, group, acl, default: inherited, ...rest }: Entry,
  { users, groups }: Pick<TreeDescription, 'users' | 'groups'>,
): object {
  const numberOf = (id: number | null, name: string | null, numbers: TreeDescription['users']) =>
    (name === null ? undefined : numbers[name]) ?? id;
  const list = (entries: AclEntry[] | null | undefined) => {
    // If two entries have one number there, the one with a known name counts, and the diff reports that.
    const byNumber = new Map<string, string>();
    const numbersFor = (tag: number) => (tag === 2 ? users : groups);
    const isThere = ([tag, , , name]: AclEntry) => name !== null && name in numbersFor(tag);
    const lastCounts = entries?.toSorted((a, b) => Number(isThere(a)) - Number(isThere(b)));
    for (const [tag, perms, id, name] of lastCounts ?? []) {
      const number = numberOf(id, name, numbersFor(tag));
      byNumber.set(`${tag} ${number}`, JSON.stringify([tag, perms, number]));
    }
    return entries && [...byNumber.values()].sort();
  };
  return {
    uid: numberOf(uid, user, users),
    gid: numberOf(gid, group, groups),
    ...rest,
    acl: list(acl),
    default: list(inherited),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('There is no free port.');
  return address.port;
}
