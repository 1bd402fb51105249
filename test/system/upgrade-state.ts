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

/** Each key of the released version, where it can be with another value than the default. */
const configuration = {
  ...{ https_address: null, https_port: 8443, http_address: '127.0.0.1', http_port: 8080 },
  ...{ socket: '/run/ha-agent/api.sock', tls_certificate: null, tls_key: null },
  ...{ state_directory: '/var/lib/ha-agent', runtime_directory: '/run/ha-agent' },
  ...{ read_deadline_seconds: 11, change_deadline_seconds: 121, require_confirmation: true },
  ...{ audit_max_bytes: 1_048_576, audit_keep_files: 13, undo_keep: 900 },
  ...{ peer_address: null, peer_port: peerPort },
  ...{ liferaft_keep: 100, liferaft_keep_hours: 23, liferaft_keep_days: 8 },
  liferaft_most_bytes: 536_870_912,
  ...{ max_connections: 500, max_unauthenticated_connections: 501, max_requests: 502 },
  ...{ powered_by: 'Kept', log_level: 'debug' },
};

/** What a node was given before an upgrade, and how that looked then. */
export interface Given {
  property: string;
  keyed: { headers: Record<string, string>; first: Answer };
  alphorn: object;
  seen: Seen;
}

interface Seen {
  /** By path of what the package keeps: the type, mode and owner, and the digest of a file that nothing changes later. */
  files: ReadonlyMap<string, string>;
  tokens: unknown;
  audit: readonly object[];
  liferafts: readonly { name: string; digest?: string }[];
  restores: unknown;
  alphornKey: string;
}

const jsonOf = async <T>(node: LabNode, ...argv: string[]): Promise<T> =>
  JSON.parse(await node.run(['hactl', ...argv, '--json'])) as T;

/**
 * Configures a node by all means that there are, and leaves something of each kind that is kept.
 * @param token of a token `bench` that the node has
 * @param property that this node alone sets
 * @param destinations of liferafts
 * @param key of Alphorn; one is made if there is none
 */
export async function give(
  node: LabNode,
  token: string,
  property: string,
  destinations: readonly string[],
  key: string | undefined,
): Promise<Given> {
  const post = (path: string, body: object, headers = {}) =>
    callHa(node, path, { token, method: 'POST', body: JSON.stringify(body), headers });

  await node.writeFile('/etc/default/ha-agent', 'HA_AGENT_LOG_LEVEL=info\n');
  await configure(node, configuration);
  await node.run(['hactl', 'token', 'create', 'viewer', '--role', 'viewer', '--expires', '90d']);
  await node.run(['hactl', 'token', 'create', 'gone', '--role', 'operator']);
  await node.run(['hactl', 'token', 'revoke', 'gone']);

  await node.run(['sh', '-c', `mkdir ${ourFolder}; echo old > ${restoredFile}`]);
  const rules = JSON.stringify({ include: [ourFolder] });
  await node.writeFile('/etc/alphorn/manifest.d/own.json', rules);
  await node.run(['hactl', 'alphorn', 'key', ...(key ? ['import'] : ['generate'])], {
    ...(key && { input: key }),
  });
  const alphorn = { interval: 60_000, sync: { enabled: true, destinations } };
  expect((await post('alphorn', { config: alphorn })).status).to.equal(200);

  const { bytes } = liferaftOf({
    host: { id: '0bad0bad', name: 'lost' },
    folders: { '/etc': {}, [ourFolder]: {} },
    files: { [restoredFile]: 'new\n' },
  });
  await node.writeFile('/root/lost.tar', bytes, 0o600);
  await node.run(['hactl', 'alphorn', 'import', '/root/lost.tar']);
  await node.run(['hactl', 'alphorn', 'restore', lostHost]);

  const headers = { 'Idempotency-Key': 'asked before the upgrade' };
  const first = await post(`property/${property}/set`, { value: '901' }, headers);
  expect(first.status, first.text).to.equal(200);
  expect((await post(`property/${property}/set`, { value: '902' })).status).to.equal(200);
  return { property, keyed: { headers, first }, alphorn, seen: await look(node) };
}

/** What a caller sees of what was given, as `expectKept` compares it. */
async function look(node: LabNode): Promise<Seen> {
  return {
    files: await filesOf(node),
    tokens: await jsonOf(node, 'token', 'list'),
    audit: await jsonOf(node, 'audit', '--limit', '10000'),
    liferafts: await jsonOf(node, 'alphorn', 'list'),
    restores: await jsonOf(node, 'alphorn', 'restores'),
    alphornKey: await node.run(['hactl', 'alphorn', 'key', 'export']),
  };
}

/** Folders of what the package keeps, and of what it is told. */
const keptIn = ['/etc/ha-agent', '/etc/default/ha-agent', '/etc/alphorn', '/var/lib/ha-agent'];

/** What goes on to be written: the audit log, and what is known of peers. The package brings its own rules. */
const written =
  /\/audit\.|^\/var\/lib\/alphorn\/(?:own|known-keys\.json|liferafts\/liferaft_(?!0bad0bad))|\/storage-host\.json$/;

async function filesOf(node: LabNode): Promise<Map<string, string>> {
  const folders = [...keptIn, '/var/lib/alphorn'];
  const found = await node.run(['find', ...folders, '-printf', '%p\\t%y %m %U:%G\\n']);
  const sums = await node.run(['find', ...folders, '-type', 'f', '-exec', 'sha256sum', '{}', '+']);
  const digests = new Map(
    sums.split('\n').map((line) => [line.slice(66), line.slice(0, 64)] as const),
  );
  const lines = found.split('\n').filter(Boolean);
  return new Map(
    lines
      .map((line) => line.split('\t'))
      .map(([path = '', kind = '']) => {
        const digest = written.test(path) ? '' : (digests.get(path) ?? '');
        return [path, `${kind} ${digest}`];
      }),
  );
}

/** Nothing that the node was given, or did, is lost; `hactl` and the API of now show it as those of then did. */
export async function expectKept(node: LabNode, token: string, given: Given): Promise<void> {
  const { seen, keyed, property } = given;
  const now = await look(node);
  const isThere = [...seen.files.keys()].filter((path) => now.files.has(path));
  expect(Object.fromEntries(isThere.map((path) => [path, now.files.get(path)]))).to.deep.equal(
    Object.fromEntries(seen.files),
  );
  expect([...now.files.keys()].filter((path) => path.includes('.dpkg-'))).to.deep.equal([]);
  expect(now.tokens).to.deep.equal(seen.tokens);
  expect(now.audit.slice(0, seen.audit.length)).to.deep.equal(seen.audit);
  await node.run(['hactl', 'audit', '--verify']);
  expect(now.restores).to.deep.equal(seen.restores);
  expect(now.alphornKey).to.equal(seen.alphornKey);

  const ask = (path: string, options = {}) => callHa(node, path, { token, ...options });
  expect((await ask('alphorn')).json).to.deep.equal(given.alphorn);
  const repeated = await ask(`property/${property}/set`, {
    ...{ method: 'POST', body: JSON.stringify({ value: '901' }), headers: keyed.headers },
  });
  expect([repeated.status, repeated.text, repeated.headers['etag']]).to.deep.equal([
    ...[keyed.first.status, keyed.first.text, keyed.first.headers['etag']],
  ]);
  expect(await valueOf(node, property)).to.equal('902');

  // The configuration counts, that of the environment over that of the file.
  expect((await ask('versions')).headers['x-powered-by']).to.equal('Kept');
  const unconfirmed = await ask(`alphorn/liferaft/${lostHost}`, { method: 'DELETE' });
  expect(unconfirmed.status).to.equal(428);
  await node.run(['curl', '--silent', '--fail', 'http://127.0.0.1:8080/healthz']);
  expect(await call(node, '/healthz')).to.include({ status: 200 });
}

/** `hactl` of now does with what was given whatever it can do. */
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

/** The value of a cluster property, by Pacemaker's own tool. */
export async function valueOf(node: LabNode, property: string): Promise<string> {
  const query = ['crm_attribute', '--type', 'crm_config', '--name', property, '--query', '--quiet'];
  return (await node.run(query as [string, ...string[]])).trim();
}
