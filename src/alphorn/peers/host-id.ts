import { createHash } from 'node:crypto';
import { endianness, hostname } from 'node:os';

import { Fault } from '../../kit/fault.ts';
import { readFileIfThere, readTextIfThere } from '../../kit/files/files.ts';
import type { AlphornPaths } from '../../kit/paths.ts';

/**
 * What tells this host from all others: eight hexadecimal digits. Where /etc/hostid is set, which ZFS goes by, it is
 * what hostid(1) prints; that file has four bytes in the order of the machine (gethostid(3)), and zero is "not set" to
 * ZFS (zgenhostid(8)). Else it is made of the machine's id (machine-id(5)), which should not be shown as it is. Never of
 * an address, as hostid(1) does then: that is 127.0.1.1 on many.
 * Faults: `host_without_id`
 */
export async function hostIdOf({
  hostId,
  machineId,
}: Pick<AlphornPaths, 'hostId' | 'machineId'>): Promise<string> {
  const bytes = await readFileIfThere(hostId);
  if (bytes?.length === 4) {
    const id = endianness() === 'LE' ? bytes.readUInt32LE() : bytes.readUInt32BE();
    if (id !== 0) return id.toString(16).padStart(8, '0');
  }
  const machine = (await readTextIfThere(machineId))?.trim();
  if (machine !== undefined && /^[0-9a-f]{32}$/.test(machine)) {
    return createHash('sha256').update(machine).digest('hex').slice(0, 8);
  }
  throw new Fault(
    'host_without_id',
    `This host has no id: neither ${hostId} nor ${machineId} has one. Make one by zgenhostid or systemd-machine-id-setup.`,
  );
}

/** What people call this host. */
export function hostName(): string {
  return hostname();
}
