import { open } from 'node:fs/promises';

import { ifThere } from '../kit/files/files.ts';

/**
 * Asks the kernel to look for new PCI devices (sysfs-pci(5) of the kernel's documentation): a hypervisor may plug a
 * network card without the kernel's notice. Does nothing where there is no PCI bus, or it may not be rescanned.
 */
export async function rescanPci(path = '/sys/bus/pci/rescan'): Promise<void> {
  const denied = ['ENOENT', 'EACCES', 'EPERM', 'EROFS'];
  const file = await ifThere(open(path, 'r+'), denied);
  try {
    await file?.write('1');
  } finally {
    await file?.close();
  }
}
