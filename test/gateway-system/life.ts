import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { startDetachedKeepalived } from './other-router.ts';
import { waitUntil } from '../lab/wait.ts';
import { type Gateway, type Group, holders, postGroup } from './bench.ts';

/** What the API says is true: one MASTER, and only its kernel has the address. */
async function isSettled(gateway: Gateway, id: number, address: string): Promise<boolean> {
  const group = await gateway.group(id);
  if (group?.is_healthy !== true) return false;
  const masters = group.real_nodes.filter(({ status }) => status === 1).map(({ node }) => node);
  const names = await holders(gateway.lab, address);
  return masters.length === 1 && names.join() === nameOf(gateway, masters[0]);
}

/** The name of a node in the lab. */
export function nameOf({ ids, lab }: Gateway, id: number | undefined): string {
  return lab.nodes[ids.indexOf(id ?? -1)]?.name ?? '';
}

export async function settled(gateway: Gateway, id: number, address: string): Promise<Group> {
  await waitUntil(`the group ${id} to be healthy at ${address}`, () =>
    isSettled(gateway, id, address),
  );
  return (await gateway.group(id)) as Group;
}

/** All nodes of the lab. @param best the index of the best one */
export const realNodes = ({ ids, lab }: Gateway, best = 0) =>
  ids.map((node, index) => ({
    node,
    interface: lab.interface,
    priority: index === best ? 200 : 150 - 10 * index,
    interval: 0.5,
  }));

export const masterOf = ({ real_nodes: nodes }: Group): number | undefined =>
  nodes.find(({ status }) => status === 1)?.node;

/** The life of a group, from its POST to its DELETE. */
export function testLife(at: () => Gateway): void {
  describe('a group', () => {
    const address = (number = 1) => at().lab.address(number);
    let id = 0;

    it('is served by the best node, and the API says so', async () => {
      const other = await startDetachedKeepalived(at().lab, { routerId: 1 });
      try {
        // Its adverts come each second, and a node has to have heard one.
        await waitUntil('a node to report the other router', async () => {
          const said = await at().controller.run(['hactl', 'node', 'status', '-o', 'json']);
          return /"routerId": ?1\b/.test(said);
        });
        // The controller waits for the next report of each node, and has it a moment later.
        await sleep(2000);
        id = await postGroup(at(), {
          name: 'VG1',
          virtual_ip: address(),
          real_nodes: realNodes(at()),
        });
        await waitUntil('the best node to be MASTER', async () => {
          return masterOf(await settled(at(), id, address())) === at().ids[0];
        });
      } finally {
        await other.stop();
      }
      expect((await at().group(id))?.router_id, 'another router uses 1').to.equal(2);
    });

    it('moves to the next node when the best one loses its power, and back', async () => {
      // The controller is on the first node, so another one is the best.
      const [first, second, third] = at().ids;
      const nodes = realNodes(at(), 1);
      const { status } = await at().call('PUT', `/1/virtual_groups/${id}`, { real_nodes: nodes });
      expect(status).to.equal(200);
      await waitUntil('the best node to be MASTER', async () => {
        return masterOf(await settled(at(), id, address())) === second;
      });
      const best = at().lab.nodes[1];
      await best?.crash();
      await waitUntil('another node to be MASTER', async () => {
        const group = await at().group(id);
        const lost = group?.real_nodes.find(({ node }) => node === second);
        return lost?.status === 0 && [first, third].includes(masterOf(group as Group));
      });
      await best?.boot();
      await waitUntil('the best node to be MASTER again', async () => {
        const group = await at().group(id);
        return group !== undefined && masterOf(group) === second;
      });
      await settled(at(), id, address());
    });

    it('is on no node with status 2, and back with status 1', async () => {
      await at().call('PUT', `/1/virtual_groups/${id}`, { status: 2 });
      expect(await holders(at().lab, address())).to.deep.equal([]);
      expect((await at().group(id))?.online_status).to.equal(false);
      await at().call('PUT', `/1/virtual_groups/${id}`, { status: 1 });
      await settled(at(), id, address());
    });

    it('leaves the addresses of others where they are', async () => {
      const other = await postGroup(at(), {
        name: 'VG2',
        virtual_ip: address(2),
        virtual_ipv6: at().lab.address6(2),
        real_nodes: realNodes(at()),
      });
      await settled(at(), other, address(2));
      await settled(at(), other, at().lab.address6(2));
      const before = await holders(at().lab, address());
      const { status } = await at().call('DELETE', `/1/virtual_groups/${other}`);
      expect(status).to.equal(200);
      expect(await holders(at().lab, address(2))).to.deep.equal([]);
      expect(await holders(at().lab, at().lab.address6(2))).to.deep.equal([]);
      expect(await holders(at().lab, address())).to.deep.equal(before);
    });

    it('outlives a kill of the controller', async () => {
      const before = await holders(at().lab, address());
      await at().controller.run(['systemctl', 'kill', '--signal=KILL', 'ha-controller']);
      await waitUntil('the controller to answer', async () => {
        return (
          (await at()
            .group(id)
            .catch(() => undefined)) !== undefined
        );
      });
      const group = await settled(at(), id, address());
      expect(before).to.deep.equal([nameOf(at(), masterOf(group))]);
    });
  });
}
