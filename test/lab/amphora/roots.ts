import type { Progress } from '../progress.ts';
import type { Suite } from '../root.ts';
import { readyRootOf } from '../root.ts';

const machine: readonly string[] = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'iproute2',
  'iputils-ping',
  'procps',
  'curl',
  'openssl',
  'python3',
];

const loadBalancer: readonly string[] = ['haproxy', 'keepalived', 'nftables'];

/** systemd is there for the hook that turns a fresh Debian into a shared root. */
const driver: readonly string[] = ['systemd', 'iproute2', 'openssl', 'python3-octavia'];

/** Builds the root of an amphora's node, unless it exists. */
export const readyAmphoraRoot = (suite: Suite, progress: Progress): Promise<string> =>
  readyRootOf(
    { suite, name: `amphora-${suite}`, packages: [...machine, ...loadBalancer] },
    progress,
  );

/** Builds the root that the driver of this Debian's python3-octavia runs in, unless it exists. */
export const readyDriverRoot = (suite: Suite, progress: Progress): Promise<string> =>
  readyRootOf({ suite, name: `driver-${suite}`, packages: driver }, progress);

/**
 * The root of a node with Octavia's own agent: python3-octavia has it too. The two roots lie on top of each other, since
 * both are the same Debian. Only Debian 12 has an agent that speaks 1.0 to all three drivers.
 * @returns folders for the option `lowerdir` of an overlay
 */
export async function readyRealAgentRoot(progress: Progress): Promise<string> {
  const amphora = await readyAmphoraRoot('bookworm', progress);
  return `${amphora}:${await readyDriverRoot('bookworm', progress)}`;
}
