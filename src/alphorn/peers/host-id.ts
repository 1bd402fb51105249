import { createHash } from 'node:crypto';
import { endianness, hostname } from 'node:os';

import { Fault } from '../../kit/fault.ts';
import { readFileIfThere, readTextIfThere } from '../../kit/files/files.ts';
import type { AlphornPaths } from '../paths.ts';

/**
 * The id that identifies this host: eight hexadecimal digits. If /etc/hostid is set, which ZFS uses, it is what
 * hostid(1) prints. That file has four bytes in the machine's byte order (gethostid(3)); zero means "not set" to ZFS
 * (zgenhostid(8)). Otherwise it is derived from machine-id(5), which should not be shown. It is never derived from an
 * address, as hostid(1) does: many hosts have 127.0.1.1 there.
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
    `This host has no id: neither ${hostId} nor ${machineId} has one. Make one with zgenhostid or systemd-machine-id-setup.`,
  );
}

/** The name of this host, for people. */
export function hostName(): string {
  return hostname();
}
