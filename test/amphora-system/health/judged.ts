import { expect } from 'chai';

import { waitUntil } from '../../lab/wait.ts';
import { memberIn, traffic } from '../balancer.ts';
import { ask, askEcho, type Bench, vipUrl } from '../bench.ts';
import { haproxiesSay } from '../heartbeats.ts';
import type { Service } from '../service.ts';
import { type HealthManager, type Judged, startHealthManager } from './manager.ts';
import { drained } from './specs.ts';

/** What Octavia's health manager makes of the heartbeats of a pair. */
export function describeJudged(bench: Bench, service: () => Service): void {
  describe('its own health manager, with heartbeats of both amphorae', () => {
    let health: HealthManager | undefined;
    const manager = (): HealthManager => {
      if (health === undefined) throw new Error('The health manager does not run.');
      return health;
    };

    before(async () => {
      health = await startHealthManager(bench(), service().driver);
      await health.define();
    });
    after(() => health?.close());

    it('renews their lives, and finds everything online', async () => {
      const found = await manager().nextOfEach(2);
      for (const beat of found) {
        expect(beat).to.deep.include({ ver: 3, isAlive: true, warnings: [] });
      }
      const states = await manager().states();
      for (const { id } of Object.values(traffic.listeners)) expect(states[id]).to.equal('ONLINE');
      for (const id of Object.values(traffic.pools)) expect(states[id]).to.equal('ONLINE');
      expect(states[memberIn('http', 0)]).to.equal('ONLINE');
      // There is no monitor in this pool.
      expect(states[memberIn('tcp', 0)]).to.equal('NO_MONITOR');
      expect(states[traffic.id]).to.equal('ONLINE');
    });

    it('finds a dead member in error within two intervals, and online when it is back', async () => {
      for (const [state, haproxy, octavia] of [
        ['down', 'DOWN', 'ERROR'],
        ['up', 'UP', 'ONLINE'],
      ] as const) {
        await bench().setMember('member1', state);
        await haproxiesSay(bench(), haproxy);
        const found = await manager().next(2 * bench().nodes.length);
        const changes = found.flatMap(({ updates }) => updates);
        expect(changes).to.deep.include(['member', memberIn('http', 0), octavia]);
        const states = await manager().states();
        expect(states[memberIn('http', 0)]).to.equal(octavia);
        expect(states[memberIn('http', 1)]).to.equal('ONLINE');
        expect(states[traffic.pools.http]).to.equal(state === 'up' ? 'ONLINE' : 'DEGRADED');
      }
    });

    it('finds a drained member draining', async () => {
      const { driver, balancer } = service();
      for (const [spec, state] of [
        [drained(balancer), 'DRAINING'],
        [balancer, 'ONLINE'],
      ] as const) {
        await driver.play(spec);
        for (const amphora of bench().nodes.keys()) {
          await driver.play({ do: 'update_amphora_listeners', amphora });
        }
        await manager().define();
        await manager().next(2 * bench().nodes.length);
        expect((await manager().states())[memberIn('http', 1)]).to.equal(state);
      }
    });

    it('writes what listeners have counted to its statistics', async () => {
      const { http, tcp } = traffic.listeners;
      await countersRest(manager());
      const sums = () => Promise.all([manager().sums(http.id), manager().sums(tcp.id)]);
      const [httpBefore, tcpBefore] = await sums();
      const [requests, line] = [20, 'a line that is echoed'];
      for (let index = 0; index < requests; index += 1) {
        expect((await ask(bench(), vipUrl(http.port))).status).to.equal(200);
      }
      const echo = await askEcho(bench(), tcp.port, line);
      const found = await countersRest(manager());
      const [httpAfter, tcpAfter] = await sums();
      expect(httpAfter.total_connections - httpBefore.total_connections).to.equal(requests);
      expect(httpAfter.bytes_out).to.be.above(httpBefore.bytes_out + 100 * requests);
      expect(tcpAfter.total_connections - tcpBefore.total_connections).to.equal(1);
      expect(tcpAfter.bytes_in - tcpBefore.bytes_in).to.equal(line.length + 1);
      // The echo begins with the name of its member. Both lines have their ends.
      expect(tcpAfter.bytes_out - tcpBefore.bytes_out).to.equal(echo.join('\n').length + 1);
      expect(new Set(found.flatMap(({ written }) => Object.values(written)))).to.deep.equal(
        new Set(['increment']),
      );
    });
  });
}

/** Takes heartbeats until no connection is open, and a further one of each amphora. */
async function countersRest(manager: HealthManager): Promise<Judged[]> {
  const { http, tcp } = traffic.listeners;
  await waitUntil('all connections to end', async () => {
    await manager.nextOfEach(1);
    const sums = await Promise.all([manager.sums(http.id), manager.sums(tcp.id)]);
    return sums.every(({ active_connections: open }) => open === 0);
  });
  return manager.nextOfEach(1);
}
