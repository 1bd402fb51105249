import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { placesOf } from '../../../src/amphora/haproxies/places.ts';
import { vrrpFiles } from '../../../src/amphora/vrrp/files.ts';
import { askWorker } from '../../../src/haproxy/socket.ts';
import { driverConfigOf } from '../amphora-owners.ts';
import { issue } from '../octavia/authority.ts';
import { agentConfigOf, amphoraOfFolder, type FolderPlaces } from './in-folder.ts';
import { portsOfFolder } from './folder-units.ts';

/** The owner that the steps change, and one that nobody asks for anything. */
export const [changed, bystander] = ['lb-changed', 'lb-other'] as const;

/** A request that is killed at a random point. */
export interface StormStep {
  name: string;
  /** The request of a round, which differs from that of the round before. */
  request: (round: number) => readonly [method: string, path: string, body: string | object];
  /** The contents of which one must be there afterwards; undefined stands for no file. */
  expected: (round: number) => readonly (string | undefined)[];
  state: () => Promise<string | undefined>;
  /** Statuses of the repeated request: it succeeds, or what it asks for was done already. */
  repeated: readonly number[];
}

export interface StormPorts {
  changed: number;
  bystander: number;
}

export function stormSteps(places: FolderPlaces, ports: StormPorts): StormStep[] {
  const { paths } = places;
  const ofChanged = placesOf(paths, changed);
  const keepalived = vrrpFiles(paths.base);
  const own = join(paths.certificates, changed, 'www.example.com.pem');
  const [first, second] = [pemOf('a'), pemOf('b')];
  const servers = ['server', 'next'].map((name) =>
    readFileSync(name === 'server' ? places.server : join(places.trust, 'next.pem'), 'utf8'),
  );
  const config = (round: number) => configOf(places, changed, ports.changed, round);
  const pem = (round: number) => (round % 2 === 0 ? first : second);
  const vrrp = (round: number) => vrrpOf(places, round);
  const agent = (round: number) => agentConfigOf(places, `a-key-of-round-${round % 2}`);
  const server = (round: number) => servers[round % 2] ?? '';
  /** The content of this round or of the one before. */
  const eitherOf = (content: (round: number) => string) => (round: number) => [
    content(round),
    content(round + 1),
  ];
  const text = (path: string) => () => readFile(path, 'utf8').catch(() => undefined);
  const base = `/1.0/loadbalancer/${changed}`;
  return [
    {
      name: 'upload',
      request: (round) => [
        'PUT',
        `/1.0/loadbalancer/${amphoraOfFolder}/${changed}/haproxy`,
        config(round),
      ],
      expected: eitherOf(config),
      state: text(ofChanged.config),
      repeated: [201],
    },
    {
      name: 'certificate',
      request: (round) => ['PUT', `${base}/certificates/www.example.com.pem`, pem(round)],
      expected: (round) => [undefined, ...eitherOf(pem)(round)],
      state: text(own),
      repeated: [201],
    },
    {
      name: 'reload',
      request: () => ['PUT', `${base}/reload`, ''],
      expected: () => ['serves'],
      state: async () =>
        (await askWorker(ofChanged.statsSocket, { deadlineMs: 5000 })) ? 'serves' : undefined,
      repeated: [202],
    },
    {
      name: 'plug',
      request: (round) => [
        'POST',
        '/1.0/plug/network',
        {
          mac_address: portsOfFolder[1],
          fixed_ips: [{ ip_address: `10.${round % 2}.0.3`, subnet_cidr: `10.${round % 2}.0.0/24` }],
        },
      ],
      expected: () => ['whole'],
      state: () => wholeRecords(paths.interfaces),
      repeated: [202],
    },
    {
      name: 'vrrp',
      request: (round) => ['PUT', '/1.0/vrrp/upload', vrrp(round)],
      expected: (round) => [undefined, ...eitherOf(vrrp)(round)],
      state: text(keepalived.config),
      repeated: [200],
    },
    {
      name: 'rotation',
      request: (round) => ['PUT', '/1.0/certificate', server(round)],
      expected: eitherOf(server),
      state: text(places.server),
      repeated: [202],
    },
    {
      name: 'config',
      request: (round) => ['PUT', '/1.0/config', agent(round)],
      expected: (round) => [agentConfigOf(places), ...eitherOf(agent)(round)],
      state: text(paths.agentConfig),
      repeated: [202],
    },
    {
      name: 'delete',
      request: () => ['DELETE', `/1.0/listeners/${changed}`, ''],
      // The configuration goes last, so that a repeated request finds the owner.
      expected: (round) => [undefined, ...eitherOf(config)(round)],
      state: text(ofChanged.config),
      repeated: [200, 404],
    },
  ];
}

/** A configuration whose length differs from round to round. */
export function configOf(places: FolderPlaces, id: string, port: number, round: number): string {
  const members = round % 2 === 0 ? [1] : [1, 2, 3];
  return driverConfigOf(places.paths, id, [{ id: `of-${id}`, port, members }]);
}

function pemOf(name: string): string {
  const { certificate, key } = issue({ name, key: name === 'a' ? 'rsa' : 'ec' });
  return certificate + key;
}

function vrrpOf({ paths }: FolderPlaces, round: number): string {
  const file = new URL('../../fixtures/keepalived-conf/16.0.0/vrrp-master.conf', import.meta.url);
  return readFileSync(file, 'utf8')
    .replaceAll('/var/lib/octavia', paths.base)
    .replaceAll(' gateway ', ' via ')
    .replace(/priority \d+/, `priority ${90 + (round % 2)}`);
}

async function wholeRecords(folder: string): Promise<string> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.json')) continue;
    JSON.parse(await readFile(join(folder, name), 'utf8'));
  }
  return 'whole';
}
