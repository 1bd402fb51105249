import type { NodeUse } from '../controller/nodes/nodes.ts';
import { forgetAddresses } from '../controller/vrrp/known-addresses.ts';
import { groupsOfNode } from './gateways.ts';

/** A node is in use while a group has it, whether the group is offline or not. */
export const gatewayNodeUse: NodeUse = {
  async uses(node, transaction) {
    const groups = await groupsOfNode(transaction, node);
    return groups.map(
      ({ name, gateway }) =>
        `The group '${name}' of the gateway ${gateway} uses it; 'hactl group set ${name}' takes it out, and 'hactl group remove ${name}' removes the group.`,
    );
  },
  async forget(node, transaction) {
    await transaction.run('DELETE FROM gateway_nodes WHERE node = $1', [node]);
    // Its orders stay: the host may join again while it runs them, see OrderBook.latest.
    await forgetAddresses(transaction, node);
  },
};
