import { join } from 'node:path';

import type { AmphoraPaths } from '../paths.ts';
import { makePlainFolder, replacePlainFile } from '../haproxies/plain-files.ts';
import { lvsFolderOf } from './places.ts';

/**
 * The check of members, which controllers name in `misc_path` with address and port. A UDP port that nobody has answers
 * with ICMP, which the second datagram meets as an error. Silence counts as an answer.
 */
const udpCheck = `#!/bin/sh
# Written by ha-amphora. keepalived runs it with the address and port of a member.
exec perl -MSocket=:all -e '
  my ($host, $port) = @ARGV;
  my $flags = { flags => AI_NUMERICHOST, socktype => SOCK_DGRAM };
  my ($error, $to) = getaddrinfo($host, $port, $flags);
  $error and exit 1;
  socket(my $s, $to->{family}, SOCK_DGRAM, 0) or exit 1;
  connect($s, $to->{addr}) or exit 1;
  send($s, "", 0);
  select(undef, undef, undef, 0.2);
  send($s, "", 0) // exit 1;
' "$1" "$2"
`;

/** Writes what all LVS listeners share. Faults: `amphora_file_foreign`, `no_space` */
export async function writeLvsFiles(paths: AmphoraPaths): Promise<void> {
  const folder = lvsFolderOf(paths);
  const checks = join(folder, 'check');
  await makePlainFolder(folder);
  await makePlainFolder(checks);
  // Root alone runs it, as with Octavia's agent.
  await replacePlainFile(join(checks, 'udp_check.sh'), udpCheck, 0o100);
}
