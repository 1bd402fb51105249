# Prints the milliseconds that a new configuration of haproxy needs by hand, until its worker answers:
# check, rename, `systemctl reload`, whose unit checks again as that of Debian's haproxy does.
use strict; use warnings; use Socket; use Time::HiRes qw(time sleep);
my ($unit, $folder, $socket) = @ARGV;
sub worker {
  socket(my $s, AF_UNIX, SOCK_STREAM, 0) or return '';
  connect($s, pack_sockaddr_un($socket)) or return '';
  syswrite $s, "show info\n";
  while (<$s>) { return $1 if /^Pid: (\d+)/ }
  return '';
}
my $before = worker();
my $group = '/var/lib/octavia/haproxy-default-user-group.conf';
open(my $quiet, '>', '/dev/null'); open(STDERR, '>&', $quiet);
my $startedAt = time;
qx(haproxy -c -f $folder/by-hand.cfg -f $group) ; die 'check' if $?;
rename "$folder/by-hand.cfg", "$folder/haproxy.cfg" or die 'rename';
system('systemctl', 'reload', $unit) == 0 or die 'reload';
for (;;) {
  my $now = worker();
  last if $now ne '' && $now ne $before;
  die 'no new worker' if time - $startedAt > 60;
  sleep 0.002;
}
printf "%.1f", (time - $startedAt) * 1000;
