import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { nextPackage } from '../lab/amphora/next-package.ts';
import { builtPackage } from '../lab/built-package.ts';
import type { LabNode } from '../lab/lab.ts';
import type { Balancing } from './bench.ts';
import { underLoad } from './clients.ts';
import type { Simple } from './making.ts';
import { makeAwayFromController, settled, statusOf } from './nodes.ts';

const deb = '/root/ha-agent-next.deb';

/** The package on nodes that serve. It changes the package of each, so it comes last in a lab. */
export function testUpgrade(at: () => Balancing): void {
  describe('an upgrade with load on a load balancer', () => {
    let made: Simple;

    before(async function () {
      this.timeout(25 * 60 * 1000);
      const { lab } = at();
      const next = await readFile(await nextPackage(await builtPackage(), lab.folder));
      for (const node of lab.nodes) await node.writeFile(deb, next);
      made = await makeAwayFromController(at());
      await made.untilOperating('', 'ONLINE');
    });

    after(() => made.remove());

    const memberPath = () => `/pools/${made.pool}/members/${made.members[0]}`;

    async function show(node: LabNode, unit: string): Promise<string> {
      return node.run(['systemctl', 'show', '--property=MainPID,NRestarts', unit]);
    }

    const processesOf = async (node: LabNode) => ({
      agent: await show(node, 'ha-amphora'),
      haproxy: await show(node, `amphora-haproxy@${made.id}`),
      keepalived: await show(node, 'ha-keepalived'),
    });

    async function upgrade(node: LabNode): Promise<void> {
      await node.run(['dpkg', '--unpack', deb], { deadlineMs: 200_000 });
      await sleep(2000);
      await node.run(['dpkg', '--configure', 'ha-agent'], { deadlineMs: 200_000 });
    }

    for (const role of ['standby', 'master'] as const) {
      it(`fails no request on the ${role}, and restarts only the agent`, async () => {
        const node = (await settled(at(), made))[role];
        const before = await processesOf(node);
        await underLoad(at().lab, made.address, async () => {
          await upgrade(node);
          await made.put(memberPath(), { weight: 7 });
        });
        const after = await processesOf(node);
        expect(after.agent).to.not.equal(before.agent);
        expect(after).to.deep.equal({ ...before, agent: after.agent });
        expect((await settled(at(), made))[role].name).to.equal(node.name);
      });
    }

    it('fails no request on the controller, which knows all afterwards', async () => {
      const node = at().controller;
      const before = await show(node, 'ha-controller');
      await underLoad(at().lab, made.address, async () => {
        await upgrade(node);
        await made.untilOperating('', 'ONLINE');
        await made.put(memberPath(), { weight: 1 });
      });
      expect(await show(node, 'ha-controller')).to.not.equal(before);
      const { nodes, troubles } = await statusOf(made);
      expect(nodes.map(({ wanted }) => wanted)).to.deep.equal(nodes.map((each) => each.running));
      expect(troubles).to.deep.equal([]);
    });
  });
}
