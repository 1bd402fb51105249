import { spawn } from 'node:child_process';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { makeGroups } from '../groups.ts';
import type { LabRecord } from '../record.ts';
import type { Argv } from '../run.ts';
import type { Trust } from './certificates.ts';
import { vrrpAddress, tenant } from './networks.ts';
import { amphoraId } from './record.ts';

/** A request of the driver and its answer. */
export interface Exchange {
  /** The address of the amphora. */
  readonly host: string;
  readonly method: string;
  /** With the version in front. */
  readonly path: string;
  /** The path in 1.0 that was asked for instead, for a host of the option `translated`. */
  readonly sent_path?: string;
  readonly sent_bytes: number;
  readonly sent_md5: string;
  /** What was sent, with the option `bodies`. */
  readonly sent?: string;
  readonly status?: number;
  readonly type?: string;
  readonly etag?: string | null;
  readonly allow?: string | null;
  readonly body?: string;
  /** Why there was no answer. */
  readonly failure?: string;
  readonly ms: number;
}

/** How a step of the driver ended. */
export interface StepResult {
  readonly step: string;
  readonly ok: boolean;
  readonly result?: unknown;
  readonly error?: string;
  readonly trace?: string;
  /** When it began, in seconds since 1970. */
  readonly began: number;
  readonly ms: number;
  readonly requests: number;
  /** How often the driver waited and tried again. */
  readonly retries: number;
  readonly exchanges: readonly Exchange[];
  /** What the driver could not do with one listener, and would have written to its database. */
  readonly listenerFailures: readonly string[];
}

/** A step: `do` is a method of `Steps` in driver.py, and the other keys are its parameters. */
export interface Step {
  readonly do: string;
  readonly [parameter: string]: unknown;
}

/** The real driver of a Debian, as a process that plays one step at a time. */
export interface Driver {
  /** The versions of the API that it has a client for. */
  readonly versions: readonly string[];
  /** Plays a step, whatever comes of it. */
  attempt(step: Step): Promise<StepResult>;
  /** Plays a step that has to succeed at the first try. Throws if it fails, or if the driver repeats a request. */
  play(step: Step): Promise<StepResult>;
  /** All steps so far. */
  readonly history: readonly StepResult[];
  close(): Promise<void>;
}

export interface DriverOptions {
  readonly heartbeatKey?: string;
  readonly topology?: 'SINGLE' | 'ACTIVE_STANDBY';
  /** Also records what is sent. */
  readonly bodies?: boolean;
  readonly maxRetries?: number;
  readonly retryIntervalSeconds?: number;
  readonly connectionLimit?: number;
  /** Addresses of amphorae that speak 1.0 only: requests of other versions go to the corresponding paths of 1.0. */
  readonly translated?: readonly string[];
  /** For other ports and other certificates than the lab's. */
  readonly port?: number;
  readonly clientPem?: string;
  readonly authority?: string;
  /** Where the driver's own log goes; by default into the lab's folder. */
  readonly log?: string;
}

/**
 * Makes a view of the driver's root that can be written to and ends with the process, and becomes the driver in it:
 * ROOT, WORK. It stays in the network of this machine, from which the nodes can be reached. Libraries of Debian 11 do not
 * start without the address of a name server, which nobody asks.
 */
const inRoot = `set -e
mount -t tmpfs driver "$2/mnt"
mkdir "$2/mnt/upper" "$2/mnt/work" "$2/mnt/root"
mount -t overlay -o "lowerdir=$1,upperdir=$2/mnt/upper,workdir=$2/mnt/work" driver "$2/mnt/root"
mount -t proc proc "$2/mnt/root/proc"
mount --rbind /dev "$2/mnt/root/dev"
mkdir -p "$2/mnt/root/lab"
rm -f "$2/mnt/root/etc/resolv.conf"
echo nameserver 127.0.0.1 > "$2/mnt/root/etc/resolv.conf"
mount --bind "$2/files" "$2/mnt/root/lab"
exec chroot "$2/mnt/root" /usr/bin/python3 -u /lab/driver.py`;

let started = 0;

/** Starts the driver of a root with the trust of a lab. It ends with this process, or when the lab goes down. */
export async function startDriver(
  lab: LabRecord,
  trust: Trust,
  root: string,
  options: DriverOptions,
): Promise<Driver> {
  started += 1;
  const work = join(lab.folder, `driver-${process.pid}-${started}`);
  const files = join(work, 'files');
  await mkdir(join(work, 'mnt'), { recursive: true });
  await mkdir(files, { recursive: true });
  for (const program of ['driver.py', 'health.py']) {
    await copyFile(join(import.meta.dirname, program), join(files, program));
  }
  await copyFile(options.clientPem ?? trust.client.pem, join(files, 'client.pem'));
  await copyFile(options.authority ?? trust.authority.certificate, join(files, 'authority.pem'));
  const log = options.log ?? join(work, 'log');
  const inGroups = join(import.meta.dirname, '..', 'in-groups.sh');
  const groups = await makeGroups(lab.name, 'driver');
  const argv: Argv = [
    inGroups,
    ...groups,
    '--',
    'setpriv',
    '--pdeathsig=KILL',
    '--',
    ...['unshare', '--mount', '--pid', '--fork', '--kill-child', '--'],
    ...['sh', '-c', inRoot, 'driver', root, work],
  ];
  const settings = {
    store: '/lab/store',
    client_cert: '/lab/client.pem',
    server_ca: '/lab/authority.pem',
    topology: options.topology,
    port: options.port,
    bodies: options.bodies,
    max_retries: options.maxRetries,
    retry_interval: options.retryIntervalSeconds,
    connection_limit: options.connectionLimit,
    translated: options.translated,
    amphorae: lab.nodes.map((node, index) => ({
      id: amphoraId(index),
      lb_network_ip: node.address,
      vrrp_ip: vrrpAddress(index),
      ha_ip: tenant.vip.address,
      role: roleOf(index, options.topology),
      vrrp_id: 1,
      vrrp_priority: 100 - 10 * index,
    })),
  };
  return converse(argv, settings, log);
}

function roleOf(index: number, topology: DriverOptions['topology']): string {
  if (topology !== 'ACTIVE_STANDBY') {
    return 'STANDALONE';
  }
  return index === 0 ? 'MASTER' : 'BACKUP';
}

type Line = Record<string, unknown>;

async function converse(argv: Argv, settings: object, log: string): Promise<Driver> {
  const [command, ...args] = argv;
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: '/root' };
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env, cwd: '/' });
  const errors: Buffer[] = [];
  child.stderr.on('data', (part: Buffer) => errors.push(part));
  const exited = new Promise<void>((resolve) => {
    child.on('close', () => {
      resolve();
    });
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Line> => {
    const line = await lines.next();
    if (line.done === true) {
      await exited;
      throw new Error(`The driver has ended:\n${Buffer.concat(errors).toString().slice(-4000)}`);
    }
    return JSON.parse(line.value) as Line;
  };
  const send = (line: object): void => {
    child.stdin.write(`${JSON.stringify(line)}\n`);
  };
  send(settings);
  const { versions } = await next();
  const history: StepResult[] = [];
  const attempt = async (step: Step): Promise<StepResult> => {
    send(step);
    const exchanges: Exchange[] = [];
    const listenerFailures: string[] = [];
    for (;;) {
      const line = await next();
      if ('exchange' in line) {
        exchanges.push(line as unknown as Exchange);
      } else if ('listener_failure' in line) {
        listenerFailures.push(String(line['failure']));
      } else if ('step' in line) {
        const result = { ...line, exchanges, listenerFailures } as unknown as StepResult;
        history.push(result);
        return result;
      }
    }
  };
  return {
    versions: versions as string[],
    history,
    attempt,
    play: async (step) => {
      const result = await attempt(step);
      if (!result.ok || result.retries > 0) {
        throw new Error(describeFailure(result));
      }
      return result;
    },
    close: async () => {
      child.stdin.end();
      await exited;
      await writeFile(log, Buffer.concat(errors));
    },
  };
}

function describeFailure(result: StepResult): string {
  const exchanges = result.exchanges.map(
    ({ method, path, status, body, failure, ms }) =>
      `  ${method} ${path}: ${status ?? failure ?? ''} ${(body ?? '').slice(0, 500)} (${ms} ms)`,
  );
  return [
    `${result.step}: ${result.error ?? 'repeated'}, ${result.retries} retries`,
    ...exchanges,
    ...result.listenerFailures,
  ].join('\n');
}
