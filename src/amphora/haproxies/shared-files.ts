import { dirname } from 'node:path';

import type { AmphoraPaths } from '../paths.ts';
import { placesOf, sharedPlacesOf } from './places.ts';
import {
  makeOpenFolder,
  plainFileIfThere,
  readPlainFile,
  replacePlainFile,
} from './plain-files.ts';

/** Controllers leave the group to the agent: Debian's name for it differs from that of other systems. */
const groupText = 'global\n    group nogroup\n';

/**
 * For a check. Driver 16.0 gives the TLS cache half of the memory, and haproxy fills all of it before it reads further:
 * with 11 GB a check of haproxy 3.0 took 100 s, and 0.1 s with this cache.
 */
export const checkText = `${groupText}    tune.ssl.cachesize 1000\n`;

/**
 * The command of PING monitors. haproxy runs it as nobody and gives it the address of the member in the environment
 * (configuration.txt, `external-check command`).
 */
const pingWrapper = `#!/bin/sh
# Written by ha-amphora. haproxy runs it to check a member by ping.
case $HAPROXY_SERVER_ADDR in
  *:*) family=-6 ;;
  *) family=-4 ;;
esac
exec /bin/ping "$family" -q -n -w 1 -c 1 "$HAPROXY_SERVER_ADDR" >/dev/null 2>&1
`;

/** What the units of haproxy need to know. */
export interface UnitVariables {
  /** The local peer's name. */
  peer: string;
  /** What puts a command into the namespace; may be empty. */
  inNamespace: readonly string[];
}

/**
 * Writes the files that all owners share, each only if it differs.
 * @param paths.base exists
 * Faults: `amphora_file_foreign`, `no_space`
 */
export async function writeSharedFiles(
  paths: AmphoraPaths,
  { peer, inNamespace }: UnitVariables,
): Promise<void> {
  const shared = sharedPlacesOf(paths);
  await write(shared.groupFile, groupText, 0o644);
  await write(shared.checkFile, checkText, 0o644);
  await write(shared.pingWrapper, pingWrapper, 0o755);
  const variables = [
    '# Written by ha-amphora, and read by its units.',
    `AMPHORA_BASE=${paths.base}`,
    `AMPHORA_IN=${inNamespace.join(' ')}`,
    `AMPHORA_PEER=${peer}`,
  ];
  await write(shared.environment, `${variables.join('\n')}\n`, 0o644);
}

/**
 * Writes the script by which keepalived's own check script asks whether this host's haproxy serves. It needs no bash, and
 * runs under any shell. Perl is essential in Debian, and the only way there to ask a Unix socket.
 *
 * - A haproxy that hangs accepts connections and does not answer, so each question has a limit of a second. All together
 *   have four: the next check comes after five.
 * - Without an owner that should run, the script fails, so that this host stays a backup.
 *
 * @param ids of the owners that should run
 * Faults: `amphora_file_foreign`, `no_space`
 */
export async function writeCheckScript(paths: AmphoraPaths, ids: readonly string[]): Promise<void> {
  const { checkScript, checkScripts } = sharedPlacesOf(paths);
  // keepalived runs scripts as the user keepalived_script, if the host has one.
  await makeOpenFolder(dirname(checkScripts));
  await makeOpenFolder(checkScripts);
  await write(checkScript, checkScriptOf(ids.map((id) => placesOf(paths, id).statsSocket)), 0o644);
}

function checkScriptOf(sockets: readonly string[]): string {
  const head = `#!/bin/sh
# Written by ha-amphora. It fails unless each haproxy that should run answers.
`;
  if (sockets.length === 0) return `${head}exit 1\n`;
  const ask = [
    'alarm 4;',
    'for (@ARGV) {',
    '  socket(my $s, AF_UNIX, SOCK_STREAM, 0) or exit 1;',
    '  setsockopt($s, SOL_SOCKET, SO_RCVTIMEO, pack("l!l!", 1, 0)) or exit 1;',
    '  setsockopt($s, SOL_SOCKET, SO_SNDTIMEO, pack("l!l!", 1, 0)) or exit 1;',
    '  connect($s, pack_sockaddr_un($_)) or exit 1;',
    '  syswrite($s, "show info\\n") or exit 1;',
    '  sysread($s, my $answer, 4096) or exit 1;',
    '  $answer =~ /^Name: HAProxy/ or exit 1;',
    '}',
  ];
  return `${head}exec perl -MSocket -e '\n${ask.join('\n')}\n' ${sockets.map(quoted).join(' ')}\n`;
}

/** For a shell: everything in single quotes is as it is. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

async function write(path: string, content: string, mode: number): Promise<void> {
  const found = await plainFileIfThere(path);
  const isRight = found !== undefined && (found.mode & 0o777) === mode;
  if (isRight && (await readPlainFile(path))?.toString('utf8') === content) return;
  await replacePlainFile(path, content, mode);
}
