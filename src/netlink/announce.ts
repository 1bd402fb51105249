import { type Run, runToSuccess } from '../kit/exec.ts';
import { linkCommand } from './link-program.ts';
import type { Namespace } from './namespaces.ts';

const deadlineMs = 10_000;

/**
 * Sends for each IPv4 address a gratuitous ARP request and reply (RFC 5227, section 3; some devices heed only one of
 * them), and for each IPv6 address an unsolicited neighbour advertisement with the override flag (RFC 4861, section
 * 7.2.6). The options of IPv6 are those of in6.h. The kernel fills in the checksum of ICMPv6.
 */
const program = String.raw`
my $all = "\xff" x 6;
for my $address (@addresses) {
  if ($address =~ /:/) {
    my $ip = inet_pton(AF_INET6, $address);
    socket(my $icmp, AF_INET6, SOCK_RAW, 58) or die "socket: $!";
    setsockopt($icmp, 41, 17, pack 'i', $index) or die "interface: $!";
    setsockopt($icmp, 41, 18, pack 'i', 255) or die "hops: $!";
    bind($icmp, pack_sockaddr_in6(0, $ip)) or die "$address: $!";
    my $advertisement = pack('C C n N', 136, 0, 0, 0x20000000) . $ip . pack('C C', 2, 1) . $mac;
    my $nodes = pack_sockaddr_in6(0, inet_pton(AF_INET6, 'ff02::1'), $index);
    defined send($icmp, $advertisement, 0, $nodes) or die "$address: $!";
  } else {
    my $ip = inet_pton(AF_INET, $address);
    socket(my $link, 17, SOCK_RAW, 0) or die "socket: $!";
    my $to = pack 'S n i S C C a8', 17, 0x0806, $index, 1, 0, 6, $all;
    for my $operation (1, 2) {
      my $target = $operation == 1 ? "\0" x 6 : $all;
      my $frame = $all . $mac . pack('n n n C C n', 0x0806, 1, 0x0800, 6, 4, $operation);
      defined send($link, $frame . $mac . $ip . $target . $ip, 0, $to) or die "$address: $!";
    }
  }
}
`;

/**
 * Tells the neighbours of a link that it has these addresses now, so that they forget who had them before.
 * @param addresses of the device; an IPv6 address must be usable already
 * Faults: `tool_failed`, those of Run
 */
export async function announceAddresses(
  run: Run,
  namespace: Namespace,
  device: string,
  addresses: readonly string[],
): Promise<void> {
  if (addresses.length === 0) return;
  await runToSuccess(
    run,
    { ...linkCommand(program, { namespace, device, addresses }), deadlineMs },
    `${addresses.join(', ')} could not be announced on ${device}. The reason is in 'stderr'; neighbours may send to the former owner until they ask again.`,
  );
}
