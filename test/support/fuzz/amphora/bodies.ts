import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Row } from '../../../../src/server/table/row.ts';
import { agentConfigOf, type FolderPlaces } from '../../amphora/in-folder.ts';
import { driverConfigOf } from '../../amphora-owners.ts';
import { issue, revocationsOf } from '../../octavia/authority.ts';
import type { Body } from '../bodies.ts';
import { type Dice, hostile } from '../values.ts';

/** The owners of a run. Each has a port of its own, so that they may run side by side. */
export const ownersOfFuzz = ['lb-1', 'lb-2', 'listener-1'];
/** Each file name, as drivers write them, for a server certificate, an authority and a crt-list. */
export const filesOfFuzz = ['www.example.com.pem', `${'ab'.repeat(20)}.pem`, 'lb-1.pem'];

/** Lines that no driver writes, for a haproxy.cfg. */
export const haproxyLines: readonly string[] = [
  'lua-load /var/lib/octavia/certs/lb-1/a.pem',
  'lua-load-per-thread /tmp/a.lua',
  'lua-prepend-path /tmp/?.lua',
  'program x',
  '    command /bin/sh -c id',
  'external-check command /bin/sh',
  'external-check path /tmp',
  'user root',
  'uid 0',
  'gid 0',
  'chroot /tmp',
  'setenv PATH /tmp',
  'presetenv A b',
  'resetenv A',
  'stats socket /tmp/x.sock level admin',
  'stats socket ipv4@0.0.0.0:9999 level admin',
  'log 192.0.2.1:514 local0',
  'log stderr local0',
  'errorfile 503 /etc/shadow',
  'errorfiles /etc',
  'http-errors x',
  'module-load /tmp/a.so',
  'bind unix@/tmp/x.sock',
  'bind fd@3',
  'bind abns@x',
  'bind 127.0.0.1:1 ssl crt /etc/octavia/certs/server.pem',
  'bind 127.0.0.1:1 ssl crt-list /etc/shadow',
  'bind 127.0.0.1:1 ssl ca-file ../../x.pem',
  'server x unix@/run/x.sock',
  'server x sockpair@3',
  'server x 127.0.0.1:1 namespace other',
  'acl x path -m str -f /etc/shadow',
  'acl x path,map(/etc/shadow) -m found',
  'http-request set-path %[env(SECRET)]',
  'http-request use-service lua.x',
  'redirect location %[env(SECRET)] if TRUE',
  'use_backend %[req.hdr(host),map(/etc/passwd)]',
  'server-state-file /etc/passwd',
  'server-state-base /etc',
  'include /etc/passwd',
  '.if 1',
  '"lua-load" /tmp/x',
  'l\\x75a-load /tmp/x',
  'lua-l"oad" /tmp/x',
  'stats socket "$HOME"',
];

/** The same for a keepalived.conf. */
export const keepalivedLines: readonly string[] = [
  'include /etc/passwd',
  'includew /etc/*',
  'notify /bin/sh',
  'notify_master "/bin/sh -c id"',
  'script_user root',
  'enable_script_security',
  'net_namespace other',
  'vrrp_script x {\n  script /bin/sh\n}',
  'global_defs {\n  script_user root\n}',
  'misc_path "/bin/sh -c id"',
  'smtp_server 192.0.2.1',
  '$A=notify /bin/sh',
  '@x notify /bin/sh',
  'process_names',
  'vrrp_track_process x {\n}',
  'vrrp_track_file /etc/shadow {\n}',
];

const configLines: readonly string[] = [
  '[amphora_agent]',
  'agent_server_ca = /etc/shadow',
  'agent_server_cert = /nonexistent',
  'bind_port = 22',
  'haproxy_cmd = /bin/sh',
  'base_path = /etc',
  'amphora_id = other',
  'controller_ip_port_list = 127.0.0.1:70000',
  'heartbeat_key = $other',
  ' continued',
  '[',
  '=',
];

/** Bodies as drivers send them, by the end of the path of their rows. */
export type Bodies = (row: Row, dice: Dice) => Body;

/** @param ports for the owners, in their order */
export function makeBodies(places: FolderPlaces, ports: readonly number[]): Bodies {
  const ca = issue({ name: 'a-ca', isAuthority: true });
  const leaf = issue({ name: 'www.example.com', dns: ['www.example.com'], by: ca });
  const other = issue({ name: 'other.example.com', key: 'rsa' });
  const folder = `${places.paths.certificates}/lb-1`;
  const pems = [
    leaf.certificate + leaf.key,
    leaf.key + leaf.certificate + ca.certificate,
    other.certificate + other.key,
    leaf.certificate + other.key,
    leaf.key + other.key + leaf.certificate,
    ca.certificate,
    leaf.key,
    revocationsOf(ca),
    `${folder}/www.example.com.pem\n`,
    `${folder}/../x.pem\n/etc/shadow\n`,
  ];
  const haproxy = ownersOfFuzz.map((id, index) =>
    driverConfigOf(places.paths, id, [{ id, port: ports[index] ?? 1, members: [1] }]),
  );
  const trust = readFileSync(join(places.trust, 'next.pem'), 'utf8');
  const vrrp = recorded('vrrp', places);
  const lvs = recorded('lvs', places);
  const sources: readonly [RegExp, readonly string[], readonly string[]][] = [
    [/\/haproxy$/, haproxy, haproxyLines],
    [/\/udp_listener$/, lvs, keepalivedLines],
    [/\/vrrp\/upload$/, vrrp, keepalivedLines],
    [/\/certificates\/:file$/, pems, hostile],
    [/\/certificate$/, [trust, ...pems], hostile],
    [/\/config$/, [agentConfigOf(places)], configLines],
  ];
  return ({ path }, dice) => {
    const [, texts, lines] = sources.find(([end]) => end.test(path)) ?? [/./, [''], hostile];
    const text = dice.pick(texts);
    const bytes = dice.chance(0.3) ? Buffer.from(text) : mutated(text, lines, dice);
    return { bytes, headers: headersOf(dice) };
  };
}

function headersOf({ chance, pick }: Dice): Body['headers'] {
  if (chance(0.8)) return [];
  const types = ['application/octet-stream', 'application/json', 'text/plain', 'multipart/x'];
  if (chance(0.7)) return [['Content-Type', pick(types)]];
  return [['Content-Encoding', pick(['gzip', 'br', 'deflate', 'identity', 'x'])]];
}

function mutated(text: string, lines: readonly string[], dice: Dice): Buffer {
  const { pick, below, chance } = dice;
  const rows = text.split('\n');
  const at = below(rows.length + 1);
  switch (below(9)) {
    case 0:
    case 1:
      return Buffer.from([...rows.slice(0, at), pick(lines), ...rows.slice(at)].join('\n'));
    case 2: {
      // A line break in a value that a tenant sets.
      const end = pick(['\n', '\r', '\r\n', '\0', '\\n', '\u2028', '\x0b']);
      const broken = `${rows[at] ?? ''}${end}${pick(lines)}`;
      return Buffer.from([...rows.slice(0, at), broken, ...rows.slice(at + 1)].join('\n'));
    }
    case 3: {
      const tokens = text.split(/(\s+)/);
      tokens[below(tokens.length)] = pick(chance(0.5) ? hostile : lines);
      return Buffer.from(tokens.join(''));
    }
    case 4: {
      const bytes = Buffer.from(text);
      const index = below(bytes.length);
      bytes[index] = (bytes[index] ?? 0) ^ (1 << below(8));
      return bytes;
    }
    case 5:
      return Buffer.from(text.slice(0, below(text.length)));
    case 6:
      return Buffer.from(text + text.slice(below(text.length)));
    case 7:
      return Buffer.from(text.replaceAll(pick(['\n', ' ', '/', '1', 'a']), pick(hostile)));
    default:
      return Buffer.from(pick(hostile).repeat(below(2000)));
  }
}

/** What the driver of Debian 12 writes. */
function recorded(start: string, { paths }: FolderPlaces): string[] {
  const fixtures = new URL('../../../fixtures/keepalived-conf/11.0.0/', import.meta.url);
  return readdirSync(fixtures)
    .filter((name) => name.startsWith(start))
    .map((name) =>
      readFileSync(new URL(name, fixtures), 'utf8')
        .replaceAll('/var/lib/octavia', paths.base)
        .replace(/^ *net_namespace .*$/gm, ''),
    );
}
