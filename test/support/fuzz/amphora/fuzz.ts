import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import tls from 'node:tls';

import { failureStatuses } from '../../../../src/routes/amphora/errors.ts';
import { amphoraFaults } from '../../../../src/routes/amphora/faults.ts';
import { serverFaults } from '../../../../src/server/faults.ts';
import { credentialsIn } from '../../amphora/asking.ts';
import { amphoraOfFolder, openInFolder, placesIn, prepareFolder } from '../../amphora/in-folder.ts';
import { freePort } from '../../peer-host.ts';
import { randomOf } from '../../random.ts';
import { type Connection, openConnection, type Received } from '../client.ts';
import { makeFindings } from '../findings.ts';
import { type FuzzOptions, type FuzzOutcome, isWellStatus } from '../outcome.ts';
import { makeWitness } from '../hosts.ts';
import { makeMemory } from '../memory.ts';
import { askOf, type SentRequest } from '../requests.ts';
import { diceOf, type Pools } from '../values.ts';
import { portsOfFolder } from '../../amphora/folder-units.ts';
import { filesOfFuzz, makeBodies, ownersOfFuzz } from './bodies.ts';

/** Requests under way at the same time. */
const lanes = 4;
const samples = 40;
/** Failures of a tool that is not there in a folder: keepalived never starts, and the ports of two owners are in use. */
const failuresOfTools = new Set([
  'haproxy_not_started',
  'haproxy_not_reloaded',
  'haproxy_not_stopped',
  'keepalived_not_started',
  'keepalived_not_reloaded',
  'keepalived_not_stopped',
  'lvs_failed',
  'vip_plug_failed',
  'port_plug_failed',
  'amphora_file_foreign',
]);

const pools: Pools = {
  byRule: {
    '': [
      ...ownersOfFuzz,
      ...filesOfFuzz,
      ...portsOfFolder,
      'start',
      'stop',
      'reload',
      'STOP',
      '10.0.0.3',
      'fd00::3',
      '10.0.0.0/24',
      'fd00::/64',
      'SINGLE',
      'ACTIVE-STANDBY',
      'ACTIVE',
    ],
  },
  byWord: {
    'id /': ownersOfFuzz,
    'amphora /': [amphoraOfFolder],
    'file /': filesOfFuzz,
    'action /': ['start', 'stop', 'reload', 'START'],
    'ip /': ['10.0.0.3', 'fd00::3'],
    mac_address: portsOfFolder,
    ip_address: ['10.0.0.3', '10.0.0.4', 'fd00::3'],
    subnet_cidr: ['10.0.0.0/24', 'fd00::/64'],
    gateway: ['10.0.0.1', 'fd00::1'],
    destination: ['10.9.0.0/16'],
    nexthop: ['10.0.0.2'],
    vrrp_ip: ['10.0.0.9'],
    topology: ['SINGLE', 'ACTIVE-STANDBY'],
    role: ['ACTIVE', 'STANDBY'],
    ha_ip: ['10.0.0.3'],
  },
};

/**
 * Sends unreasonable requests to the agent of amphorae, by its own port and with the certificate of a controller. haproxy
 * and keepalived check what it uploads, and haproxy runs. What is outside of the agent's folders must stay as it was.
 * @param folder see placesIn
 */
export async function fuzzAmphora(folder: string, options: FuzzOptions): Promise<FuzzOutcome> {
  const { seed, count, only } = options;
  const witness = makeWitness();
  const places = placesIn(folder);
  await prepareFolder(places);
  const outside = await plantLinks(folder, places.paths.base);
  const port = await freePort();
  const agent = await openInFolder(places, { port, log: witness.log });
  const ports = await Promise.all(ownersOfFuzz.map(() => freePort()));
  const bodies = makeBodies(places, ports);
  const rows = agent.families.flatMap((family) =>
    family.rows.map((row) => ({ family, row, listener: 'amphora' as const })),
  );
  const tokens = ['', ''] as const;
  const knowledge = { rows, pools, headers: ['Accept'], versions: ['*'], tokens, bodies };
  const credentials = await credentialsIn(places.trust);
  const open = (): Promise<Connection> =>
    openConnection(
      tls.connect({
        host: '127.0.0.1',
        port,
        servername: amphoraOfFolder,
        ...credentials,
        // A certificate with a flipped bit may be taken, because the agent need not know its authority.
        rejectUnauthorized: false,
      }),
      'secureConnect',
    );
  const findings = makeFindings();
  const statuses: Record<string, number> = {};
  const [asked, well] = [new Set<unknown>(), new Set<unknown>()];
  const memory = makeMemory();
  const described: string[] = [];
  let requests = 0;
  let next = only ?? 0;
  const end = only === undefined ? count : only + 1;

  async function run(): Promise<void> {
    let connection: Connection | undefined;
    while (next < end && !findings.isFull()) {
      const number = next;
      next += 1;
      const sent = askOf(knowledge, diceOf(randomOf(seed * 1_000_003 + number)));
      connection = connection?.isOpen() ? connection : await open();
      let received = await connection.exchange(sent);
      if (received.answers.length === 0 && received.isClosed) {
        // It may have been closed after the answer before.
        connection = await open();
        received = await connection.exchange(sent);
      }
      requests += 1;
      const where = describe(seed, number, sent, received);
      if (sent.row) asked.add(sent.row);
      for (const { status } of received.answers) {
        statuses[status] = (statuses[status] ?? 0) + 1;
        if (isWellStatus(status) && sent.row) well.add(sent.row);
      }
      for (const flaw of flawsOf(received)) findings.add(flaw, where);
      for (const flaw of witness.flaws.splice(0)) findings.add(flaw, where);
      if (number % Math.ceil(count / samples) === 0) memory.sample(number / count);
      if (only !== undefined) described.push(where, received.answers.at(-1)?.body.toString() ?? '');
    }
    connection?.destroy();
  }

  try {
    await Promise.all(Array.from({ length: only === undefined ? lanes : 1 }, run));
    memory.sample(1);
    if (only === undefined && !memory.isFlat()) findings.add('memory that grows', `seed ${seed}`);
    for (const flaw of await outside()) findings.add(flaw, `seed ${seed}`);
  } finally {
    await agent.stop();
    await agent.end();
  }
  return {
    requests,
    commands: 0,
    statuses,
    families: { amphora: requests },
    rows: { all: rows.length, asked: asked.size, well: well.size },
    growth: memory.growth(),
    findings: findings.list(),
    ...(only !== undefined && { described: described.join('\n') }),
  };
}

function describe(seed: number, number: number, sent: SentRequest, { answers }: Received): string {
  const text = JSON.stringify(Buffer.concat(sent.pieces).toString('latin1').slice(0, 1500));
  const outcome = answers.map(({ status, body }) => `${status} ${body.toString().slice(0, 300)}`);
  return `--amphora --seed ${seed} --only ${number}: ${text}: ${outcome.join(', ') || 'no answer'}`;
}

const codes = new Set([...Object.keys(amphoraFaults), ...Object.keys(serverFaults)]);

function flawsOf({ answers, flaw }: Received): string[] {
  if (flaw !== undefined) return [`an answer that is no HTTP: ${flaw}`];
  if (answers.length !== 1) return [`${answers.length} answers instead of 1`];
  return answers.flatMap(({ status, headers, body }) => {
    if (status < 400) return isWellStatus(status) ? [] : [`a status of no document: ${status}`];
    // Node.js refuses headers that are too large before anything reads the path.
    if (status === 431) return [];
    const flaws: string[] = [];
    if (!failureStatuses.includes(status))
      flaws.push(`a failure that drivers do not see: ${status}`);
    if (!/^application\/json/.test(headers.get('content-type') ?? '')) flaws.push('no JSON');
    const { message, code = '' } = jsonIn(body);
    if (body.length > 0 && (typeof message !== 'string' || !codes.has(code))) {
      flaws.push(`an error without a message, or with an unknown code: ${code}`);
    }
    if (status >= 500 && status !== 503 && !failuresOfTools.has(code)) flaws.push(`500 ${code}`);
    return flaws;
  });
}

function jsonIn(body: Buffer): { message?: unknown; code?: string } {
  try {
    return JSON.parse(body.toString()) as { message?: unknown; code?: string };
  } catch {
    return {};
  }
}

/**
 * Plants links below the folder of the owners, and remembers everything beside it.
 * @returns a function that lists what was changed outside
 */
async function plantLinks(folder: string, base: string): Promise<() => Promise<string[]>> {
  const victim = join(folder, 'victim');
  await mkdir(join(victim, 'folder'), { recursive: true });
  await writeFile(join(victim, 'file'), 'of somebody else');
  await symlink(join(victim, 'folder'), join(base, 'listener-1'));
  await symlink(join(victim, 'folder'), join(base, 'certs', 'lb-2'));
  await mkdir(join(base, 'lb-2'));
  await symlink(join(victim, 'file'), join(base, 'lb-2', 'haproxy.cfg.new'));
  await symlink(join(victim, 'file'), join(base, 'lb-2', 'haproxy.cfg.new-failed'));
  await mkdir(join(base, 'vrrp'));
  await symlink(join(victim, 'file'), join(base, 'vrrp', 'octavia-keepalived.conf.new'));
  const before = await digestOf(victim);
  return async () => ((await digestOf(victim)) === before ? [] : ['something outside was changed']);
}

async function digestOf(path: string): Promise<string> {
  const found = await lstat(path);
  if (found.isSymbolicLink()) return readlink(path);
  if (!found.isDirectory())
    return createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
  const names = (await readdir(path)).sort();
  const all = await Promise.all(
    names.map(async (name) => [name, await digestOf(join(path, name))]),
  );
  return JSON.stringify(all);
}
