import { access } from 'node:fs/promises';

import type { OwnerUpload } from './owner-configs.ts';

/**
 * The owners with a configuration that names a certificate, list, CA or CRL which is not there. They are in memory, so a
 * reboot loses them.
 * @returns their ids, in the same order
 */
export async function ownersWithoutCertificates(
  owners: readonly OwnerUpload[],
): Promise<string[]> {
  const lacks = await Promise.all(
    owners.map(async ({ uploaded }) => {
      const found = await Promise.all(uploaded.certificates.map(isThere));
      return found.includes(false);
    }),
  );
  return owners.filter((_, index) => lacks[index]).map(({ owner }) => owner.id);
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
