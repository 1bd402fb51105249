import { expect } from 'chai';

import { bringServiceUp, changeAndRemove, listenerPorts } from '../lab/amphora/life-cycle.ts';
import type { LifeCycleOptions } from '../lab/amphora/life-cycle.ts';
import type { Suite } from '../lab/root.ts';
import type { Bench } from './bench.ts';
import { askEcho, expectNoFailure, pullPorts, waitForService } from './bench.ts';
import { leftOverIn } from './left-over.ts';
import { useOldestCertificates } from './oldest-certificates.ts';

/** The versions that the driver of a Debian has a client for; v0.1 is spoken by the client of 0.5. */
export const versionsOf = (driver: Suite): readonly ('1.0' | '0.5' | 'v0.1')[] =>
  driver === 'trixie' ? ['1.0'] : ['1.0', '0.5', 'v0.1'];

/** The whole life of a load balancer, once for each version of the API that the driver speaks. */
export function describeLifeCycles(bench: Bench, driverSuite: Suite): void {
  for (const version of versionsOf(driverSuite)) {
    it(`has its whole life cycle by ${version}: no call fails or is repeated, and nothing is left`, async () => {
      const lab = bench();
      const driver = await lab.driver(driverSuite, { bodies: true });
      const options: LifeCycleOptions = {
        tls: version !== 'v0.1',
        ...(version !== '1.0' && { version }),
      };
      await bringServiceUp(lab, driver, options);
      await waitForService(lab, listenerPorts.http);
      expect(await askEcho(lab, listenerPorts.tcp, 'one line')).to.include('one line');
      if (version === 'v0.1') await useOldestCertificates(lab, driver);
      await changeAndRemove(lab, driver, options);
      await driver.close();
      expectNoFailure(driver);
      const paths = driver.history.flatMap(({ exchanges }) => exchanges.map(({ path }) => path));
      const prefix = version === 'v0.1' ? '/v0.1/' : `/${version}/`;
      expect(paths.filter((path) => !path.startsWith(prefix) && !/^\/+$/.test(path))).to.deep.equal(
        [],
      );
      expect(await leftOverIn(lab)).to.deep.equal([]);
      await pullPorts(lab);
      expect(await leftOverIn(lab)).to.deep.equal([]);
    });
  }
}
