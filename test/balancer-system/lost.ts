import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { type Balancing, holders } from './bench.ts';
import { underLoad, untilServes } from './clients.ts';
import type { Shown, Simple } from './making.ts';
import { makeAwayFromController, nodesOf, settled, statusOf } from './nodes.ts';

/** Longer than the controller waits for heartbeats and reports of nodes. */
const cutSeconds = Number(process.env['HA_BALANCER_CUT_SECONDS'] ?? '300');

/** Nodes that lose their power or their network, one of them, both, and only the way to the controller. */
export function testLost(at: () => Balancing): void {
  describe('a load balancer that loses', () => {
    const lab = () => at().lab;
    let made: Simple;
    let limit = 400;

    before(async () => {
      made = await makeAwayFromController(at());
      await made.untilOperating('', 'ONLINE');
    });

    afterEach(async () => {
      for (const node of lab().nodes) {
        await node.boot();
        await node.mend();
      }
      await settled(at(), made);
      await made.untilOperating('', 'ONLINE');
    });

    after(() => made.remove());

    const listener = () => `/listeners/${made.listener}`;

    /** A change that the nodes have to be told, and that has another file. */
    const change = async (): Promise<void> => {
      limit += 1;
      await made.put(listener(), { connection_limit: limit });
    };

    const isCaughtUp = async (node: LabNode): Promise<boolean> => {
      const { nodes } = await statusOf(made);
      const own = nodes.find(({ name }) => name === node.name);
      return own?.running !== null && own?.running === own?.wanted;
    };

    for (const [what, lose, mend] of [
      ['the power', (node: LabNode) => node.crash(), (node: LabNode) => node.boot()],
      ['the network', (node: LabNode) => node.cut(), (node: LabNode) => node.mend()],
    ] as const) {
      it(`${what} of the node with the VIP is served by the other one, and changes go on`, async () => {
        const { master, standby } = await settled(at(), made);
        await lose(master);
        await untilServes(lab(), made);
        const names = (await holders(at(), made.address)).map(({ name }) => name);
        expect(names).to.include(standby.name);
        await made.untilOperating('', 'DEGRADED');
        await change();
        expect((await made.read('')).provisioning_status).to.equal('ACTIVE');
        const shown = await made.read<{ connection_limit: number }>(listener());
        expect(shown.connection_limit).to.equal(limit);
        // The VIP stays where it is, or moves without a break, and the node gets the change.
        await underLoad(lab(), made.address, async () => {
          await mend(master);
          await waitUntil('the node to run the change', () => isCaughtUp(master));
        });
        await made.untilOperating('', 'ONLINE');
      });

      it(`${what} of the other node goes on without a failed request`, async () => {
        const { standby } = await settled(at(), made);
        await underLoad(lab(), made.address, async () => {
          await lose(standby);
          await made.untilOperating('', 'DEGRADED');
          await change();
          await mend(standby);
          await waitUntil('the node to run the change', () => isCaughtUp(standby));
        });
      });
    }

    it('both nodes is ERROR, and by itself ACTIVE again when one is back', async () => {
      const [one, two] = (await nodesOf(at(), made)) as [LabNode, LabNode];
      await Promise.all([one.crash(), two.crash()]);
      await made.untilOperating('', 'ERROR');
      limit += 1;
      const path = `${made.path}${listener()}`;
      const answer = await at().call('PUT', path, { connection_limit: limit });
      expect(answer.status, JSON.stringify(answer.body)).to.equal(202);
      await waitUntil('the change to have failed', async () => {
        return (await made.read(listener())).provisioning_status === 'ERROR';
      });
      expect((await statusOf(made)).last_error).to.be.a('string');
      await one.boot();
      await waitUntil('the change to be made after all', async () => {
        const { provisioning_status: status, connection_limit: now } = await made.read<
          Shown & { connection_limit: number }
        >(listener());
        return status === 'ACTIVE' && now === limit;
      });
      await untilServes(lab(), made);
      await two.boot();
      await waitUntil('the other node to have caught up', () => isCaughtUp(two));
    });

    it(`the way to the controller for ${cutSeconds} s fails no request, and the VIP stays`, async function () {
      this.timeout(cutSeconds * 1000 + 400_000);
      const { master } = await settled(at(), made);
      await underLoad(lab(), made.address, async () => {
        await at().controller.cut();
        const end = performance.now() + cutSeconds * 1000;
        while (performance.now() < end) {
          const names = (await holders(at(), made.address)).map(({ name }) => name);
          expect(names).to.deep.equal([master.name]);
          await sleep(2000);
        }
        await at().controller.mend();
        await made.untilOperating('', 'ONLINE');
        expect((await made.read('')).provisioning_status).to.equal('ACTIVE');
        await change();
      });
      expect((await settled(at(), made)).master.name).to.equal(master.name);
    });

    it('its controller, which is killed, serves on, and is changed by the next one', async () => {
      await underLoad(lab(), made.address, async () => {
        await at().controller.run(['systemctl', 'kill', '--signal=KILL', 'ha-controller']);
        await waitUntil('the controller to answer', async () => {
          return (await made.read('')).provisioning_status === 'ACTIVE';
        });
        await change();
      });
    });
  });
}
