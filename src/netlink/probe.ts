import { type Run, runToSuccess } from '../kit/exec.ts';
import { linkCommand } from './link-program.ts';
import type { Namespace } from './namespaces.ts';

/** An address that a host on the link has. */
export interface UsedAddress {
  /** As it was asked for. */
  address: string;
  /** The link-layer address of that host, such as `52:54:00:12:34:56`. */
  by: string;
}

const deadlineMs = 5000;

/**
 * Asks for each IPv4 address by ARP with the sender 0.0.0.0 (RFC 5227, section 2.1.1), and for each IPv6 address by a
 * neighbour solicitation from `::` (RFC 4862, section 5.4.2), so that no neighbour learns anything wrong by it. An answer
 * to the one comes to this host, to the other to all nodes. It asks three times within 0.4 s and listens for 0.7 s in all.
 */
const program = String.raw`
sub link_of { my ($protocol) = @_;
  socket(my $link, 17, SOCK_RAW, 0) or die "socket: $!";
  bind($link, pack 'S n i S C C a8', 17, $protocol, $index, 0, 0, 0, '') or die "bind: $!";
  return $link;
}
sub checksum { my ($bytes) = @_;
  my $sum = 0;
  $sum += $_ for unpack 'n*', $bytes;
  $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
  return ~$sum & 0xffff;
}
sub solicitation { my ($ip) = @_;
  my $last = substr $ip, 13;
  my $group = "\xff\x02" . "\0" x 9 . "\x01\xff" . $last;
  my $ends = "\0" x 16 . $group;
  my $body = "\0" x 4 . $ip;
  my $sum = checksum($ends . pack('N N', 24, 58) . pack('C C n', 135, 0, 0) . $body);
  return "\x33\x33\xff$last$mac" . pack('n N n C C', 0x86dd, 0x60000000, 24, 58, 255) . $ends . pack('C C n', 135, 0, $sum) . $body;
}
my (%wanted, %used, %links, @frames);
for my $address (@addresses) {
  my $is_6 = $address =~ /:/;
  my $protocol = $is_6 ? 0x86dd : 0x0806;
  my $ip = inet_pton($is_6 ? AF_INET6 : AF_INET, $address) or die "$address: no address";
  $wanted{$ip} = $address;
  $links{$protocol} ||= link_of($protocol);
  my $frame = $is_6 ? solicitation($ip) : "\xff" x 6 . $mac . pack('n n n C C n', 0x0806, 1, 0x0800, 6, 4, 1) . $mac . "\0" x 4 . "\0" x 6 . $ip;
  push @frames, [$links{$protocol}, $frame, $address];
}
sub take { my ($link, $protocol) = @_;
  defined recv $link, my $frame, 256, 0x40 or return 0;
  my ($ip, $by);
  if ($protocol == 0x0806) {
    # The sender of a request has the address as well as that of a reply.
    ($ip, $by) = (substr($frame, 28, 4), substr $frame, 22, 6);
  } else {
    return 1 unless length $frame >= 78 && ord(substr $frame, 20, 1) == 58 && ord(substr $frame, 54, 1) == 136;
    ($ip, $by) = (substr($frame, 62, 16), substr $frame, 6, 6);
  }
  $used{$wanted{$ip}} = join ':', map { sprintf '%02x', $_ } unpack 'C6', $by if $wanted{$ip} && $by ne $mac;
  return 1;
}
for my $seconds (0.2, 0.2, 0.3) {
  for my $frame (@frames) { $used{$frame->[2]} or defined send($frame->[0], $frame->[1], 0) or die "$frame->[2]: $!" }
  my $left = $seconds;
  while ($left > 0 && keys %used < keys %wanted) {
    my $bits = '';
    vec($bits, fileno $_, 1) = 1 for values %links;
    # Linux writes down what is left of the time (select(2)).
    (my $count, $left) = select $bits, undef, undef, $left;
    last if $count <= 0;
    for my $protocol (keys %links) { 1 while take($links{$protocol}, $protocol) }
  }
}
print "$_ $used{$_}\n" for sort keys %used;
`;

/**
 * Asks the hosts on a link whether one of them has an address.
 * @param addresses of that link, of both families
 * @returns those that another host has; an address of this host itself is not among them
 * Faults: `tool_failed` if the device is missing or down, those of Run
 */
export async function probeAddresses(
  run: Run,
  namespace: Namespace,
  device: string,
  addresses: readonly string[],
): Promise<UsedAddress[]> {
  if (addresses.length === 0) return [];
  const text = await runToSuccess(
    run,
    { ...linkCommand(program, { namespace, device, addresses }), deadlineMs },
    `It could not be asked on ${device} who has ${addresses.slice(0, 5).join(', ')}. The reason is in 'stderr'; see 'ip address show dev ${device}'.`,
  );
  return text.split('\n').flatMap((line) => {
    const [address, by] = line.split(' ');
    return address === undefined || by === undefined ? [] : [{ address, by }];
  });
}
