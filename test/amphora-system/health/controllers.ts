import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import type { AmphoraNode } from '../../lab/amphora/lab.ts';
import { waitUntil } from '../../lab/wait.ts';
import type { Bench } from '../bench.ts';
import type { Service } from '../service.ts';
import {
  configureBeats,
  defaultPort,
  type HealthManager,
  type Judged,
  startHealthManager,
} from './manager.ts';
import { many } from './specs.ts';

const ports = [defaultPort, defaultPort + 1, defaultPort + 2] as const;

/** To whom the first amphora sends heartbeats, when it sends none, and what it says about that. */
export function describeControllers(bench: Bench, service: () => Service): void {
  describe('heartbeats of one amphora to several controllers', () => {
    let health: HealthManager | undefined;
    const manager = (): HealthManager => {
      if (health === undefined) throw new Error('The health manager does not run.');
      return health;
    };
    const first = (): AmphoraNode => {
      const [node] = bench().nodes;
      if (node === undefined) throw new Error('There is no node.');
      return node;
    };
    const own = (beats: readonly Judged[]) => beats.filter(({ from }) => from === first().address);
    /** Configures the agent of the first amphora. */
    const configure = (wish: Parameters<typeof configureBeats>[3] = {}) =>
      configureBeats(bench(), service().driver, 0, wish);

    before(async () => {
      health = await startHealthManager(bench(), service().driver, ports);
      await health.define();
    });
    after(async () => {
      await health?.close();
      await configure();
    });

    it('go to each in turn, and go on when one of three is gone', async () => {
      await configure({ ports, intervalSeconds: 1 });
      const all = await ownOf(6);
      for (const beat of all) expect(beat).to.deep.include({ isAlive: true, warnings: [] });
      for (const [index, { port }] of all.entries()) {
        const before = all[index - 1]?.port;
        if (before !== undefined) expect(port).to.equal(followerOf(before));
      }
      await service().driver.play({ do: 'lose_controller', port: ports[1] });
      const rest = await ownOf(6);
      for (const [index, { port, seq }] of rest.entries()) {
        const before = rest[index - 1];
        if (before === undefined) continue;
        expect(port).to.equal(before.port === ports[0] ? ports[2] : ports[0]);
        // What the lost controller would have got
        const step = before.port === ports[0] ? 2 : 1;
        expect(seq).to.equal((before.seq ?? NaN) + step);
      }
      await health?.close();
      health = await startHealthManager(bench(), service().driver, ports);
      await health.define();
    });

    it('have another key and another receiver from the next one on', async () => {
      await configure({ ports: [ports[0]], intervalSeconds: 1 });
      await ownOf(2);
      await service().driver.play({ do: 'forget_heartbeats' });
      const { end } = await configure({ ports: [ports[1]], key: 'a new key', intervalSeconds: 1 });
      await sleep(4000);
      manager().useKey('a new key');
      const later = own(await manager().taken()).filter(({ at }) => at > end);
      expect(later.length).to.be.at.least(2);
      for (const beat of later) {
        expect(beat).to.include({ port: ports[1], amphora: first().id, isAlive: true });
      }
      manager().useKey(bench().heartbeatKey);
      await configure({ intervalSeconds: 1 });
      await ownOf(1);
    });

    it('stop while keepalived is dead, which the status says', async () => {
      await first().run(['systemctl', 'stop', 'amphora-keepalived']);
      await statusSays((heartbeat) => heartbeat?.error?.includes('keepalived') === true);
      await service().driver.play({ do: 'forget_heartbeats' });
      await sleep(7000);
      const found = await manager().taken();
      expect(own(found)).to.deep.equal([]);
      expect(found.length, 'those of the other amphora').to.be.at.least(1);
      await first().run(['systemctl', 'start', 'amphora-keepalived']);
      await ownOf(1);
      await statusSays((heartbeat) => heartbeat?.error === null);
    });

    it('are shown in the status, with the time and the receiver', async () => {
      const [beat] = await ownOf(1);
      await statusSays((heartbeat) => {
        const at = Date.parse(heartbeat?.at ?? '') / 1000;
        const to = `${bench().controller}:${defaultPort}`;
        return heartbeat?.to === to && heartbeat.error === null && at >= (beat?.at ?? NaN) - 1;
      });
    });

    it('fit with 500 listeners of two members, and with too many are not sent, which is said', async () => {
      const { driver, balancer } = service();
      const apply = async (count: number) => {
        await driver.play(many(balancer, count));
        await driver.play({ do: 'update_amphora_listeners', amphora: 0 });
        await manager().define();
      };
      await apply(500);
      const [beat] = await ownOf(1);
      expect(beat).to.deep.include({ isAlive: true, warnings: [] });
      expect(beat?.listeners).to.have.length(500);
      expect(beat?.bytes).to.be.above(40_000);

      const since = new Date();
      await apply(700);
      await statusSays((heartbeat) => heartbeat?.error?.includes('does not fit') === true);
      await service().driver.play({ do: 'forget_heartbeats' });
      await sleep(4000);
      expect(own(await manager().taken())).to.deep.equal([]);
      const journal = await first().run([
        ...(['journalctl', '--no-pager', '--output=cat', '--unit=ha-amphora'] as const),
        `--since=@${Math.floor(since.getTime() / 1000)}`,
      ]);
      expect(journal).to.include('does not fit into a datagram');

      await driver.play(balancer);
      await driver.play({ do: 'update_amphora_listeners', amphora: 0 });
      await manager().define();
      const [after] = await ownOf(1);
      expect(after?.isAlive).to.equal(true);
      await statusSays((heartbeat) => heartbeat?.error === null);
    });

    /** The next heartbeats of the first amphora. */
    async function ownOf(count: number): Promise<Judged[]> {
      await service().driver.play({ do: 'forget_heartbeats' });
      const found: Judged[] = [];
      await waitUntil(`${count} heartbeats`, async () => {
        found.push(...own(await manager().taken()));
        return found.length >= count;
      });
      return found.toSorted((a, b) => a.at - b.at);
    }

    async function statusSays(isSo: (heartbeat: ShownBeat | null) => boolean): Promise<void> {
      await waitUntil('the status to say so', async () => {
        const { stdout } = await first().exec(['hactl', 'amphora', 'status', '--output', 'json']);
        return isSo((JSON.parse(stdout) as { heartbeat: ShownBeat | null }).heartbeat);
      });
    }
  });
}

interface ShownBeat {
  at: string | null;
  to: string | null;
  error: string | null;
}

const followerOf = (port: number): number | undefined =>
  ports[(ports.findIndex((each) => each === port) + 1) % ports.length];
