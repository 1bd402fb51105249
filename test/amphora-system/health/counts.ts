import { expect } from 'chai';

import { traffic } from '../balancer.ts';
import type { Bench } from '../bench.ts';
import type { Service } from '../service.ts';
import { configureBeats, type HealthManager, type Judged, startHealthManager } from './manager.ts';
import { manyListener, withExtra } from './specs.ts';

/** A time in which the listeners changed. Both sets are right in it. */
interface Change {
  begin: number;
  end: number;
  before: readonly string[];
  after: readonly string[];
}

const maxExtra = 5;

/** Adds and deletes listeners of the first amphora, with a heartbeat each second, and judges each heartbeat. */
export function describeCounts(bench: Bench, service: () => Service, count: number): void {
  describe('its health manager, with a heartbeat each second', () => {
    let health: HealthManager | undefined;

    before(async () => {
      health = await startHealthManager(bench(), service().driver);
      await configureBeats(bench(), service().driver, 0, { intervalSeconds: 1 });
    });
    after(async () => {
      await health?.close();
      await configureBeats(bench(), service().driver, 0);
    });

    it(`gets the right listeners at each moment of ${count} adds and deletes`, async function () {
      this.timeout(1000 * (300 + 60 * count));
      const { driver, balancer } = service();
      const manager = health;
      if (manager === undefined) throw new Error('The health manager does not run.');
      await driver.play({ do: 'forget_heartbeats' });
      const base = Object.values(traffic.listeners).map(({ id }) => id);
      let extra: number[] = [];
      const listeners = () => [...base, ...extra.map(manyListener)].sort();
      const changes: Change[] = [];
      for (let index = 0; index < count; index += 1) {
        const before = listeners();
        const [oldest] = extra;
        // It grows to the limit, shrinks to nothing, and grows again.
        const isAdd = oldest === undefined || Math.floor(index / maxExtra) % 2 === 0;
        if (isAdd) extra = [...extra, index];
        await driver.play(withExtra(balancer, extra));
        await manager.define('PENDING_UPDATE');
        const step = isAdd
          ? await driver.play({ do: 'update_amphora_listeners', amphora: 0 })
          : await driver.play({ do: 'delete', listener: manyListener(oldest) });
        if (!isAdd) extra = extra.slice(1);
        await manager.define();
        const end = step.began + step.ms / 1000;
        changes.push({ begin: step.began, end, before, after: listeners() });
      }
      const id = bench().nodes[0]?.id;
      const found = (await manager.taken()).filter(({ amphora }) => amphora === id);
      expect(found.length).to.be.at.least(count / 2);
      expect(found.flatMap((beat) => faultsOf(beat, changes))).to.deep.equal([]);
    });
  });
}

function faultsOf(beat: Judged, changes: readonly Change[]): string[] {
  const last = changes.findLast(({ begin }) => begin <= beat.at);
  const first = changes[0];
  if (first === undefined) throw new Error('Nothing has changed.');
  const isDuring = last !== undefined && beat.at <= last.end;
  const right = isDuring ? [last.before, last.after] : [last?.after ?? first.before];
  const listeners = beat.listeners.toSorted().join();
  const faults: string[] = [];
  const when = `${beat.at - first.begin} s, ${isDuring ? 'during' : 'after'} a change`;
  if (!right.some((each) => each.join() === listeners)) {
    faults.push(`${when}: ${beat.listeners.length} listeners`);
  }
  if (!isDuring && !beat.isAlive) faults.push(`${when}: ${beat.warnings.join()}`);
  const errors = beat.updates.filter(([, , state]) => state === 'ERROR');
  if (errors.length > 0) faults.push(`${when}: ${JSON.stringify(errors)}`);
  return faults;
}
