import { expect } from 'chai';

import type { LabNode } from '../lab/lab.ts';
import { liferaftOf } from '../support/liferafts.ts';
import { type Answer, call, callHa, configure } from './client.ts';

const ourFolder = '/etc/upgrade';
/** A file whose lines an edit adds. */
export const editedFile = `${ourFolder}/edited`;
const restoredFile = `${ourFolder}/restored`;
const lostHost = 'liferaft_0bad0bad.tar';
export const peerPort = 8445;

/** All keys of the released version, with other values than the defaults if a node can have them. */
const configuration = {
  https_address: null,
  https_port: 8443,
  http_address: '127.0.0.1',
  http_port: 8080,
  socket: '/run/ha-agent/api.sock',
  tls_certificate: null,
  tls_key: null,
  state_directory: '/var/lib/ha-agent',
  runtime_directory: '/run/ha-agent',
  read_deadline_seconds: 11,
  change_deadline_seconds: 121,
  require_confirmation: true,
  audit_max_bytes: 1_048_576,
  audit_keep_files: 13,
  undo_keep: 900,
  peer_address: null,
  peer_port: peerPort,
  liferaft_keep: 100,
  liferaft_keep_hours: 23,
  liferaft_keep_days: 8,
  liferaft_most_bytes: 536_870_912,
  max_connections: 500,
  max_unauthenticated_connections: 501,
  max_requests: 502,
  powered_by: 'Replaced by the environment',
  log_level: 'debug',
};
const environment = 'HA_AGENT_POWERED_BY=Kept\nHA_AGENT_LOG_LEVEL=info\n';

/** What a node had before an upgrade, and what it showed then. */
export interface Given {
  /** The answer to a change with an `Idempotency-Key`. */
  answer: Answer;
  alphorn: object;
  seen: Seen;
}

interface Seen {
  /** The stored files of the package by path: type, mode, owner and digest. */
  files: ReadonlyMap<string, string>;
  /** The paths of the package, except those of its code. */
  installed: readonly string[];
  /** The text of its documents. */
  documents: string;
  tokens: unknown;
  audit: readonly object[];
  /** The lines of its files; an entry has two, of which `hactl` needs only the second. */
  auditLines: readonly string[];
  restores: unknown;
  alphornKey: string;
}

const jsonOf = async <T>(node: LabNode, ...argv: string[]): Promise<T> =>
  JSON.parse(await node.run(['hactl', ...argv, '--json'])) as T;

/** The property whose change is repeated after the upgrade with the same `Idempotency-Key`. */
const property = 'pe-error-series-max';

function setProperty(node: LabNode, token: string, value: string, headers = {}): Promise<Answer> {
  const body = JSON.stringify({ value });
  return callHa(node, `property/${property}/set`, { token, method: 'POST', body, headers });
}

const keyed = (node: LabNode, token: string) =>
  setProperty(node, token, '901', { 'Idempotency-Key': 'asked-before-the-upgrade' });

/**
 * Configures a node in every possible way, and stores something of each kind.
 * @param token of a token `bench` that the node has
 * @param destination of its liferafts
 */
export async function give(node: LabNode, token: string, destination: string): Promise<Given> {
  await node.writeFile('/etc/default/ha-agent', environment);
  await configure(node, configuration);
  await node.run(['hactl', 'token', 'create', 'viewer', '--role', 'viewer', '--expires', '90d']);
  await node.run(['hactl', 'token', 'create', 'gone', '--role', 'operator']);
  await node.run(['hactl', 'token', 'revoke', 'gone']);

  await node.run(['sh', '-c', `mkdir ${ourFolder}; echo old > ${restoredFile}`]);
  const rules = JSON.stringify({ include: [ourFolder] });
  await node.writeFile('/etc/alphorn/manifest.d/own.json', rules);
  const alphorn = { interval: 60_000, sync: { enabled: true, destinations: [destination] } };
  const body = JSON.stringify({ config: alphorn });
  const configured = await callHa(node, 'alphorn', { token, method: 'POST', body });
  expect(configured.status, configured.text).to.equal(200);

  const { bytes } = liferaftOf({
    host: { id: '0bad0bad', name: 'lost' },
    folders: { '/etc': {}, [ourFolder]: {} },
    files: { [restoredFile]: 'new\n' },
  });
  await node.writeFile('/root/lost.tar', bytes, 0o600);
  await node.run(['hactl', 'alphorn', 'import', '/root/lost.tar']);
  await node.run(['hactl', 'alphorn', 'restore', lostHost]);

  const answer = await keyed(node, token);
  expect(answer.status, answer.text).to.equal(200);
  expect((await setProperty(node, token, '902')).status).to.equal(200);
  return { answer, alphorn, seen: await look(node) };
}

/** What a caller sees of the state of a node, for `expectUnchanged` to compare. */
async function look(node: LabNode): Promise<Seen> {
  const installed = await node.run(['dpkg', '--listfiles', 'ha-agent']);
  const auditLines = await node.run(['sh', '-c', 'LC_ALL=C; cat /var/lib/ha-agent/audit*.jsonl']);
  return {
    files: await filesOf(node),
    installed: installed.split('\n').filter((path) => !path.startsWith('/usr/lib/ha-agent/')),
    documents: await node.run(['sh', '-c', 'cat /usr/share/doc/ha-agent/docs/*.md']),
    tokens: await jsonOf(node, 'token', 'list'),
    audit: await jsonOf(node, 'audit', '--limit', '10000'),
    auditLines: auditLines.trim().split('\n'),
    restores: await jsonOf(node, 'alphorn', 'restores'),
    alphornKey: await node.run(['hactl', 'alphorn', 'key', 'export']),
  };
}

const storedIn = [
  '/etc/ha-agent',
  '/etc/default/ha-agent',
  '/etc/alphorn',
  '/var/lib/ha-agent',
  '/var/lib/alphorn',
];

/** Files that change meanwhile: the audit log, known peers, liferafts of the nodes, and the rules of the package. */
const changes =
  /\/audit\.|^\/var\/lib\/alphorn\/(?:own|known-keys\.json|liferafts\/liferaft_(?!0bad0bad))|\/storage-host\.json$/;

async function filesOf(node: LabNode): Promise<Map<string, string>> {
  const find = ['find', ...storedIn, '!', '-name', '*.part', '!', '-name', '*.new'] as const;
  const found = await node.run([...find, '-printf', '%p\\t%y %m %U:%G\\n']);
  const sums = await node.run([...find, '-type', 'f', '-exec', 'sha256sum', '{}', '+']);
  const digests = new Map(
    sums.split('\n').map((line) => [line.slice(66), line.slice(0, 64)] as const),
  );
  const files = new Map<string, string>();
  for (const line of found.trim().split('\n')) {
    const [path = '', kind = ''] = line.split('\t');
    if (!changes.test(path)) files.set(path, `${kind} ${digests.get(path) ?? ''}`);
  }
  return files;
}

/** The codes of problems in the tables of documents, and the headers that they name. */
function apiNames(documents: string): string[] {
  const codes = [...documents.matchAll(/^\| \d{3} \|([^|]+)/gm)].flatMap(
    ([, cell = '']) => cell.match(/`\w+`/g) ?? [],
  );
  expect(codes).to.include('`route_not_found`');
  return [...codes, ...(documents.match(/X-HA-\w+/g) ?? [])];
}

/** Asserts that nothing of the node is lost, and that the new `hactl` and API show it as the last release did. */
export async function expectUnchanged(node: LabNode, token: string, given: Given): Promise<void> {
  const { seen, answer, alphorn } = given;
  const now = await look(node);
  const filesNow = [...now.files].filter(([path]) => seen.files.has(path));
  expect(Object.fromEntries(filesNow)).to.deep.equal(Object.fromEntries(seen.files));
  expect([...now.files.keys()].filter((path) => path.includes('.dpkg-'))).to.deep.equal([]);
  expect(now.installed).to.include.members([...seen.installed]);
  const lost = apiNames(seen.documents).filter((each) => !now.documents.includes(each));
  expect(lost).to.deep.equal([]);
  expect(now.tokens).to.deep.equal(seen.tokens);
  expect(now.audit.slice(0, seen.audit.length)).to.deep.equal(seen.audit);
  expect(now.auditLines.slice(0, seen.auditLines.length)).to.deep.equal(seen.auditLines);
  await node.run(['hactl', 'audit', '--verify']);
  expect(now.restores).to.deep.equal(seen.restores);
  expect(now.alphornKey).to.equal(seen.alphornKey);

  const ask = (path: string, options = {}) => callHa(node, path, { token, ...options });
  expect((await ask('alphorn')).json).to.deep.equal(alphorn);
  const { status, text, headers } = await keyed(node, token);
  expect([status, text, headers['etag']]).to.deep.equal([
    answer.status,
    answer.text,
    answer.headers['etag'],
  ]);
  expect(await valueOf(node, property)).to.equal('902');

  expect((await ask('versions')).headers['x-powered-by']).to.equal('Kept');
  const unconfirmed = await ask(`alphorn/liferaft/${lostHost}`, { method: 'DELETE' });
  expect(unconfirmed.status).to.equal(428);
  await node.run(['curl', '--silent', '--fail', 'http://127.0.0.1:8080/healthz']);
  expect(await call(node, '/healthz')).to.include({ status: 200 });
}

/** Asserts that the new `hactl` works with everything that the last release stored. */
export async function expectUsable(node: LabNode): Promise<void> {
  const hactl = (...argv: string[]) => node.run(['hactl', ...argv], { deadlineMs: 60_000 });
  expect(await hactl('alphorn', 'show', lostHost)).to.include(restoredFile);
  expect(await hactl('alphorn', 'diff', lostHost)).not.to.include(restoredFile);
  await hactl('alphorn', 'undo');
  expect(await node.run(['cat', restoredFile])).to.equal('old\n');
  expect(await hactl('alphorn', 'diff', lostHost)).to.include(restoredFile);
  await hactl('alphorn', 'delete', lostHost);
  await hactl('token', 'revoke', 'viewer');
  expect(await hactl('token', 'list'))
    .to.include('bench')
    .and.not.include('viewer');
  expect(await hactl('audit')).to.include('token revoke viewer');
}

/** The value of a cluster property, read with Pacemaker's own tool. */
export async function valueOf(node: LabNode, name: string): Promise<string> {
  const query = ['crm_attribute', '--type', 'crm_config', '--name', name, '--query', '--quiet'];
  return (await node.run(query as [string, ...string[]])).trim();
}

/** How many successful changes of a cluster property are in the audit log of a node. */
export async function changesOf(node: LabNode, name: string): Promise<number> {
  const entries = await jsonOf<{ route: string; outcome: string }[]>(
    node,
    ...['audit', '--limit', '10000'],
  );
  return entries.filter(({ route, outcome }) => {
    return route.includes(`property/${name}/set`) && outcome === 'success';
  }).length;
}

/** A liferaft of one node that another has. */
interface Received {
  generation: number;
  digest: string;
}

export async function receivedFrom(node: LabNode, on: LabNode, token: string): Promise<Received[]> {
  const { json } = await callHa(on, 'alphorn/liferaft', { token });
  const all = json as (Received & { host: { name: string } })[];
  return all
    .filter(({ host }) => host.name === node.name)
    .map(({ generation, digest }) => ({ generation, digest }))
    .sort((one, other) => other.generation - one.generation);
}

/** Asserts that the former liferafts still exist, except for those that `liferaft_keep` newer ones replaced. */
export function expectLiferaftsPresent(
  before: readonly Received[],
  now: readonly Received[],
): void {
  const oldest = now[configuration.liferaft_keep - 1]?.generation ?? 0;
  const expected = before.filter(({ generation }) => generation >= oldest);
  expect(now).to.include.deep.members(expected);
}
