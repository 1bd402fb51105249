import type { Command } from '../kit/exec.ts';
import { inNamespace, type Namespace } from './namespaces.ts';

/**
 * Learns the index and the link-layer address of a device. The numbers are those of Linux: AF_PACKET is 17, the ioctls are
 * SIOCGIFINDEX and SIOCGIFHWADDR.
 */
const beginning = String.raw`use strict;
use Socket qw(AF_INET AF_INET6 SOCK_RAW SOCK_DGRAM inet_pton pack_sockaddr_in6);
my ($device, @addresses) = @ARGV;
socket(my $asked, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
my $request = pack 'a16 x24', $device;
ioctl($asked, 0x8933, $request) or die "$device: $!";
my $index = unpack 'x16 i', $request;
$request = pack 'a16 x24', $device;
ioctl($asked, 0x8927, $request) or die "$device: $!";
my $mac = unpack 'x18 a6', $request;
`;

/**
 * The command that runs a Perl program which sends frames on a device. Neither arping nor ndisc6 is part of a Debian
 * system, and perl-base is.
 * @param program may use $device, @addresses, and $index and $mac of the device
 * @param link the device, the addresses that the program is about, and where it is
 */
export function linkCommand(
  program: string,
  { namespace, device, addresses }: Link,
): Pick<Command, 'argv' | 'input'> {
  return {
    argv: inNamespace(namespace, ['perl', '-', device, ...addresses]),
    input: beginning + program,
  };
}

interface Link {
  namespace: Namespace;
  device: string;
  addresses: readonly string[];
}
