import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';

import { type Command, type Run, runToSuccess } from '../kit/exec.ts';
import { Fault } from '../kit/fault.ts';
import { toolFolders } from '../kit/paths.ts';
import { inNamespace, ipDeadlineMs, type Namespace } from './namespaces.ts';

/** The clients of Debian that stay in the foreground (dhclient(8), dhcpcd(8), udhcpc of busybox(1)). */
const clients: readonly { tool: string; argv: (device: string) => Command['argv'] }[] = [
  { tool: 'dhclient', argv: (device) => ['dhclient', '-4', '-d', device] },
  {
    tool: 'dhcpcd',
    argv: (device) => ['dhcpcd', '-4', '-B', '--nohook', 'resolv.conf', device],
  },
  { tool: 'udhcpc', argv: (device) => ['udhcpc', '-f', '-i', device] },
];

const unitOf = (device: string) => `amphora-dhcp-${device}.service`;

/**
 * Has a DHCP client ask for an IPv4 address, and renew it. It runs as a transient unit of systemd, so that it outlives
 * this process. The call does not wait for an address.
 * @returns whether it was started; false if it runs already
 * Faults: `tool_missing` if no client is installed, `tool_failed`, those of Run
 */
export async function startDhcp(
  run: Run,
  namespace: Namespace,
  device: string,
  folders: readonly string[] = toolFolders,
): Promise<boolean> {
  const unit = unitOf(device);
  // systemctl(1): exit code 0 if the unit is active.
  const state = await run({
    argv: ['systemctl', 'is-active', '--quiet', unit],
    deadlineMs: ipDeadlineMs,
  });
  if (state.exitCode === 0) return false;
  const client = await installedClient(folders);
  if (client === undefined) {
    throw new Fault(
      'tool_missing',
      `${device} was plugged without an address, and no DHCP client is installed. Install isc-dhcp-client or dhcpcd-base, or plug the port with its addresses.`,
    );
  }
  const description = `--description=DHCP client of the tenants' interface ${device}`;
  await runToSuccess(
    run,
    {
      argv: [
        ...(['systemd-run', '--quiet', '--collect', '--unit', unit, description] as const),
        '--property=Restart=on-failure',
        ...inNamespace(namespace, client(device)),
      ],
      deadlineMs: ipDeadlineMs,
    },
    `The DHCP client of ${device} could not be started. The reason of systemd is in 'stderr'.`,
  );
  return true;
}

/** Stops the client, if one runs. Faults: those of Run */
export async function stopDhcp(run: Run, device: string): Promise<void> {
  // systemctl(1): exit code 5 if the unit is not loaded.
  await run({ argv: ['systemctl', 'stop', unitOf(device)], deadlineMs: ipDeadlineMs });
}

async function installedClient(folders: readonly string[]) {
  for (const { tool, argv } of clients) {
    for (const folder of folders) {
      const isThere = await access(join(folder, tool), constants.X_OK).then(
        () => true,
        () => false,
      );
      if (isThere) return argv;
    }
  }
  return undefined;
}
