import { expect } from 'chai';

import type { Driver } from '../../lab/amphora/driver.ts';
import {
  bringServiceUp,
  ids,
  listenerPorts,
  loadBalancer,
  memberId,
} from '../../lab/amphora/life-cycle.ts';
import type { Suite } from '../../lab/root.ts';
import { ask, askHaproxy, type Bench, pullPorts, vipUrl, waitForService } from '../bench.ts';
import { leftOverIn } from '../left-over.ts';
import { waitUntil } from '../../lab/wait.ts';
import { type HealthManager, startHealthManager } from './manager.ts';

/** Heartbeats of amphorae whose listeners came by API 0.5. */
export function describeVersion1(bench: Bench, driverSuite: Suite): void {
  describe('with listeners that came by API 0.5', () => {
    let parts: { driver: Driver; health: HealthManager } | undefined;
    const current = () => {
      if (parts === undefined) throw new Error('The listeners are not up.');
      return parts;
    };

    before(async () => {
      const driver = await bench().driver(driverSuite, { bodies: true });
      parts = { driver, health: await startHealthManager(bench(), driver) };
      const balancer = await loadBalancer();
      await bringServiceUp(bench(), driver, { balancer, version: '0.5', tls: false });
      await waitForService(bench(), listenerPorts.http);
      await parts.health.define();
    });
    after(async () => {
      await parts?.health.close();
      await parts?.driver.close();
    });

    it('heartbeats have version 1, renew the lives, and report all as online', async () => {
      const found = await current().health.nextOfEach(2);
      for (const beat of found) {
        expect(beat).to.deep.include({ ver: 1, isAlive: true, warnings: [] });
        expect(beat.listeners.toSorted()).to.deep.equal([ids.http, ids.tcp].sort());
      }
      const states = await current().health.states();
      for (const id of [ids.http, ids.tcp, ids.httpPool, ids.tcpPool, memberId(1, 0)]) {
        expect(states[id], id).to.equal('ONLINE');
      }
      expect(states[memberId(2, 0)]).to.equal('NO_MONITOR');
    });

    it('a dead member is in error within two intervals, and online when it is back', async () => {
      for (const [state, haproxy, octavia] of [
        ['down', 'DOWN', 'ERROR'],
        ['up', 'UP', 'ONLINE'],
      ] as const) {
        await bench().setMember('member1', state);
        await haproxiesSay(haproxy);
        await current().health.next(2 * bench().nodes.length);
        expect((await current().health.states())[memberId(1, 0)]).to.equal(octavia);
      }
    });

    it('statistics are totals, which are set', async () => {
      const { health } = current();
      const before = await health.sums(ids.http);
      const requests = 10;
      for (let index = 0; index < requests; index += 1) {
        expect((await ask(bench(), vipUrl(listenerPorts.http))).status).to.equal(200);
      }
      const found = await health.nextOfEach(2);
      const after = await health.sums(ids.http);
      expect(after.total_connections - before.total_connections).to.equal(requests);
      const written = new Set(found.flatMap((beat) => Object.values(beat.written)));
      expect(written).to.deep.equal(new Set(['replace']));
    });

    it('a listener that is deleted is in no later heartbeat, and nothing is left', async () => {
      const { driver, health } = current();
      await driver.play({ do: 'delete', listener: ids.tcp });
      await health.define();
      for (const beat of await health.nextOfEach(2)) {
        expect(beat).to.deep.include({ ver: 1, isAlive: true, listeners: [ids.http] });
      }
      await driver.play({ do: 'stop_vrrp_service' });
      await driver.play({ do: 'delete', listener: ids.http });
      expect(await leftOverIn(bench())).to.deep.equal([]);
      await pullPorts(bench());
    });

    /** Waits until the monitors of all nodes have seen the state of the first member. */
    async function haproxiesSay(state: string): Promise<void> {
      for (const node of bench().nodes) {
        await waitUntil(`haproxy of ${node.name} to say ${state}`, async () => {
          const csv = await askHaproxy(node, ids.http, 'show stat -1 4 -1');
          const row = csv.split('\n').find((line) => line.includes(`,${memberId(1, 0)},`));
          return row?.split(',')[17]?.startsWith(state) === true;
        });
      }
    }
  });
}
