import type { Run } from '../kit/exec.ts';
import {
  type LvsService,
  type LvsServiceStats,
  parseLvsServices,
  parseLvsStats,
} from '../parsers/ipvsadm.ts';

/** What IPVS does: its services with their servers, and what they counted. */
export interface IpvsTables {
  services: readonly LvsService[];
  stats: readonly LvsServiceStats[];
}

/**
 * Reads the tables of IPVS (ipvsadm(8)).
 * @param inNamespace what puts a command into the namespace; may be empty
 * @returns undefined if there is no ipvsadm, or no IPVS in the kernel. Faults: those of Run
 */
export async function readIpvs(
  run: Run,
  inNamespace: readonly string[],
  deadlineMs: number,
): Promise<IpvsTables | undefined> {
  const print = (...args: string[]) =>
    run({ argv: ['env', ...inNamespace, 'ipvsadm', ...args], deadlineMs });
  const services = await print('-Ln');
  if (services.exitCode !== 0) return undefined;
  const stats = await print('-Ln', '--stats', '--exact');
  return {
    services: parseLvsServices(services.stdout),
    stats: stats.exitCode === 0 ? parseLvsStats(stats.stdout) : [],
  };
}
