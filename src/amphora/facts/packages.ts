import type { Run } from '../../kit/exec.ts';
import { cacheByStamp } from '../../kit/files/cached-by-stamp.ts';
import { fileStamp } from '../../kit/files/stamps.ts';

export interface PackageVersion {
  name: string;
  version: string;
}

const names = ['haproxy', 'keepalived', 'ipvsadm', 'nftables', 'openssl', 'iproute2', 'bash'];

/** Makes a function that lists the installed packages of load balancing. dpkg-query runs only after dpkg did. */
export function makePackages(
  run: Run,
  deadlineMs: number,
  statusFile = '/var/lib/dpkg/status',
): () => Promise<readonly PackageVersion[]> {
  return cacheByStamp(
    () => fileStamp(statusFile),
    async () => {
      const format = '--showformat=${db:Status-Status} ${Package} ${Version}\\n';
      // Exit code 1: one of them is unknown, and the others are printed (dpkg-query(1)).
      const { stdout } = await run({
        argv: ['dpkg-query', '--show', format, ...names],
        deadlineMs,
      });
      return [...stdout.matchAll(/^installed (\S+) (\S+)$/gm)].map(
        ([, name = '', version = '']) => ({ name, version }),
      );
    },
  );
}
