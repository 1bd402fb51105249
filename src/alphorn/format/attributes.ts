import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';

import { Fault, noSpaceOf } from '../../kit/fault.ts';
import { makeRun, type Run } from '../../kit/exec.ts';
import { makeLog } from '../../kit/log.ts';

/** What a path has in addition to its content, owner and mode (xattr(7)). */
export interface Attributes {
  /** Its access control list in the kernel's form, in hexadecimal; null if the mode says everything. */
  acl: string | null;
  /** The list that a folder passes on to whatever is made in it. */
  defaultAcl: string | null;
  /** Present if its file system has no lists. */
  withoutLists?: true;
  /** Why nothing of this can be read, such as `EIO`. */
  failed?: string;
  /** Names of all others, such as `user.comment` or `security.capability`. */
  others: readonly string[];
}

/** The lists to set for a path; null removes one. */
export interface AclChange {
  path: string;
  acl: string | null;
  /** For folders only. */
  defaultAcl?: string | null;
}

/** Reads and sets what Node.js has no calls for. No link is followed, neither on the way nor at the end of a path. */
export interface AttributeStore {
  /**
   * Returns the attributes by path. Missing paths are left out, and so are those that have none but could have a list.
   * Faults: `tool_failed`, and those of the run
   */
  read(paths: readonly string[]): Promise<ReadonlyMap<string, Attributes>>;
  /**
   * @returns the paths that were to get a list, but whose file system has none
   * Faults: `no_space`, and those of `read`
   */
  write(changes: readonly AclChange[]): Promise<string[]>;
}

const access = 'system.posix_acl_access';
const byDefault = 'system.posix_acl_default';

/** Max paths of one call. */
const atOnce = 2000;
const deadlineMs = 60_000;

/**
 * Perl's `syscall` reaches what Node.js cannot. perl-base is essential in Debian, while `attr` and `acl` may be missing
 * on a fresh host. The numbers of the calls are those of amd64, like the package.
 *  Each path is opened folder by folder from `root`, never through a link. `read` prints a line for each path: pairs of
 * a name and, for lists, its value, in hexadecimal; `-` if there can be no list; or only a number, which is an errno.
 * `write` takes path, name and value, and prints an errno for each; 0 means success. The program and its records come
 * from the standard input, which no log contains.
 */
const program = String.raw`
use strict;
use Fcntl qw(O_RDONLY O_DIRECTORY O_NOFOLLOW);
my ($lsetxattr, $lgetxattr, $llistxattr, $lremovexattr) = (189, 192, 195, 198);
my ($ENODATA, $EOPNOTSUPP) = (61, 95);
my ($what, $root) = @ARGV;
my ($opened, $folder) = ('');
sub place {
  my ($above, $name) = $_[0] eq '/' ? ('', '.') : $_[0] =~ m{^(.*)/([^/]+)$}s or die;
  if (!defined $folder || $opened ne $above) {
    my $at = $root;
    for my $part ('', grep { length } split m{/}, $above) {
      $at .= "/$part" if length $part;
      sysopen(my $next, $at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) or do { $folder = undef; return };
      ($folder, $at) = ($next, '/proc/self/fd/' . fileno $next);
    }
    $opened = $above;
  }
  return '/proc/self/fd/' . fileno($folder) . "/$name";
}
sub value {
  my ($place, $name) = @_;
  my $buffer = "\0" x 65536;
  my $length = syscall $lgetxattr, $place, $name, $buffer, length $buffer;
  return $length >= 0 ? unpack('H*', substr $buffer, 0, $length) : $! == $EOPNOTSUPP ? '-' : '';
}
binmode DATA;
$/ = undef;
my @given = split /\0/, <DATA> // '', -1;
pop @given;
if ($what eq 'read') {
  for my $path (@given) {
    my $place = place $path or do { print $! + 0, "\n"; next };
    my $names = "\0" x 65536;
    my $length = syscall $llistxattr, $place, $names, length $names;
    if ($length < 0 && $! != $EOPNOTSUPP) { print $! + 0, "\n"; next }
    my @names = split /\0/, substr $names, 0, $length < 0 ? 0 : $length;
    my @pairs = map { unpack('H*', $_) . '=' . (/^system\.posix_acl_/ ? value($place, $_) : '') } @names;
    push @pairs, '-' if !-l $place && value($place, 'system.posix_acl_access') eq '-';
    print join(' ', @pairs), "\n";
  }
} else {
  while (my ($path, $name, $value) = splice @given, 0, 3) {
    my $place = place $path or do { print $! + 0, "\n"; next };
    my $bytes = pack 'H*', $value;
    my $done = length $bytes
      ? syscall $lsetxattr, $place, $name, $bytes, length $bytes, 0
      : syscall $lremovexattr, $place, $name;
    my $errno = $done < 0 ? $! + 0 : 0;
    $errno = 0 if !length $bytes && ($errno == $ENODATA || $errno == $EOPNOTSUPP);
    print "$errno\n";
  }
}
__END__
`;

/** The errors of open(2) if nothing is there, or a link is on the way. */
const gone: readonly string[] = ['ENOENT', 'ENOTDIR', 'ELOOP'];

/**
 * @param root the folder that counts as `/`
 * @param run logs nothing by default, because the calls are long and say nothing to a reader
 */
export function makeAttributeStore(
  root = '/',
  run: Run = makeRun(makeLog('silent')),
): AttributeStore {
  async function ask(
    what: 'read' | 'write',
    records: readonly (readonly string[])[],
  ): Promise<string[]> {
    const lines: string[] = [];
    for (let at = 0; at < records.length; at += atOnce) {
      lines.push(...(await askFew(what, records.slice(at, at + atOnce))));
    }
    return lines;
  }

  async function askFew(
    what: 'read' | 'write',
    records: readonly (readonly string[])[],
  ): Promise<string[]> {
    try {
      const { exitCode, stdout, stderr } = await run({
        argv: ['perl', '-', what, root],
        deadlineMs,
        input: program + records.flatMap((record) => record.map((field) => `${field}\0`)).join(''),
      });
      const answer = stdout.split('\n').slice(0, -1);
      if (exitCode !== 0 || answer.length !== records.length)
        throw failed('Perl could not read or set attributes of files', stderr);
      return answer;
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'output_too_large') throw error;
      // Some file systems have lists of 64 KiB. If there are many, ask for fewer at a time.
      const half = Math.ceil(records.length / 2);
      if (half === records.length) return [`${constants.errno.E2BIG}`];
      return [
        ...(await askFew(what, records.slice(0, half))),
        ...(await askFew(what, records.slice(half))),
      ];
    }
  }

  return {
    async read(paths) {
      const lines = await ask(
        'read',
        paths.map((path) => [path]),
      );
      const found = new Map<string, Attributes>();
      for (const [index, path] of paths.entries()) {
        const line = lines[index] ?? '';
        const code = errorCodeIn(line);
        if (line === '' || gone.includes(code ?? '')) continue;
        found.set(
          path,
          code === undefined
            ? attributesOf(line)
            : { acl: null, defaultAcl: null, others: [], failed: code },
        );
      }
      return found;
    },
    async write(changes) {
      const records = changes.flatMap(({ path, acl, defaultAcl }) => [
        [path, access, acl ?? ''],
        ...(defaultAcl === undefined ? [] : [[path, byDefault, defaultAcl ?? '']]),
      ]);
      const lines = await ask('write', records);
      const without = new Set<string>();
      for (const [index, [path = '']] of records.entries()) {
        const code = errorCodeIn(lines[index] ?? '');
        if (code === 'ENOTSUP') without.add(path);
        else if (code !== undefined)
          throw (
            noSpaceOf(Object.assign(new Error(code), { code }), path) ??
            failed(`The access control list of ${path} cannot be set`, code)
          );
      }
      return [...without];
    },
  };
}

function attributesOf(line: string): Attributes {
  const found: Attributes & { others: string[] } = { acl: null, defaultAcl: null, others: [] };
  for (const pair of line.split(' ')) {
    if (pair === '-') found.withoutLists = true;
    if (pair === '-') continue;
    const [nameHex = '', value = ''] = pair.split('=');
    const name = Buffer.from(nameHex, 'hex').toString();
    if (name === access) found.acl = value;
    else if (name === byDefault) found.defaultAcl = value;
    else found.others.push(name);
  }
  return found;
}

/** The code of a line that is an errno other than 0. */
function errorCodeIn(line: string): string | undefined {
  return /^[1-9]\d*$/.test(line) ? getSystemErrorName(-Number(line)) : undefined;
}

function failed(what: string, why: string): Fault {
  return new Fault('tool_failed', `${what}: ${why.slice(0, 200)}. Nothing was done.`);
}
