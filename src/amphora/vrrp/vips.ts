import { readFile } from 'node:fs/promises';

import { readVrrpConfig } from '../../parsers/keepalived/conf.ts';
import { isPlainFile, vrrpFiles } from './files.ts';

/**
 * The VIPs in the configuration of keepalived, without the lengths of their prefixes.
 * @param base `base_path`
 * @returns an empty list if nothing is configured
 */
export async function configuredVips(base: string): Promise<string[]> {
  const { config, checkScript } = vrrpFiles(base);
  if (!(await isPlainFile(config))) return [];
  const { instance } = readVrrpConfig(await readFile(config, 'utf8'), { checkScript });
  const vips = [...(instance?.vips ?? []), ...(instance?.excludedVips ?? [])];
  return vips.map((vip) => vip.split('/')[0] ?? vip);
}
