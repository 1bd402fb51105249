// Types the commands of docs/gateway.md on three Debians without the package, and cuts the power of the best node.
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';

import { expect } from 'chai';

import { builtPackage } from '../lab/built-package.ts';
import { type GatewayLab, upGatewayHosts } from '../lab/gateway/lab.ts';
import { down, type LabNode } from '../lab/lab.ts';
import { progressOnStderr } from '../lab/progress.ts';
import { suitesOf } from '../lab/root.ts';
import { waitUntil } from '../lab/wait.ts';
import { holders } from './bench.ts';

const document = new URL('../../docs/gateway.md', import.meta.url);
const suites = suitesOf(process.env['HA_GATEWAY_SUITES'] ?? 'bookworm,bullseye,trixie');
const name = 'gateway-by-hand';

/** Where a block of the chapter is typed: the word after `sh`. */
interface Block {
  place: 'each' | 'a' | 'b' | 'c';
  commands: string[];
}

/** The blocks of the chapter, in their order. */
function blocksOf(markdown: string): Block[] {
  const [, chapter = ''] = /^## Set up three hosts\n([^]*?)^## /m.exec(markdown) ?? [];
  return [...chapter.matchAll(/^```sh (each|a|b|c)\n([^]*?)^```$/gm)].map(
    ([, place = '', text = '']) => ({
      place: place as Block['place'],
      commands: text.trim().split('\n'),
    }),
  );
}

describe(`the way from ${suites.join(', ')} to a group that fails over by docs/gateway.md`, () => {
  let lab: GatewayLab;
  let blocks: Block[] = [];
  const address = () => lab.address(1);
  const hosts = (): Record<'a' | 'b' | 'c', LabNode> => {
    const [a, b, c] = lab.nodes as [LabNode, LabNode, LabNode];
    return { a, b, c };
  };

  /** What the document asks its reader to replace. */
  function filledIn(command: string, token: string | undefined): string {
    const { a } = hosts();
    const node = (_text: string, letter: 'a' | 'b' | 'c', rest: string) =>
      `--node ${hosts()[letter].name}:${lab.interface}:${rest}`;
    return command
      .replaceAll('192.0.2.11', a.address)
      .replaceAll('192.0.2.100', address())
      .replaceAll(/--node (a|b|c):eth0:(\d+)/g, node)
      .replaceAll(/\bTOKEN\b/g, () => {
        if (token === undefined) throw new Error(`There is no token for ${command}`);
        return token;
      });
  }

  const isAnswered = () =>
    new Promise<boolean>((resolve) => {
      // ha-agent listens on all addresses of each host.
      const socket = connect({ host: address(), port: 8443, timeout: 300 });
      const end = (is: boolean) => {
        socket.destroy();
        resolve(is);
      };
      socket.on('connect', () => {
        end(true);
      });
      for (const event of ['error', 'timeout'] as const) {
        socket.on(event, () => {
          end(false);
        });
      }
    });

  before(async function () {
    // A root may have to be built first.
    this.timeout(25 * 60 * 1000);
    blocks = blocksOf(await readFile(document, 'utf8'));
    await down(name, progressOnStderr);
    lab = await upGatewayHosts({ name, suites, progress: progressOnStderr });
    const debFile = await readFile(await builtPackage());
    for (const node of lab.nodes) await node.writeFile('/root/ha-agent_0_amd64.deb', debFile);
  });

  after(async function () {
    this.timeout(5 * 60 * 1000);
    await down(name);
  });

  it('takes ten commands', () => {
    const count = blocks.map(({ place, commands }) => (place === 'each' ? 3 : 1) * commands.length);
    expect(count.reduce((sum, each) => sum + each, 0)).to.equal(10);
  });

  it('makes a group that the best host serves', async () => {
    const tokens: string[] = [];
    for (const { place, commands } of blocks) {
      const at = place === 'each' ? lab.nodes : [hosts()[place]];
      for (const command of commands) {
        const token = /\bTOKEN\b/.test(command) ? tokens.shift() : undefined;
        const typed = filledIn(command, token);
        for (const node of at) {
          const printed = await node.run(['bash', '-euc', `cd /root; ${typed}`], {
            deadlineMs: 300_000,
          });
          if (/^hactl node token/.test(command)) tokens.push(...printed.trim().split(/\s+/));
        }
      }
    }
    await waitUntil('the address to answer', isAnswered);
    const { a } = hosts();
    await waitUntil('all to be well', async () => {
      const { exitCode, stdout } = await a.exec(['hactl', 'group', 'status']);
      return exitCode === 0 && stdout.includes(`yes      ${a.name}`);
    });
    expect(await holders(lab, address())).to.deep.equal([a.name]);
  });

  it('has the next host take over when the first loses its power, with the controller on it', async () => {
    const { a, b } = hosts();
    await a.crash();
    await waitUntil('the address to answer', isAnswered);
    await waitUntil('the next host to have the address', async () => {
      return (await holders(lab, address())).join() === b.name;
    });
    await a.boot();
    await waitUntil('all to be well', async () => {
      const { exitCode, stdout } = await a.exec(['hactl', 'group', 'status']);
      return exitCode === 0 && stdout.includes(`yes      ${a.name}`);
    });
    expect(await holders(lab, address())).to.deep.equal([a.name]);
  });
});
