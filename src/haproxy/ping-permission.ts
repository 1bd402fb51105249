import type { Run } from '../kit/exec.ts';
import type { Log } from '../kit/log.ts';

const file = '/proc/sys/net/ipv4/ping_group_range';
/** The group of haproxy's processes, nogroup on Debian. */
const group = 65_534;
const deadlineMs = 5000;

/** Whether haproxy runs a command to check members, as for a monitor of type PING. */
export function usesPing(config: string): boolean {
  return /^[ \t]*external-check\b/m.test(config);
}

/**
 * Lets haproxy's processes ping. haproxy takes the right to gain privileges from its processes (PR_SET_NO_NEW_PRIVS, since
 * 2.2), so the capability of /bin/ping does not count, and Debian 11 and 12 let nobody ping without (icmp(7),
 * ping_group_range; measured on 2.6: `External check error, code: 2`). A range that somebody has set stays.
 * @param inNamespace what puts a command into the namespace
 */
export async function permitPing(
  run: Run,
  inNamespace: readonly string[],
  log: Log,
): Promise<void> {
  const within = (argv: readonly string[]): readonly [string, ...string[]] => {
    const [tool = 'cat', ...args] = [...inNamespace, ...argv];
    return [tool, ...args];
  };
  const warn = (why: string) => {
    log.warn({ file, why }, 'members may not be checked by ping');
  };
  try {
    const { stdout } = await run({ argv: within(['cat', file]), deadlineMs });
    const [first = 1, last = 0] = stdout.trim().split(/\s+/).map(Number);
    if (first <= group && group <= last) return;
    if (first <= last) {
      warn(`The range ${first} to ${last} leaves out the group ${group} of haproxy.`);
      return;
    }
    const input = `${group} ${group}\n`;
    const { exitCode, stderr } = await run({ argv: within(['tee', file]), input, deadlineMs });
    if (exitCode !== 0) warn(stderr.trim());
  } catch (error) {
    // A monitor that fails is seen; the configuration must not fail with it.
    warn(error instanceof Error ? error.message : String(error));
  }
}
