import { bringServiceUp, changeAndRemove, listenerPorts } from '../../lab/amphora/life-cycle.ts';
import type { Driver } from '../../lab/amphora/driver.ts';
import type { Suite } from '../../lab/root.ts';
import type { Bench } from '../bench.ts';
import { pullPorts, waitForService } from '../bench.ts';
import { describeClients } from './clients.ts';
import { describeHostile } from './hostile.ts';
import { describeRotation } from './rotation.ts';

/** What an attacker tries, while a load balancer serves. */
export function describeSecurity(bench: Bench, drivers: readonly Suite[]): void {
  const [first = 'bookworm'] = drivers;
  describe('under attack', () => {
    let driver: Driver | undefined;
    const current = () => {
      if (driver === undefined) throw new Error('The load balancer is not up.');
      return driver;
    };

    before(async () => {
      await pullPorts(bench());
      driver = await bench().driver(first, { bodies: true });
      await bringServiceUp(bench(), driver);
      await waitForService(bench(), listenerPorts.http);
    });

    describeClients(bench);
    describeRotation(bench, drivers);
    describeHostile(bench, current);

    after(async function () {
      this.timeout(120_000);
      if (driver === undefined) return;
      await changeAndRemove(bench(), driver, { mode: 'attempt' });
      await driver.close();
      await pullPorts(bench());
    });
  });
}
