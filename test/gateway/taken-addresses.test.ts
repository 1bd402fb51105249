import { vrrpMigrations } from '../../src/controller/vrrp/tables.ts';
import type { Group } from '../../src/gateway/gateway.ts';
import { putGroup } from '../../src/gateway/groups/rows.ts';
import { gatewayMigrations } from '../../src/gateway/tables.ts';
import { storeDouble } from '../support/controller/store-double.ts';
import { faultOf } from '../support/faults.ts';

const group: Group = {
  id: 1,
  gateway: 1,
  name: 'web',
  status: 1,
  virtualIp: '10.0.0.9',
  virtualIpv6: null,
  interval: 1,
  preempt: true,
  isUnicast: null,
  check: null,
  members: [],
  routerId: 7,
  revision: 1,
};

describe('the address of a group', () => {
  it('is refused while a load balancer of the controller has it, and taken afterwards', async () => {
    const store = storeDouble([...vrrpMigrations, ...gatewayMigrations]);
    await store.write(async (transaction) => {
      await transaction.run(`INSERT INTO gateways (id, name) VALUES (1, 'front')`);
      await transaction.run(
        `INSERT INTO vrrp_instances (name, owner_family, owner_id, family, segment, router_id, is_active, settings)
         VALUES ('lb_1', 'balancer', 1, 'ipv4', 'lan', 9, 1, $1)`,
        [JSON.stringify({ addresses: ['10.0.0.9/24'] })],
      );
    });
    const put = () => store.write((transaction) => putGroup(transaction, group));
    await faultOf('address_taken', put());
    await store.write((transaction) => transaction.run('DELETE FROM vrrp_instances'));
    await put();
    await store.close();
  });
});
