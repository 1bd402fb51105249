import { expect } from 'chai';

import type { Lab, LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { callHa } from './client.ts';

const storage = ['ZFS', 'SMB', 'NFS', 'Alphorn', 'VIP_mgmt0'];

/** A node is lost, by power and by network. The agent of the other one reports each step. */
export function describeFailover(bench: () => { lab: Lab; token: string }): void {
  describe('the loss of a node', () => {
    /** The node that runs the storage resources, and the other. */
    async function roles(): Promise<{ active: LabNode; other: LabNode }> {
      const { lab } = bench();
      const { resources } = await (lab.nodes[0] as LabNode).cluster();
      const runsOn = resources.find(({ id }) => id === 'ZFS')?.node ?? '';
      const active = lab.node(runsOn);
      return { active, other: lab.nodes.find((node) => node !== active) as LabNode };
    }

    /** Reads from the agent of the node until all storage resources run there. */
    async function untilTakenOver(node: LabNode): Promise<void> {
      await waitUntil(`${node.name} to take over`, async () => {
        const { status, json, text } = await callHa(node, 'status', { token: bench().token });
        expect(status, text).to.equal(200);
        const { resources } = json as { resources: { resource: RunningResource[] } };
        return storage.every((id) => {
          const resource = resources.resource.find((each) => each.id === id);
          return resource?.role === 'Started' && resource.node?.[0]?.name === node.name;
        });
      });
    }

    async function untilBothOnline(node: LabNode): Promise<void> {
      await waitUntil('both nodes to be online', async () => {
        const { json } = await callHa(node, 'node', { token: bench().token });
        return (
          (json as { pacemaker_nodes: { online: string[] } }).pacemaker_nodes.online.length === 2
        );
      });
      await node.run(['crm_resource', '--wait', '--timeout=60'], { deadlineMs: 70_000 });
    }

    it('by power: the other node fences it and takes over, and its agent shows that', async () => {
      const { active, other } = await roles();
      const actionsBefore = (await bench().lab.powerLog()).length;
      await active.crash();
      await untilTakenOver(other);
      expect(await other.run(['ip', '-brief', 'address'])).to.include(`${bench().lab.vip}/`);
      const actions = (await bench().lab.powerLog()).slice(actionsBefore);
      expect(actions.join('\n')).to.include(`${other.name} asked: reboot ${active.name}`);
      // The power switch boots a fenced node.
      await untilBothOnline(other);
    });

    it('by network: the other node fences it and takes over, and it comes back with the network', async () => {
      const { active, other } = await roles();
      await active.cut();
      await untilTakenOver(other);
      await active.mend();
      await untilBothOnline(other);
    });
  });
}

interface RunningResource {
  id: string;
  role: string;
  node?: { name: string }[];
}
