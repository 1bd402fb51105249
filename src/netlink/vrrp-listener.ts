import { rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Resident, StartResident } from '../kit/exec.ts';
import { cacheByStamp } from '../kit/files/cached-by-stamp.ts';
import { ifThere, readTextUpTo } from '../kit/files/files.ts';
import type { Log } from '../kit/log.ts';

/** VRRP packets that came in on an interface. */
export interface SeenVrrp {
  interface: string;
  family: 'ipv4' | 'ipv6';
  routerId: number;
  source: string;
}

export interface VrrpListener {
  /** Listens on these interfaces, whether they are there already or not. */
  watch(interfaces: readonly string[]): void;
  /** What came in the last two minutes. The longest interval of VRRP is 40.95 s. */
  seen(): Promise<readonly SeenVrrp[]>;
  stop(): Promise<void>;
}

/**
 * Node.js has no packet sockets, and perl-base is part of every Debian. A packet socket sees what nftables drops
 * afterwards. The kernel's filter passes only protocol 112, and the program looks no more than four times a second. The
 * numbers are those of Linux: AF_PACKET is 17, SO_ATTACH_FILTER is 26, SIOCGIFINDEX is 0x8933, the offsets are those of
 * the IP headers. /sys does not tell the index of an interface: in a container it may show another namespace.
 */
const program = String.raw`
use strict;
use Socket qw(AF_INET AF_INET6 SOCK_DGRAM SOL_SOCKET inet_ntop);
my ($page, @names) = @ARGV;
my $parent = getppid;
my (%sockets, %seen);
my $written = 0;
socket(my $any, AF_INET, SOCK_DGRAM, 0) or exit 1;
sub index_of { my $request = pack 'a16 x24', $_[0]; return ioctl($any, 0x8933, $request) ? unpack('x16 i', $request) : 0 }
sub filter { my ($offset) = @_; return join '', map { pack 'S C C L', @$_ } [0x30, 0, 0, $offset], [0x15, 0, 1, 112], [0x06, 0, 0, 128], [0x06, 0, 0, 0] }
sub refresh {
  for my $name (@names) {
    my $index = index_of($name);
    for my $kind ([0x0800, 9], [0x86dd, 6]) {
      my ($protocol, $offset) = @$kind;
      my $key = "$name $protocol";
      next if $sockets{$key} && $sockets{$key}{index} == $index;
      delete $sockets{$key};
      next unless $index;
      socket(my $socket, 17, SOCK_DGRAM, 0) or next;
      my $code = filter($offset);
      setsockopt($socket, SOL_SOCKET, 26, pack('S x![P] P', 4, $code)) or next;
      bind($socket, pack 'S n i S C C a8', 17, $protocol, $index, 0, 0, 0, '') or next;
      $sockets{$key} = { index => $index, name => $name, socket => $socket, protocol => $protocol };
    }
  }
}
sub take {
  my ($each) = @_;
  for (1 .. 2000) {
    my $from = recv $each->{socket}, my $packet, 128, 0x40;
    last unless defined $from;
    my ($family, $vrrp, $source);
    if ($each->{protocol} == 0x0800) {
      $vrrp = substr $packet, 4 * (ord(substr $packet, 0, 1) & 15), 2;
      ($family, $source) = ('ipv4', inet_ntop(AF_INET, substr $packet, 12, 4));
    } else {
      $vrrp = substr $packet, 40, 2;
      ($family, $source) = ('ipv6', inet_ntop(AF_INET6, substr $packet, 8, 16));
    }
    # The type of an advertisement is 1, of version 2 and 3 alike.
    next if length $vrrp < 2 || (ord($vrrp) & 15) != 1;
    my $key = join ' ', $each->{name}, $family, ord(substr $vrrp, 1, 1), $source;
    next if !$seen{$key} && keys %seen >= 1024;
    $written = 0 unless $seen{$key};
    $seen{$key} = time;
  }
}
sub store {
  open my $file, '>', "$page.new" or return;
  print $file "$seen{$_} $_\n" for sort keys %seen;
  close $file and rename "$page.new", $page;
  $written = time;
}
my $refreshed = 0;
while (getppid == $parent) {
  if (time - $refreshed >= 10) { refresh(); $refreshed = time }
  my $bits = '';
  vec($bits, fileno $_->{socket}, 1) = 1 for values %sockets;
  my $count = select $bits, undef, undef, 10;
  if ($count > 0) { take($_) for values %sockets }
  my $old = time - 120;
  for (keys %seen) { if ($seen{$_} < $old) { delete $seen{$_}; $written = 0 } }
  store() if time - $written >= 10;
  select undef, undef, undef, 0.25;
}
`;

const maxPageBytes = 256 * 1024;
/** A page that is older comes from a listener that hangs or is gone. */
const maxSeconds = 125;
const restartMs = 5000;

/**
 * Sees which router ids others use, before one is needed here.
 * @param page a file in memory that the listener replaces
 */
export function makeVrrpListener(
  startResident: StartResident,
  page: string,
  log: Log,
): VrrpListener {
  let watched = '';
  let resident: Resident | undefined;
  let isStopped = false;
  // It is replaced each ten seconds, and looked at each second.
  const readPage = cacheByStamp(
    async () => {
      const found = await ifThere(stat(page, { bigint: true }));
      return found ? `${found.ino} ${found.mtimeNs}` : '';
    },
    () => readTextUpTo(page, maxPageBytes),
  );

  function start(interfaces: readonly string[]): void {
    const started = startResident(['perl', '-e', program, page, ...interfaces]);
    resident = started;
    void started.ended.then(async () => {
      await sleep(restartMs, undefined, { ref: false });
      if (isStopped || resident !== started) return;
      log.warn({}, 'the listener for VRRP ended; it is started again');
      start(interfaces);
    });
  }

  return {
    watch(interfaces) {
      const sorted = [...new Set(interfaces)].sort();
      if (isStopped || sorted.join(' ') === watched) return;
      watched = sorted.join(' ');
      resident?.stop();
      resident = undefined;
      if (sorted.length > 0) start(sorted);
    },
    async seen() {
      const text = watched === '' ? undefined : await readPage();
      return typeof text === 'string' ? seenIn(text, Date.now() / 1000) : [];
    },
    async stop() {
      isStopped = true;
      resident?.stop();
      await resident?.ended;
      await rm(page, { force: true });
    },
  };
}

function seenIn(text: string, now: number): SeenVrrp[] {
  return text.split('\n').flatMap((line) => {
    const [time, device = '', family, routerId, source = ''] = line.split(' ');
    const isKnown = family === 'ipv4' || family === 'ipv6';
    if (!isKnown || Math.abs(now - Number(time)) > maxSeconds) return [];
    return [{ interface: device, family, routerId: Number(routerId), source }];
  });
}
