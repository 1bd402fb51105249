import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { spawn } from 'node:child_process';
import { once } from 'node:events';

import type { GatewayLab } from '../lab/gateway/lab.ts';
import { readyRecord } from '../lab/lab.ts';

/** A keepalived of this machine on the bridge of the lab, which nobody there knows. */
export interface OtherRouter {
  stop(): Promise<void>;
}

/** Starts a router that sends adverts by multicast. It has an address of its own. */
export async function startDetachedKeepalived(
  lab: GatewayLab,
  { routerId }: { routerId: number },
): Promise<OtherRouter> {
  const { bridge } = await readyRecord(lab.name);
  const folder = await mkdtemp(join(tmpdir(), 'other-router-'));
  const file = join(folder, 'keepalived.conf');
  await writeFile(
    file,
    `vrrp_instance other {
  state BACKUP
  interface ${bridge}
  virtual_router_id ${routerId}
  priority 100
  advert_int 1
  virtual_ipaddress {
    ${lab.address(99)}/24
  }
}
`,
  );
  const files = ['-f', file, '-p', join(folder, 'pid'), '-r', join(folder, 'vrrp.pid')];
  const child = spawn('keepalived', ['--dont-fork', '--vrrp', '--log-console', ...files], {
    stdio: 'ignore',
  });
  const ended = once(child, 'close');
  return {
    async stop() {
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}
