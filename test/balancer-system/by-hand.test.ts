// Types the commands of docs/balancer.md on three Debians without the package, and cuts the power of the node that has
// the address. The members are servers of this machine.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect } from 'chai';

import { holders } from '../gateway-system/bench.ts';
import { builtPackage } from '../lab/built-package.ts';
import { type GatewayLab, upGatewayHosts } from '../lab/gateway/lab.ts';
import { down, type LabNode } from '../lab/lab.ts';
import { progressOnStderr } from '../lab/progress.ts';
import type { Suite } from '../lab/root.ts';
import { waitUntil } from '../lab/wait.ts';
import { type Block, blocksOfChapter, filledIn } from '../support/balancer/chapter.ts';

const suites = (process.env['HA_BALANCER_SUITES'] ?? 'bookworm,bullseye,trixie').split(',');
const name = 'balancer-by-hand';

describe(`the way from ${suites.join(', ')} to a load balancer by docs/balancer.md`, () => {
  let lab: GatewayLab;
  let blocks: Block[] = [];
  const servers: http.Server[] = [];
  /** The address of this machine in the network of the nodes, and the first three numbers of all. */
  const network = () => lab.address(1).split('.').slice(0, 3).join('.');
  const machine = () => `${network()}.1`;
  const address = () => lab.address(1);
  const hosts = (): Record<'a' | 'b' | 'c', LabNode> => {
    const [a, b, c] = lab.nodes as [LabNode, LabNode, LabNode];
    return { a, b, c };
  };

  async function serve(text: string): Promise<void> {
    const server = http.createServer((_request, response) => {
      response.end(text);
    });
    server.listen(0, machine());
    await once(server, 'listening');
    servers.push(server);
  }
  const memberAt = (index: number) => {
    const { port } = servers[index]?.address() as AddressInfo;
    return `${machine()}:${port}`;
  };

  /** @returns what a member says through the load balancer; undefined if nobody answers */
  const answer = async () => {
    const headers = { Connection: 'close' };
    const signal = AbortSignal.timeout(1000);
    const answered = await fetch(`http://${address()}/`, { headers, signal }).catch(
      () => undefined,
    );
    return answered?.status === 200 ? answered.text().catch(() => undefined) : undefined;
  };
  const isAnswered = async () => (await answer()) !== undefined;
  const isWell = async () => (await hosts().a.exec(['hactl', 'lb', 'status'])).exitCode === 0;

  before(async function () {
    // A root may have to be built first.
    this.timeout(25 * 60 * 1000);
    blocks = await blocksOfChapter();
    await down(name, progressOnStderr);
    lab = await upGatewayHosts({ name, suites: suites as Suite[], progress: progressOnStderr });
    const debFile = await readFile(await builtPackage());
    for (const node of lab.nodes) await node.writeFile('/root/ha-agent_0_amd64.deb', debFile);
    await serve('first');
    await serve('second');
  });

  after(async function () {
    this.timeout(5 * 60 * 1000);
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    await down(name);
  });

  it('makes a load balancer whose members answer in turn', async () => {
    const tokens: string[] = [];
    for (const { place, commands } of blocks) {
      const at = place === 'each' ? lab.nodes : [hosts()[place]];
      for (const command of commands) {
        const typed = filledIn(command, {
          controller: hosts().a.address,
          network: `${network()}.0/24`,
          firstFree: address(),
          lastFree: lab.address(50),
          members: [memberAt(0), memberAt(1)],
          token: /\bTOKEN\b/.test(command) ? tokens.shift() : undefined,
        });
        for (const node of at) {
          const printed = await node.run(['bash', '-euc', `cd /root; ${typed}`], {
            deadlineMs: 300_000,
          });
          if (/^hactl node token/.test(command)) tokens.push(...printed.trim().split(/\s+/));
          if (/^hactl lb add/.test(command)) expect(printed).to.include(`made with ${address()}.`);
        }
      }
    }
    await waitUntil('both members to answer', async () => {
      const said = new Set([await answer(), await answer()]);
      return said.has('first') && said.has('second');
    });
    await waitUntil('all to be well', isWell);
  });

  it('answers on the other node when the one with the address loses its power', async () => {
    const { a, b, c } = hosts();
    const [holder = ''] = await holders(lab, address());
    const [lost, other] = holder === b.name ? [b, c] : [c, b];
    expect(holder).to.equal(lost.name);
    await lost.crash();
    await waitUntil('the other node to have the address', async () => {
      return (await holders(lab, address())).join() === other.name;
    });
    await waitUntil('a member to answer', isAnswered);
    const warned = await a.exec(['hactl', 'lb', 'status']);
    expect(warned.exitCode, 'of hactl lb status while a node is away').to.be.oneOf([0, 1]);
    await lost.boot();
    await waitUntil('all to be well', isWell);
    expect(await answer()).to.be.oneOf(['first', 'second']);
  });

  it('goes on when the controller loses its power', async () => {
    const { a } = hosts();
    await a.crash();
    expect(await answer()).to.be.oneOf(['first', 'second']);
    await a.boot();
    await waitUntil('all to be well', isWell);
  });

  it('takes changes while it serves', async () => {
    const { a } = hosts();
    const [first] = [memberAt(0)];
    await a.run(['hactl', 'lb', 'member', 'set', 'web', first, '--disable', '--wait']);
    expect([await answer(), await answer()]).to.deep.equal(['second', 'second']);
    await a.run(['hactl', 'lb', 'remove', 'web', '--cascade', '--wait']);
    await waitUntil('the address to be gone', async () => {
      return (await holders(lab, address())).length === 0;
    });
  });
});
