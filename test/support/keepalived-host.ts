import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ChildProcess, spawn } from 'node:child_process';

import { type KeepalivedProcess, makeKeepalivedProcess } from '../../src/keepalived/state.ts';
import { vrrpFiles } from '../../src/amphora/vrrp/files.ts';
import type { VrrpService } from '../../src/amphora/vrrp/service.ts';
import { Fault } from '../../src/kit/fault.ts';
import { makeRun } from '../../src/kit/exec.ts';
import { keepingLog } from './keeping-log.ts';
import { waitUntil } from '../lab/wait.ts';
import { attempt, run } from '../lab/run.ts';

export const secret = 's3cr3tpw';

/** A configuration as the driver of Debian 12 renders it (keepalived_base.template). */
export function driverConfig({ checkScript, state }: { checkScript: string; state?: string }) {
  return `vrrp_script check_script {
  script ${checkScript}
  interval 1
  fall 2
  rise 1
}

vrrp_instance 8bd34ed4d6f14e3a9a0e6ac1ea3aa1d1 {
${state === undefined ? '' : `  state ${state}\n`}  interface eth1
  virtual_router_id 1
  priority 100
  nopreempt
  accept
  garp_master_refresh 5
  garp_master_refresh_repeat 2
  advert_int 1
  authentication {
    auth_type PASS
    auth_pass ${secret}
  }

  unicast_src_ip 10.77.0.11
  unicast_peer {
    10.77.0.12
  }

  virtual_ipaddress {
    10.77.0.100
  }

  virtual_ipaddress_excluded {
  }

  virtual_routes {
    10.77.0.0/24 dev eth1 src 10.77.0.100 scope link table 1
    default via 10.77.0.1 dev eth1 onlink table 1
  }

  virtual_rules {
    from 10.77.0.100/32 table 1 priority 100
  }

  track_script {
    check_script
  }
}
`;
}

/** A namespace with the port of a VIP, in which a real keepalived runs as its unit would run it. */
export interface KeepalivedHost {
  inNamespace: readonly string[];
  keepalived: KeepalivedProcess;
  service: VrrpService;
  /** What was asked of the service. */
  asked: string[];
  /** Makes the check script succeed or fail. */
  setHealth(isHealthy: boolean): Promise<void>;
  process(): ChildProcess | undefined;
  remove(): Promise<void>;
}

/** @param folder becomes the amphora's `base_path` */
export async function makeKeepalivedHost(folder: string): Promise<KeepalivedHost> {
  const name = `ha-vrrp-${process.pid}`;
  await run(['ip', 'netns', 'add', name]);
  const inside = ['ip', '-n', name] as const;
  await run([...inside, 'link', 'set', 'lo', 'up']);
  await run([...inside, 'link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'eth1p']);
  await run([...inside, 'address', 'add', '10.77.0.11/24', 'dev', 'eth1']);
  await run([...inside, 'link', 'set', 'eth1', 'up']);
  await run([...inside, 'link', 'set', 'eth1p', 'up']);

  const files = vrrpFiles(folder);
  const temporary = join(folder, 'tmp');
  await mkdir(temporary);
  await mkdir(files.checkScripts, { recursive: true });
  await chmod(files.folder, 0o755);
  const keepalived = makeKeepalivedProcess({
    pidFile: files.pidFile,
    dump: join(temporary, 'keepalived.json'),
  });
  const inNamespace = ['ip', 'netns', 'exec', name];
  const asked: string[] = [];
  let child: ChildProcess | undefined;
  const isRunning = () =>
    child !== undefined && child.exitCode === null && child.signalCode === null;
  const stop = async () => {
    child?.kill('SIGTERM');
    await waitUntil('the end of keepalived', () => !isRunning(), { everyMs: 20 });
  };
  return {
    inNamespace,
    keepalived,
    asked,
    process: () => child,
    service: {
      async control(action) {
        asked.push(action);
        if (action === 'start') {
          const own = ['-f', files.config, '-p', files.pidFile, '-r', `${files.pidFile}.vrrp`];
          const argv = [
            ...inNamespace.slice(1),
            'keepalived',
            '--dont-fork',
            '--vrrp',
            '-G',
            ...own,
          ];
          child = spawn('ip', argv, {
            env: { ...process.env, TMPDIR: temporary },
            stdio: 'ignore',
          });
        }
        if (action === 'stop') await stop();
        if (action === 'reload') {
          if (!isRunning()) throw new Fault('service_failed', 'It does not run.');
          child?.kill('SIGHUP');
        }
        return true;
      },
      isActive: () => Promise.resolve(isRunning()),
    },
    setHealth: (isHealthy) =>
      writeFile(join(files.checkScripts, 'haproxy_check_script.sh'), `exit ${isHealthy ? 0 : 1}\n`),
    async remove() {
      await stop();
      await attempt(['ip', 'netns', 'delete', name]);
    },
  };
}

/** Runs real commands, and logs nothing. */
export const realRun = makeRun(keepingLog().log);
