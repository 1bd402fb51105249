import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { type Gateway, type Group, holders, postGroup } from './bench.ts';
import { masterOf, realNodes, settled } from './life.ts';

const state = '/var/lib/ha-controller';
const identity = '/etc/ha-agent/node';
const [older, copied, own] = ['/root/older.backup', '/root/copied.backup', '/root/own.backup'];
/** Longer than a node needs to report, and a controller to order. */
const waitMs = 8000;

/** What becomes of addresses when the store of the controller is lost, old, or not the only one. */
export function testStores(at: () => Gateway): void {
  describe('a controller whose store is another one than before', () => {
    const address = () => at().lab.address(6);
    const later = () => at().lab.address(7);
    const nodeAt = (index: number) => at().lab.nodes[index] as LabNode;
    const best = 2;
    let id = 0;

    async function make(name: string, virtual: string): Promise<number> {
      const real_nodes = realNodes(at(), best);
      const made = await postGroup(at(), { name, virtual_ip: virtual, real_nodes });
      await untilBestServes(made, virtual);
      return made;
    }

    const untilBestServes = (group: number, virtual: string) =>
      waitUntil('the best node to be MASTER', async () => {
        return masterOf(await settled(at(), group, virtual)) === at().ids[best];
      });

    /** Does work, and sees that each address stays all the time on the node that has it. */
    async function withoutMoving(
      addresses: readonly string[],
      work: () => Promise<unknown>,
    ): Promise<void> {
      const [time, seen] = [{ isOver: false }, new Set<string>()];
      const watching = (async () => {
        do {
          const found = await Promise.all(addresses.map((each) => holders(at().lab, each)));
          seen.add(JSON.stringify(found));
          await sleep(200);
        } while (!time.isOver);
      })();
      try {
        await work();
        await sleep(waitMs);
      } finally {
        time.isOver = true;
        await watching;
      }
      const expected = JSON.stringify(addresses.map(() => [nodeAt(best).name]));
      expect([...seen]).to.deep.equal([expected]);
    }

    const detailsOf = async (name: string): Promise<string[]> => {
      const found = (await at().groups()).find((each: Group) => each.name === name);
      return (found?.real_nodes ?? []).map(({ detail }) => detail);
    };
    const untilAllSay = (text: string) =>
      waitUntil(`all nodes to say '${text}'`, async () => {
        const details = await detailsOf('kept');
        return details.length === 3 && details.every((each) => each.includes(text));
      });
    const control = (how: 'start' | 'stop', node = at().controller) =>
      node.run(['systemctl', how, 'ha-controller']);
    const hactl = (node: LabNode, ...args: string[]) => node.run(['hactl', ...args]);

    before(async () => {
      id = await make('kept', address());
    });

    after(async () => {
      await at().call('DELETE', `/1/virtual_groups/${id}`);
    });

    it('does not start without a store, and says what to do', async () => {
      await control('stop');
      await at().controller.run(['mv', state, `${state}.away`]);
      await withoutMoving([address()], async () => {
        await at().controller.exec(['systemctl', 'start', 'ha-controller']);
        const how = ['--no-pager', '--lines=20', '--output=cat', '--unit=ha-controller'];
        await waitUntil('the reason in the journal', async () =>
          (await at().controller.run(['journalctl', ...how])).includes('hactl controller restore'),
        );
      });
    });

    it('orders nothing with an empty store, and says that no host has joined it', async () => {
      await control('stop');
      await withoutMoving([address()], async () => {
        await hactl(at().controller, 'controller', 'init');
        await control('start');
        await waitUntil('the controller to answer', async () => {
          return (await hactl(at().controller, 'node', 'list')).includes('No host has joined');
        });
        const { stdout } = await nodeAt(best).exec(['hactl', 'node', 'status']);
        expect(stdout).to.include('vg_');
      });
      await control('stop');
      await at().controller.run(['rm', '-r', state]);
      await at().controller.run(['mv', `${state}.away`, state]);
      await control('start');
      await untilBestServes(id, address());
    });

    it('leaves nodes alone after an old backup was restored, until somebody confirms it', async () => {
      await hactl(at().controller, 'controller', 'backup', older);
      await make('later', later());
      await withoutMoving([address(), later()], async () => {
        await control('stop');
        await hactl(at().controller, 'controller', 'restore', older);
        await control('start');
        await untilAllSay('from before the store was restored');
        expect((await at().groups()).map(({ name }) => name)).to.not.include('later');
        const change = { preempt: false };
        const refused = await at().call('PUT', `/1/virtual_groups/${id}`, change);
        expect(refused.status, JSON.stringify(refused.body)).to.equal(409);
        expect(refused.body.code).to.equal('node_refused');
      });
      await withoutMoving([address()], async () => {
        for (const { name } of at().lab.nodes) await hactl(at().controller, 'group', 'adopt', name);
        await waitUntil('the group that the store does not know to go', async () => {
          return (await holders(at().lab, later())).length === 0;
        });
      });
      await untilBestServes(id, address());
    });

    it('is refused by a node that runs the orders of another store', async () => {
      const [second, third] = [nodeAt(1), nodeAt(best)];
      await withoutMoving([address()], async () => {
        await hactl(second, 'controller', 'init');
        await control('start', second);
        await third.run(['mv', identity, `${identity}.away`]);
        const token = (await hactl(second, 'node', 'token')).trim();
        await hactl(third, 'node', 'join', `https://${second.address}:9876`, token);
        await waitUntil('the second controller to say so', async () =>
          (await hactl(second, 'node', 'list')).includes('runs the orders of another store'),
        );
        await waitUntil('the first controller to say that the node is away', async () => {
          return /does not answer|older than/.test((await detailsOf('kept'))[best] ?? '');
        });
      });
      await withoutMoving([address()], async () => {
        await third.run(['rm', '-r', identity]);
        await third.run(['mv', `${identity}.away`, identity]);
        await third.run(['systemctl', 'restart', 'ha-amphora']);
        await untilBestServes(id, address());
      });
      await control('stop', second);
      await second.run(['rm', '-r', state]);
    });

    it('is refused by all nodes if a restored copy of its store was used elsewhere', async () => {
      const second = nodeAt(1);
      await hactl(at().controller, 'controller', 'backup', copied);
      const copy = await at().controller.run(['base64', '--wrap=0', copied]);
      await second.writeFile(copied, Buffer.from(copy, 'base64'), 0o600);
      await withoutMoving([address()], async () => {
        await hactl(second, 'controller', 'restore', copied);
        await control('start', second);
        await untilAllSay('it is a former copy');
        const refused = await at().call('PUT', `/1/virtual_groups/${id}`, { preempt: false });
        expect(refused.status, JSON.stringify(refused.body)).to.be.within(409, 503);
      });
      await control('stop', second);
      await second.run(['rm', '-r', state]);
      // The present store is gone. A restore makes the former copy the present one.
      await withoutMoving([address()], async () => {
        await control('stop');
        await hactl(at().controller, 'controller', 'backup', own);
        await hactl(at().controller, 'controller', 'restore', own);
        await control('start');
        await untilBestServes(id, address());
      });
    });
  });
}
