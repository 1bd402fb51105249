import { expect } from 'chai';

import { ask } from '../amphora-system/bench.ts';
import type { Balancing } from './bench.ts';
import { holders } from './bench.ts';
import { membersOf, untilServes } from './clients.ts';
import { makeSimple, type Simple } from './making.ts';
import { askHaproxy } from './persistence.ts';

/** What the API says of members that die, return, or are taken out. */
export function testHealth(at: () => Balancing): void {
  describe('the operating status', () => {
    const lab = () => at().lab;
    let made: Simple;

    const member = (index: number) => `/pools/${made.pool}/members/${made.members[index]}`;
    const pool = () => `/pools/${made.pool}`;
    const statuses = async (...paths: readonly string[]) =>
      Promise.all(paths.map(async (path) => (await made.read(path)).operating_status));
    const set = async (state: 'up' | 'down', ...indexes: readonly number[]) => {
      for (const [index, each] of lab().members.entries()) {
        if (indexes.includes(index)) await lab().setMember(each, state);
      }
    };
    /** All objects in the order of the lists below. */
    const all = async () =>
      statuses('', `/listeners/${made.listener}`, pool(), member(0), member(1));

    before(async () => {
      made = await makeSimple(at());
      await made.untilOperating(member(0), 'ONLINE');
      await made.untilOperating(member(1), 'ONLINE');
      await made.untilOperating('', 'ONLINE');
    });

    afterEach(() => set('up', 0, 1));
    after(() => made.remove());

    it('is ONLINE from the load balancer to its members while all is well', async () => {
      expect(await all()).to.deep.equal(['ONLINE', 'ONLINE', 'ONLINE', 'ONLINE', 'ONLINE']);
    });

    it('is ERROR for a member that dies, DEGRADED above it, and ONLINE for all when it is back', async () => {
      await set('down', 0);
      await made.untilOperating(member(0), 'ERROR');
      await made.untilOperating('', 'DEGRADED');
      expect(await all()).to.deep.equal(['DEGRADED', 'ONLINE', 'DEGRADED', 'ERROR', 'ONLINE']);
      expect(new Set(await membersOf(lab(), made.url(80), 4))).to.deep.equal(new Set(['member2']));
      await set('up', 0);
      await made.untilOperating('', 'ONLINE');
      expect(await all()).to.deep.equal(['ONLINE', 'ONLINE', 'ONLINE', 'ONLINE', 'ONLINE']);
    });

    it('is ERROR for pool and load balancer when all members are gone', async () => {
      await set('down', 0, 1);
      await made.untilOperating('', 'ERROR');
      expect(await all()).to.deep.equal(['ERROR', 'ONLINE', 'ERROR', 'ERROR', 'ERROR']);
      expect((await ask(lab(), made.url(80))).status).to.equal(503);
      await set('up', 0, 1);
      await made.untilOperating('', 'ONLINE');
      await untilServes(lab(), made);
    });

    it('is DRAINING for a member with weight 0, which haproxy learns without a reload', async () => {
      const [master] = await holders(at(), made.address);
      if (master === undefined) throw new Error('No node has the VIP.');
      const pid = async () =>
        /^Pid: (\d+)$/m.exec(await askHaproxy(master, made.id, 'show info'))?.[1];
      const before = await pid();
      await made.put(member(0), { weight: 0 });
      await made.untilOperating(member(0), 'DRAINING');
      expect(new Set(await membersOf(lab(), made.url(80), 4))).to.deep.equal(new Set(['member2']));
      await made.put(member(0), { weight: 1 });
      await made.untilOperating(member(0), 'ONLINE');
      expect(new Set(await membersOf(lab(), made.url(80), 4)).size).to.equal(2);
      expect(await pid()).to.equal(before);
    });

    it('is OFFLINE for a member that is disabled, which gets no requests', async () => {
      await made.put(member(0), { enabled: false });
      await made.untilOperating(member(0), 'OFFLINE');
      expect(new Set(await membersOf(lab(), made.url(80), 4))).to.deep.equal(new Set(['member2']));
      await made.put(member(0), { enabled: true });
      await made.untilOperating(member(0), 'ONLINE');
    });

    it('is NO_MONITOR for members of a pool without one', async () => {
      await made.delete(`${pool()}/healthmonitor`);
      await made.untilOperating(member(0), 'NO_MONITOR');
      await made.addMonitor(made.pool, { type: 'HTTP', url_path: '/health' });
      await made.untilOperating(member(0), 'ONLINE');
    });

    it('is OFFLINE for a disabled listener and for a disabled load balancer', async () => {
      const listener = `/listeners/${made.listener}`;
      await made.put(listener, { enabled: false });
      await made.untilOperating(listener, 'OFFLINE');
      await made.put(listener, { enabled: true });
      await made.untilOperating(listener, 'ONLINE');
      await made.put('', { enabled: false });
      await made.untilOperating('', 'OFFLINE');
      await made.put('', { enabled: true });
      await made.untilOperating('', 'ONLINE');
    });
  });
}
