import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { makeNetwork, type NetworkParts } from '../../src/amphora/network/network.ts';
import type { Topology } from '../../src/amphora/amphora.ts';
import { makeRun, type Outcome, type Run } from '../../src/kit/exec.ts';
import { makeLog } from '../../src/kit/log.ts';
import { makeIp } from '../../src/netlink/ip.ts';
import { keepingLog } from './keeping-log.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const run = makeRun(makeLog('silent'));

/** Runs a command. @throws {Error} with its stderr unless it succeeds */
export async function must(...argv: [string, ...string[]]): Promise<string> {
  const { exitCode, stdout, stderr } = await run({ argv, deadlineMs: 30_000 });
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
  return stdout;
}

/**
 * Makes for each test of the suite a namespace that is the switch, and removes it afterwards with the namespace of the
 * tenants and all ports. A port is an end of a veth pair on this machine; its other end is in the switch.
 */
export function tenantPorts() {
  const folder = temporaryFolder();
  const made = { id: '', ports: [] as string[], topology: 'SINGLE' as Topology['topology'] };
  const switchName = () => `test-${made.id}-s`;
  const namespace = () => `test-${made.id}-t`;

  beforeEach(async () => {
    made.id = randomBytes(4).toString('hex');
    made.ports = [];
    made.topology = 'SINGLE';
    await must('ip', 'netns', 'add', switchName());
  });
  afterEach(async () => {
    for (const each of made.ports) await ignoring('ip', 'link', 'delete', each);
    await ignoring('ip', 'netns', 'delete', namespace());
    // The other ends, and with them the ports, go with the switch.
    await ignoring('ip', 'netns', 'delete', switchName());
  });

  const paths = () => ({
    base: join(folder.path, 'octavia'),
    interfaces: join(folder.path, 'interfaces'),
  });

  return {
    paths,
    namespace,
    switchName,
    setTopology: (topology: Topology['topology']) => {
      made.topology = topology;
    },
    /** Plugs a port into this machine. @param mac of a port that was there before */
    async addPort(mac = newMac()): Promise<{ mac: string; name: string; otherEnd: string }> {
      const number = made.ports.length;
      const [name, otherEnd] = [`t${made.id}p${number}`, `s${number}`];
      made.ports.push(name);
      await must(
        ...(['ip', 'link', 'add', name, 'address', mac, 'type', 'veth'] as const),
        ...['peer', 'name', otherEnd, 'netns', switchName()],
      );
      await must('ip', '-n', switchName(), 'link', 'set', otherEnd, 'up');
      return { mac, name, otherEnd };
    },
    network(parts: Partial<NetworkParts> = {}) {
      const { log, lines } = keepingLog();
      const network = makeNetwork({
        run,
        log,
        paths: paths(),
        namespace: namespace(),
        topology: () => Promise.resolve(made.topology),
        rescan: () => Promise.resolve(),
        ...parts,
      });
      return { network, lines };
    },
    /** What the kernel has of an interface, except link-local addresses and what the kernel makes by itself. */
    async stateOf(device: string, place: string | null = namespace()) {
      const ip = makeIp(run, place);
      const own = (text: string) => !text.startsWith('fe80') && !text.startsWith('ff');
      const link = (await ip.links()).find(({ name }) => name === device);
      return {
        isUp: link?.isUp,
        mtu: link?.mtu,
        addresses: (await ip.addresses(device))
          .map(({ address, prefix }) => `${address}/${prefix}`)
          .filter(own)
          .sort(),
        routes: (await ip.routes(device))
          .filter(({ destination, table }) => own(destination) && table !== 255)
          .map(
            ({ destination, gateway = 'link', source = '-', table }) =>
              `${table}: ${destination} ${gateway} ${source}`,
          )
          .sort(),
        rules: (await ip.rules())
          .filter(({ source }) => source !== 'all')
          .map(({ source, table }) => `${source} ${table}`)
          .sort(),
      };
    },
  };
}

export function newMac(): string {
  return `fa:16:3e${randomBytes(3).toString('hex').replace(/../g, ':$&')}`;
}

/** A runner that fails the call with this number among those that change something. */
export function failingAt(number: number, how: Outcome): { run: Run; calls: string[] } {
  const calls: string[] = [];
  return {
    calls,
    run: (command) => {
      const text = command.argv.join(' ');
      if (!/ (?:set|add|delete|tee) /.test(`${text} `)) return run(command);
      calls.push(text);
      return calls.length === number ? Promise.resolve(how) : run(command);
    },
  };
}

async function ignoring(...argv: [string, ...string[]]): Promise<void> {
  await run({ argv, deadlineMs: 30_000 });
}
