import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';
import { execa } from 'execa';

import { down, type LabNode, up } from '../lab/lab.ts';
import { type Suite } from '../lab/root.ts';
import { waitUntil } from '../lab/wait.ts';
import { hasTurn } from './share.ts';

const suite = (process.env['HA_TEST_SUITE'] ?? 'bookworm') as Suite;
const cli = fileURLToPath(new URL('../lab/cli.ts', import.meta.url));

/** Everything that a lab of this name could leave behind on this machine. */
async function tracesOf(name: string): Promise<string[]> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .filter((line) => line.includes(`/ha-agent-lab/${name}/`));
  const namespaces = await readdir('/run/netns').catch(() => []);
  const folders = await readdir('/run/ha-agent-lab').catch(() => []);
  const processes = await execa('ps', ['-eo', 'args'], { stdin: 'ignore' });
  return [
    ...mounts,
    ...namespaces.filter((each) => each.includes(`.${name}.`)),
    ...folders.filter((each) => each === name),
    ...processes.stdout
      .split('\n')
      .filter((line) => line.includes(`halab.${name}.`) || line.includes(`--name ${name}`)),
  ];
}

async function bridges(): Promise<string[]> {
  return (await readdir('/sys/class/net')).filter((each) => each.startsWith('halab')).sort();
}

/** Connects to pcsd of a node, from this machine. */
async function reach(address: string): Promise<void> {
  const socket = net.connect({ host: address, port: 2224 });
  await once(socket, 'connect');
  socket.destroy();
}

if (hasTurn(suite, 0)) describe(`A lab of ${suite}`, describeLab);

/** What each lab owes to this machine and to its nodes. */
function describeLab(): void {
  const [killed, beside, switched] = [`killed-${suite}`, `beside-${suite}`, `switched-${suite}`];
  const empty = { suite, nodes: 1, topology: 'empty' } as const;

  after(async () => {
    for (const name of [killed, beside, switched]) await down(name);
  });

  it('starts after a run that was killed midway, next to another lab, and leaves nothing behind', async () => {
    const bridgesBefore = await bridges();

    const argv = ['--import', 'tsx', cli, 'up', '--name', killed, '--suite', suite, '--nodes', '1'];
    const first = execa(process.execPath, argv, { reject: false, stdio: 'ignore' });
    const isMidway = async () => (await tracesOf(killed)).some((trace) => trace.includes('halab.'));
    await waitUntil('the run to be in the middle of something', isMidway);
    first.kill('SIGKILL');
    await first;
    expect(
      await tracesOf(killed),
      'the killed run was in the middle of something',
    ).not.to.deep.equal([]);

    const labs = await Promise.all([
      up({ name: killed, ...empty }),
      up({ name: beside, ...empty }),
    ]);
    const addresses = labs.flatMap(({ nodes }) => nodes.map(({ address }) => address));
    expect(new Set(addresses).size).to.equal(2);
    for (const { nodes } of labs) {
      for (const node of nodes) {
        expect((await node.cluster()).online).to.deep.equal([node.name]);
        await reach(node.address);
      }
    }

    for (const lab of labs) await lab.down();
    expect(await tracesOf(killed)).to.deep.equal([]);
    expect(await tracesOf(beside)).to.deep.equal([]);
    expect(await bridges()).to.deep.equal(bridgesBefore);
  });

  it('runs a node once or not at all, even if it is switched from several sides at once', async () => {
    const containers = async () =>
      (await tracesOf(switched)).filter((trace) => trace.startsWith('systemd-nspawn '));
    const lab = await up({ name: switched, ...empty });
    const [node] = lab.nodes as [LabNode];

    await node.crash();
    expect(await containers(), 'switched off').to.deep.equal([]);

    // As a fence device and a test may do at once.
    await Promise.all([node.boot(), node.boot()]);
    expect(await containers(), 'switched on twice at once').to.have.length(1);

    await node.crash();
    const cutShort = node.boot();
    await waitUntil('the node to begin to boot', () => node.isOn(), { everyMs: 1 });
    await node.crash();
    expect(await containers(), 'switched off while it booted').to.deep.equal([]);

    await node.boot();
    await cutShort;
    expect(await containers(), 'switched on in the end').to.have.length(1);
    await lab.down();
  });

  it('keeps the addresses of its network cards when a node is switched off and on', async () => {
    const lab = await up({ name: switched, ...empty });
    const [node] = lab.nodes as [LabNode];
    const isBridge = ({ address }: { address: string }) => address === lab.gateway;
    const [bridge] =
      Object.entries(networkInterfaces()).find(([, has]) => has?.some(isBridge)) ?? [];
    const addressOfMachine = () => readFile(`/sys/class/net/${bridge}/address`, 'utf8');
    const addressOfNode = async () => {
      const shown = await node.run(['ip', '-oneline', 'link', 'show', 'mgmt0']);
      return /link\/ether (\S+)/.exec(shown)?.[1];
    };
    const [ofMachine, ofNode] = [await addressOfMachine(), await addressOfNode()];

    await node.crash();
    expect(await addressOfMachine(), 'this machine, with the node off').to.equal(ofMachine);
    await node.boot();
    expect(await addressOfMachine(), 'this machine, with the node on').to.equal(ofMachine);
    expect(await addressOfNode(), 'the node').to.equal(ofNode);
    await lab.down();
  });
}
