import type { AmphoraNode } from '../../lab/amphora/lab.ts';
import type { Argv } from '../../lab/run.ts';

/** Lines of private keys that hold nothing else, so that a part of a key is found as well as the whole. */
export function keyLinesOf(text: string): string[] {
  const keys = text.match(/-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]+/g) ?? [];
  const lines = keys.flatMap((key) => key.split('\n').slice(1));
  // The first lines of a format are the same for all keys.
  return lines.filter((line) => /^[\w+/=]{48,}$/.test(line)).slice(2);
}

const base = '/var/lib/octavia';

/** Where a secret could come to light, each with the command that shows it. */
const searched: Record<string, Argv> = {
  journal: ['journalctl', '--no-pager', '--output=json', '--all'],
  'audit log': ['sh', '-c', 'cat /var/lib/ha-agent/audit.jsonl*'],
  'hactl audit': ['hactl', 'audit', '--limit', '1000'],
  'hactl amphora status': ['hactl', 'amphora', 'status'],
  'hactl amphora status in JSON': ['hactl', 'amphora', 'status', '--output', 'json'],
  'hactl amphora show': [
    'sh',
    '-c',
    `for folder in ${base}/*-*-*/; do hactl amphora show "$(basename "$folder")"; done`,
  ],
  'hactl amphora check': [
    'sh',
    '-c',
    `for file in ${base}/*/*.new-failed; do hactl amphora check "$file"; done`,
  ],
  metrics: [
    ...(['curl', '-sS', '--unix-socket', '/run/ha-amphora/ha-amphora.sock'] as const),
    'http://localhost/metrics',
  ],
  'the status on the socket': [
    ...(['curl', '-sS', '--unix-socket', '/run/ha-amphora/ha-amphora.sock'] as const),
    'http://localhost/status',
  ],
  'arguments of processes': ['ps', '-eo', 'args'],
  'files for all': [
    'sh',
    '-c',
    `find ${base} /etc/octavia /etc/ha-agent /run /tmp /var/tmp /var/log -xdev -type f -perm /o+r -exec cat {} + 2>/dev/null`,
  ],
  'core dumps': ['sh', '-c', 'cat /var/lib/systemd/coredump/* /core* 2>/dev/null'],
};

/** @returns where each of the secrets was found, without the secret itself */
export async function foundSecrets(
  node: AmphoraNode,
  secrets: readonly string[],
): Promise<string[]> {
  const found: string[] = [];
  for (const [place, argv] of Object.entries(searched)) {
    const { stdout, stderr } = await node.exec(argv, { deadlineMs: 60_000 });
    for (const [index, secret] of secrets.entries()) {
      if ((stdout + stderr).includes(secret)) found.push(`${place} has secret ${index}`);
    }
  }
  return found;
}
