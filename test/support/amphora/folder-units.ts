import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { placesOf, sharedPlacesOf } from '../../../src/amphora/haproxies/places.ts';
import type { AmphoraPaths } from '../../../src/amphora/paths.ts';
import { askWorker } from '../../../src/haproxy/socket.ts';
import type { Command, Outcome, Run } from '../../../src/kit/exec.ts';

const well = (stdout = ''): Outcome => ({ exitCode: 0, stdout, stderr: '' });
const failed: Outcome = { exitCode: 1, stdout: '', stderr: 'failed\n' };

/** The tools that run as they are: they read files of the folder, and change nothing. */
const real = new Set(['nice', 'setpriv', 'haproxy', 'keepalived', 'dpkg-query']);

/** keepalived wants the interface of the VIP. So it checks in a network of its own that has one. */
const withPort = [
  ...(['unshare', '--net', 'sh', '-c'] as const),
  'ip link add eth1 type veth peer name eth9 && exec "$@"',
  'sh',
] as const;

/** The hardware addresses of the ports that the host seems to have. */
export const portsOfFolder = ['fa:16:3e:00:00:01', 'fa:16:3e:00:00:02', 'fa:16:3e:00:00:03'];

/**
 * A runner for an amphora in a folder of this machine, without systemd and without a network of its own. haproxy and
 * keepalived check for real. The units of haproxy are real processes, which outlive this one, as those of systemd do.
 * keepalived's units never start.
 */
export function runInFolder(
  run: Run,
  paths: Pick<AmphoraPaths, 'base'>,
  peer: string,
): { run: Run; end: () => Promise<void> } {
  const started = new Set<string>();

  /** The process of an owner, also of one that a former agent has started. */
  async function masterOf(id: string): Promise<number | undefined> {
    const { pid, config } = placesOf(paths, id);
    const number = Number(await readFile(pid, 'utf8').catch(() => ''));
    const argv = await readFile(`/proc/${number}/cmdline`, 'utf8').catch(() => '');
    return number > 0 && argv.split('\0').includes(config) ? number : undefined;
  }

  async function start(id: string): Promise<Outcome> {
    if ((await masterOf(id)) !== undefined) return well();
    const places = placesOf(paths, id);
    const child = spawn(
      'haproxy',
      [
        ...['-Ws', '-f', places.config, '-f', sharedPlacesOf(paths).groupFile, '-p', places.pid],
        ...['-L', peer, '-S', `${places.masterSocket},mode,600`],
      ],
      { stdio: 'ignore', detached: true },
    );
    child.unref();
    started.add(id);
    while (child.exitCode === null && child.signalCode === null) {
      if (await askWorker(places.statsSocket, { deadlineMs: 1000 })) return well();
      await sleep(10);
    }
    return failed;
  }

  async function stop(id: string): Promise<Outcome> {
    const pid = await masterOf(id);
    if (pid === undefined) return well();
    process.kill(pid, 'SIGTERM');
    while (existsSync(`/proc/${pid}`) && !(await isZombie(pid))) await sleep(10);
    return well();
  }

  async function systemctl(argv: readonly string[]): Promise<Outcome> {
    const unit = argv.at(-1) ?? '';
    const id = /^amphora-haproxy@(.*)\.service$/.exec(unit)?.[1];
    const action = argv.find((each) => /^(?:start|stop|kill|show|is-active)$/.test(each));
    if (action === 'show') {
      const isUp = id !== undefined && (await masterOf(id)) !== undefined;
      const state = isUp ? 'active' : 'inactive';
      return well(`Id=${unit}\nLoadState=loaded\nActiveState=${state}\nUnitFileState=disabled\n`);
    }
    if (id === undefined) return action === 'start' || action === 'is-active' ? failed : well();
    if (action === 'start') return start(id);
    if (action === 'stop') return stop(id);
    if (action === 'kill') {
      const pid = await masterOf(id);
      if (pid === undefined) return failed;
      process.kill(pid, 'SIGUSR2');
    }
    return well();
  }

  return {
    run: (command: Command) => {
      const [tool] = command.argv;
      if (tool === 'env') return run({ ...command, argv: [...withPort, ...command.argv] });
      if (real.has(tool)) return run(command);
      if (tool === 'systemctl') return systemctl(command.argv);
      return Promise.resolve(well(tool === 'ip' ? ipOutput(command.argv) : ''));
    },
    async end() {
      for (const id of started) await stop(id);
    },
  };
}

async function isZombie(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
  return /\) Z/.test(stat);
}

function ipOutput(argv: readonly string[]): string {
  if (!argv.includes('link') || !argv.includes('-j')) return '[]';
  const links = portsOfFolder.map((address, index) => ({
    ifname: `eth${index + 1}`,
    address,
    mtu: 1500,
    flags: ['UP'],
  }));
  return JSON.stringify(links);
}
