import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import tls from 'node:tls';

import { driverConfigOf } from '../amphora-owners.ts';
import { haproxyLines, keepalivedLines } from '../fuzz/amphora/bodies.ts';
import { driverConfig as keepalivedConfig } from '../keepalived-host.ts';
import { issue } from '../octavia/authority.ts';
import { ask, type Target } from './asking.ts';

/** Values that no journal, audit log or error may hold after they were sent. */
export const sentSecrets = {
  heartbeatKey: 'heartbeat-key-Zq81',
  vrrp: 'vrrpZq82',
  topology: 'topologyZq83',
  tenant: 'word-of-a-tenant-Zq84',
} as const;

/** The places that an amphora's configuration names. */
export interface HostilePlaces {
  base: string;
  certificates: string;
  amphora: string;
  /** The agent's configuration as it is, to which hostile lines are added. */
  agentConfig: string;
}

interface HostileRequest {
  method: string;
  path: string;
  body?: string | Buffer | object;
  /** The statuses of a refusal. */
  refused: readonly number[];
}

const ids = [
  ...['..', '.', '%2e%2e', '%2f', '..%2f..%2fetc', '%2e%2e%2fetc', 'a%0ab', 'a%0d%0ab', 'a%00b'],
  ...['a'.repeat(65), 'a'.repeat(10_000), 'certs', 'lvs', 'vrrp', 'a%20b', '%c0%ae', 'a;b', '%25'],
  ...['a%2fb', '%ff', 'ha-amphora.env', 'x.sock', '%E2%80%A8', '$(id)', '*'],
];
const files = [
  ...['aa.pem.sh', '..pem', '..%2fa.pem', '%2e%2e%2fserver.pem', 'a.pem%00', 'a.pem%0a', '-a.pem'],
  ...['a.key', `${'a'.repeat(300)}.pem`, 'a..pem', '.pem', 'a%2fb.pem', 'a%20b.pem'],
];

/** Requests that have to be refused, whatever is configured. None of them needs a port or an owner. */
export function hostileRequests(places: HostilePlaces): HostileRequest[] {
  const { amphora, agentConfig } = places;
  const refused = [400, 404, 405];
  const base = '/1.0/loadbalancer';
  const haproxy = driverConfigOf(places, 'hostile', [{ id: 'l', port: 18_080, members: [1] }]);
  const vrrp = keepalivedConfig({ checkScript: `${places.base}/vrrp/check_script.sh` });
  const { certificate, key } = issue({ name: 'tenant' });
  const other = issue({ name: 'other' });
  const put = (path: string, body: string | Buffer): HostileRequest => ({
    method: 'PUT',
    path,
    body,
    refused: [400],
  });
  const pem = (body: string | Buffer) => put(`${base}/hostile/certificates/a.pem`, body);
  const config = (body: string) => put(`${base}/${amphora}/hostile/haproxy`, body);
  return [
    ...ids.flatMap((id): HostileRequest[] => [
      {
        method: 'PUT',
        path: `${base}/${amphora}/${id}/haproxy`,
        body: haproxy,
        refused: [...refused, 431],
      },
      {
        method: 'PUT',
        path: `${base}/${id}/certificates/a.pem`,
        body: certificate + key,
        refused: [...refused, 431],
      },
      {
        method: 'PUT',
        path: `/1.0/listeners/${amphora}/${id}/udp_listener`,
        body: 'x',
        refused: [...refused, 431],
      },
      { method: 'DELETE', path: `/0.5/listeners/${id}`, refused: [...refused, 431] },
    ]),
    ...files.map((file): HostileRequest => ({
      method: 'PUT',
      path: `${base}/hostile/certificates/${file}`,
      body: certificate + key,
      refused,
    })),
    ...haproxyLines.flatMap((line) => [
      config(haproxy.replace('    daemon\n', `    daemon\n    ${line}\n`)),
      config(
        haproxy.replace('    mode tcp\n', `    mode tcp\n    ${line} ${sentSecrets.tenant}\n`),
      ),
      config(`${haproxy}\n${line}\n`),
    ]),
    ...keepalivedLines.flatMap((line) => [
      put(
        '/1.0/vrrp/upload',
        `${line}\n${vrrp}`.replace(/auth_pass .*/, `auth_pass ${sentSecrets.vrrp}`),
      ),
      put('/1.0/vrrp/upload', vrrp.replace('nopreempt', `nopreempt\n  ${line}`)),
      put(`/1.0/listeners/${amphora}/hostile/udp_listener`, `${line}\n`),
    ]),
    pem(certificate + other.key),
    pem(certificate + key + other.key),
    pem(key),
    pem(certificate.repeat(3000) + key),
    pem(key.slice(0, -60) + certificate),
    ...encryptedKeys().map((encrypted) => pem(certificate + encrypted)),
    pem(`${places.certificates}/other/a.pem\n`),
    pem(`/etc/shadow\n`),
    pem(`${places.certificates}/hostile/../../a.pem\n`),
    ...crtLists(places).map(pem),
    ...['', 'x', '[a]', agentConfig.replaceAll(/^\[.*$/gm, '')].map((body) =>
      put('/1.0/config', body),
    ),
    put('/1.0/config', agentConfig.replace(/agent_server_ca.*/, 'agent_server_ca = /etc/shadow')),
    put('/1.0/config', `${agentConfig}\nheartbeat_key ${sentSecrets.heartbeatKey}\n`),
    ...['', 'x', certificate, key, certificate + other.key].map((body) =>
      put('/1.0/certificate', body),
    ),
    {
      method: 'POST',
      path: '/v0.1/topology',
      body: { topology: 'ACTIVE-STANDBY', role: 'x', ha_ip: 'x', secret: sentSecrets.topology },
      refused: [400],
    },
    put('/1.0/vrrp/upload', Buffer.alloc(2 * 1024 * 1024, 'a')),
    config('\n'.repeat(9 * 1024 * 1024)),
  ];
}

/** Keys that nobody can use without a password, in both of their formats. */
function encryptedKeys(): string[] {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const locked = { format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' } as const;
  return [
    privateKey.export({ type: 'pkcs8', ...locked }).toString(),
    privateKey.export({ type: 'pkcs1', ...locked }).toString(),
  ];
}

/** Lists of certificates with paths that are not the owner's own, or that mean more than a path. */
function crtLists({ base, certificates }: HostilePlaces): string[] {
  const own = `${certificates}/hostile/a.pem`;
  return [
    'a.pem',
    `${certificates}/hostile`,
    `${certificates}/hostile/`,
    `${certificates}/hostile/*.pem`,
    `${certificates}/hostile/../other/a.pem`,
    `${certificates}/hostile/./a.pem`,
    `${certificates}//hostile/a.pem`,
    `${certificates}/hostile/a.pem/../../x.pem`,
    `${certificates}/hostile/%2e%2e/x.pem`,
    `${base}/hostile/haproxy.cfg`,
    `${own}\n/etc/octavia/certs/server.pem`,
    `${own}\0`,
    `${own} [ca-file /etc/shadow]`,
    `${own} [verify none] *.example.com`,
    `"${own}"`,
    '$HOME/a.pem',
    '@system-ca',
  ].map((line) => `${line}\n`);
}

/**
 * @param noteSent gets the bodies that were sent
 * @returns what was not refused, or was refused otherwise than documented, one line each
 */
export async function sendHostile(
  target: Target,
  places: HostilePlaces,
  noteSent: (text: string) => void = () => undefined,
): Promise<string[]> {
  const flaws: string[] = [];
  for (const { method, path, body = '', refused } of hostileRequests(places)) {
    if (typeof body === 'string') noteSent(body);
    const short = `${method} ${path.slice(0, 80)} ${typeof body === 'string' ? JSON.stringify(body.slice(-60)) : 'bytes or JSON'}`;
    try {
      // The path goes as it is: a client would tidy it up.
      const { status, text } = await ask(target, method, path, body);
      if (!refused.includes(status)) flaws.push(`${short}: ${status} ${text.slice(0, 300)}`);
      for (const secret of [...Object.values(sentSecrets), 'PRIVATE KEY-----\n']) {
        if (text.includes(secret)) flaws.push(`${short}: the answer has a secret`);
      }
    } catch (error) {
      flaws.push(`${short}: no answer (${(error as Error).message})`);
    }
  }
  return flaws;
}

/** Bytes that are not a sound request, each with what the answer may begin with; undefined for none. */
const frames: readonly (readonly [string, RegExp])[] = [
  ['Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', /^HTTP\/1\.1 400|^$/],
  ['Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef', /^HTTP\/1\.1 400|^$/],
  ['Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n', /^HTTP\/1\.1 400|^$/],
  ['Transfer-Encoding: xchunked\r\nContent-Length: 1\r\n\r\na', /^HTTP\/1\.1 400|^$/],
  ['Transfer-Encoding: chunked\r\n\r\nzz\r\n', /^HTTP\/1\.1 400|^$/],
  ['Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n', /^HTTP\/1\.1 400|^$/],
  ['Content-Length: -1\r\n\r\n', /^HTTP\/1\.1 400|^$/],
  ['Content-Length: 99999999999\r\n\r\nabc', /^HTTP\/1\.1 400|^$/],
  ['Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc', /^HTTP\/1\.1 400|^$/],
];

/** @returns the frames that were answered otherwise */
export async function sendFrames(target: Target): Promise<string[]> {
  const flaws: string[] = [];
  for (const [text, expected] of frames) {
    const head = 'PUT /1.0/vrrp/upload HTTP/1.1\r\nHost: a\r\n';
    const answer = await raw(target, head + text);
    if (!expected.test(answer)) flaws.push(`${JSON.stringify(text)}: ${answer.slice(0, 200)}`);
  }
  return flaws;
}

function connectTo({ credentials, ...target }: Target): tls.TLSSocket {
  const socket = tls.connect({ ...target, ...credentials });
  socket.on('error', () => undefined);
  return socket;
}

function raw(target: Target, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTo(target);
    let answer = '';
    const timer = setTimeout(() => socket.destroy(), 5000);
    socket.on('data', (text: Buffer) => {
      answer += text.toString();
      if (answer.includes('\r\n\r\n')) socket.destroy();
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
    socket.write(bytes);
  });
}

/**
 * Holds connections that send a request without its end, a byte now and then, and asks over others meanwhile.
 * @returns the statuses of a read, and of an upload that has to be refused
 */
export async function askBesideSlow(target: Target, count: number): Promise<number[]> {
  const slow: tls.TLSSocket[] = [];
  const dripping = setInterval(() => {
    for (const each of slow) if (each.writable) each.write('a');
  }, 200);
  try {
    while (slow.length < count) {
      // One address may have so many handshakes at a time, and more.
      const some = Array.from({ length: Math.min(32, count - slow.length) }, () =>
        connectTo(target),
      );
      // The agent answers 100 when it has read the headers.
      const taken = some.map((each) => once(each, 'data'));
      for (const each of some) {
        each.write(
          'PUT /1.0/vrrp/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n',
        );
      }
      slow.push(...some);
      await Promise.all(taken);
    }
    const read = await ask(target, 'GET', '/1.0/info');
    const upload = await ask(target, 'PUT', '/1.0/vrrp/upload', 'script');
    return [read.status, upload.status];
  } finally {
    clearInterval(dripping);
    for (const each of slow) each.destroy();
  }
}
