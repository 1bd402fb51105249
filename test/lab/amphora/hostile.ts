// Sends hostile requests to the agent of a node, with a controller's certificate and with others, and then searches the
// node for the secrets that were sent: npx tsx test/lab/amphora/hostile.ts [--name LAB]
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import tls from 'node:tls';
import { parseArgs } from 'node:util';

import { ask, type Target } from '../../support/amphora/asking.ts';
import {
  askBesideSlow,
  sendFrames,
  sendHostile,
  sentSecrets,
} from '../../support/amphora/hostile.ts';
import { makeIdentity, type Identity, serverOf } from './certificates.ts';
import { openAmphorae } from './lab.ts';

const { values } = parseArgs({ options: { name: { type: 'string', default: 'amphora' } } });
const lab = await openAmphorae(values.name);
const [node] = lab.nodes;
if (!node) throw new Error('The lab has no node.');
const { host, port } = { host: node.address, port: 9443 };
const ca = await readFile(lab.trust.authority.certificate, 'utf8');
const targetOf = async ({ pem }: Pick<Identity, 'pem'>): Promise<Target> => {
  const both = await readFile(pem, 'utf8');
  return { host, port, servername: node.id, credentials: { ca, cert: both, key: both } };
};
const controller = await targetOf(lab.trust.client);
const flaws: string[] = [];

// Who may not ask
const folder = join(lab.folder, 'hostile');
const wrongCa = await makeIdentity(folder, {
  name: 'ca',
  commonName: 'Lab authority',
  isAuthority: true,
});
const client = { commonName: 'octavia-controller', use: 'clientAuth' } as const;
const refused: Record<string, Target> = {
  'another CA of the same name': await targetOf(
    await makeIdentity(folder, { name: 'of-other', ...client }, wrongCa),
  ),
  'a certificate that signs itself': await targetOf(
    await makeIdentity(folder, { name: 'self', ...client }),
  ),
  'an expired one': await targetOf(
    await makeIdentity(folder, { name: 'expired', days: -1, ...client }, lab.trust.authority),
  ),
  "an amphora's own": await targetOf(
    await makeIdentity(folder, serverOf(node.id, 'own'), lab.trust.authority),
  ),
};
for (const [name, target] of Object.entries(refused)) {
  const answer = await ask(target, 'GET', '/1.0/info').catch(() => undefined);
  if (answer) flaws.push(`${name}: ${answer.status} ${answer.text}`);
}
for (const options of [
  {},
  { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL@SECLEVEL=0' },
] as const) {
  const text = await bytesOf(options);
  if (text !== '') flaws.push(`without a certificate, ${JSON.stringify(options)}: ${text}`);
}

// What may not be sent
const before = await node.exec(['systemctl', 'show', '--property=MainPID', 'ha-amphora']);
const { stdout: agentConfig } = await node.exec(['cat', '/etc/octavia/amphora-agent.conf']);
const base = '/var/lib/octavia';
const places = { base, certificates: `${base}/certs`, amphora: node.id, agentConfig };
flaws.push(...(await sendHostile(controller, places)));
flaws.push(...(await sendFrames(controller)));
const status = await askBesideSlow(controller, 100);
if (status !== 200) flaws.push(`beside slow connections: ${status}`);
const withKey = agentConfig.replace(
  /heartbeat_key.*/,
  `heartbeat_key = ${sentSecrets.heartbeatKey}`,
);
await ask(controller, 'PUT', '/1.0/config', withKey);
await ask(controller, 'PUT', '/1.0/config', agentConfig);
const after = await node.exec(['systemctl', 'show', '--property=MainPID', 'ha-amphora']);
if (before.stdout !== after.stdout) flaws.push('the agent was restarted');

// What may not be found
const searched: Record<string, readonly [string, ...string[]]> = {
  journal: ['journalctl', '--no-pager', '--output=json'],
  audit: ['sh', '-c', 'cat /var/lib/ha-agent/audit.jsonl*'],
  'hactl amphora status': ['hactl', 'amphora', 'status'],
  'files for all': [
    'sh',
    '-c',
    'find /var/lib/octavia /etc/octavia /run /tmp -xdev -type f -perm /o+r -exec cat {} +',
  ],
  'core dumps': ['sh', '-c', 'find / -xdev -name "core*" -size +100k -path "/var/*"'],
};
for (const [place, argv] of Object.entries(searched)) {
  const { stdout } = await node.exec(argv).catch(() => ({ stdout: '' }));
  for (const each of [...Object.values(sentSecrets), lab.heartbeatKey, 'PRIVATE KEY-----']) {
    if (stdout.includes(each)) flaws.push(`${place} has ${each}`);
  }
}
await ask(controller, 'DELETE', '/1.0/listeners/hostile');

console.log(flaws.length === 0 ? 'nothing found' : flaws.join('\n'));
process.exitCode = flaws.length === 0 ? 0 : 1;

/** What a connection without a certificate reads after a request. */
function bytesOf(options: tls.ConnectionOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = tls.connect({ host, port, servername: node?.id, ca, ...options });
    let text = '';
    socket.on('data', (bytes: Buffer) => (text += bytes.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve(text);
    });
    setTimeout(() => socket.destroy(), 5000).unref();
    socket.write('GET /1.0/info HTTP/1.1\r\nHost: a\r\n\r\n');
  });
}
