import { createHash } from 'node:crypto';

import { readTextIfThere } from '../kit/files/files.ts';

/**
 * By what a node and its controller know the host again. The id itself is confidential (machine-id(5)).
 * @param file the path of machine-id(5)
 * @returns a hash in hexadecimal
 */
export async function machineHash(file: string): Promise<string> {
  const id = (await readTextIfThere(file))?.trim() ?? '';
  return createHash('sha256').update(`ha-agent node ${id}`).digest('hex');
}
