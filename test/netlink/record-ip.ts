// Records test/fixtures/ip/VERSION from the iproute2 of a Debian, in a namespace of this machine:
//   node --import tsx test/netlink/record-ip.ts ROOT...
// ROOT is a folder with that Debian, such as one of the lab's; / is this machine.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { fixturePath } from '../support/fixtures.ts';
import { must, run } from '../support/tenant-ports.ts';

const place = 'test-record-ip';

const setup = [
  'link add eth1 address fa:16:3e:00:00:01 type veth peer name peer address fa:16:3e:00:00:02',
  'link property add dev eth1 altname enp0s5',
  'link set lo up',
  'link set eth1 mtu 1450 up',
  'link set peer up',
  'address add 203.0.113.20/24 dev eth1',
  'address add 203.0.113.5/32 dev eth1',
  'address add 2001:db8::5/128 dev eth1 nodad',
  'route add default via 203.0.113.1 dev eth1 onlink',
  'route add 203.0.113.0/24 dev eth1 src 203.0.113.5 scope link table 1 proto static',
  'route add default via 203.0.113.1 dev eth1 onlink table 1 proto static',
  '-6 route add 2001:db8::/64 dev eth1 src 2001:db8::5 scope link table 1 proto static',
  '-6 route add default via fe80::1 dev eth1 onlink table 1 proto static',
  'rule add from 203.0.113.5/32 table 1 priority 100',
  'rule add from 198.51.100.0/24 table 1 priority 101',
  '-6 rule add from 2001:db8::5/128 table 1 priority 100',
];

const calls = {
  links: '-j -N -details link show',
  addresses: '-j -N address show',
  'addresses-eth1': '-j -N address show dev eth1',
  'addresses-inet6': '-j -N -6 address show',
  'routes-ipv4': '-j -N -4 route show table all dev eth1',
  'routes-ipv6': '-j -N -6 route show table all dev eth1',
  'routes-default': '-j -N -4 route show default',
  'routes-none': '-j -N -4 route show table all dev peer',
  'rules-ipv4': '-j -N -4 rule show',
  'rules-ipv6': '-j -N -6 rule show',
};

async function record(root: string): Promise<void> {
  const inRoot = ['ip', 'netns', 'exec', place, 'chroot', root, 'ip'] as const;
  const { stdout: text } = await run({ argv: [...inRoot, '-V'], deadlineMs: 10_000 });
  const version = /iproute2-(?<version>[\d.]+)/.exec(text)?.groups?.['version'] ?? 'unknown';
  for (const [name, args] of Object.entries(calls)) {
    const argv = [...inRoot, ...args.split(' ')] as const;
    const { exitCode, stdout, stderr } = await run({ argv, deadlineMs: 10_000 });
    const folder = fixturePath(join('ip', version, name));
    await mkdir(folder, { recursive: true });
    const command = { argv: ['ip', ...args.split(' ')], exitCode };
    await writeFile(join(folder, 'command.json'), `${JSON.stringify(command, null, 2)}\n`);
    await writeFile(join(folder, 'stdout'), stdout);
    await writeFile(join(folder, 'stderr'), stderr);
  }
}

await must('ip', 'netns', 'add', place);
try {
  for (const each of setup) await must('ip', '-n', place, ...each.split(' '));
  for (const root of process.argv.slice(2)) await record(root);
} finally {
  await must('ip', 'netns', 'delete', place);
}
