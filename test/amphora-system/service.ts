import { expect } from 'chai';

import type { Driver, Step } from '../lab/amphora/driver.ts';
import { bringServiceUp } from '../lab/amphora/life-cycle.ts';
import type { Suite } from '../lab/root.ts';
import type { Certificates } from './balancer.ts';
import { makeCertificates, traffic, trafficBalancer } from './balancer.ts';
import type { Bench } from './bench.ts';
import { expectNoFailure, pullPorts, waitForService } from './bench.ts';
import { describeHeartbeats } from './heartbeats.ts';
import { leftOverIn } from './left-over.ts';
import { describeControllers } from './health/controllers.ts';
import { describeCounts } from './health/counts.ts';
import { describeJudged } from './health/judged.ts';
import { describeSums } from './health/sums.ts';
import { describeLvs } from './lvs.ts';
import { describePersistence } from './persistence.ts';
import { describeTls } from './tls.ts';
import { describeTraffic } from './traffic.ts';

/** A load balancer that a driver has brought up. */
export interface Service {
  driver: Driver;
  certificates: Certificates;
  /** What brought it up, as a step of the driver. */
  balancer: Step;
}

/**
 * A load balancer that the driver brings up with what each kind of traffic needs, as its clients see it.
 * @param changes how many adds and deletes of listeners are made
 */
export function describeService(bench: Bench, driverSuite: Suite, changes: number): void {
  describe('with a load balancer of all kinds of traffic', () => {
    let service: Service | undefined;
    const current = () => {
      if (service === undefined) throw new Error('The load balancer is not up.');
      return service;
    };

    before(async () => {
      const lab = bench();
      const driver = await lab.driver(driverSuite, { bodies: true });
      const certificates = await makeCertificates(lab);
      const balancer = await trafficBalancer(certificates);
      service = { driver, certificates, balancer };
      await bringServiceUp(lab, driver, { balancer });
      await waitForService(lab, traffic.listeners.http.port);
    });

    describeTraffic(bench);
    describeTls(bench, current);
    describeHeartbeats(bench, current);
    describeJudged(bench, current);
    describeControllers(bench, current);
    describeCounts(bench, current, changes);
    describeSums(bench, current);
    describePersistence(bench);
    describeLvs(bench, driverSuite);

    // Mocha runs the tests of a suite before those of the suites in it.
    describe('at its end', () => {
      it('leaves nothing when it is deleted', async () => {
        const lab = bench();
        const { driver } = current();
        await driver.play({ do: 'stop_vrrp_service' });
        for (const { id } of Object.values(traffic.listeners)) {
          await driver.play({ do: 'delete', listener: id });
        }
        await driver.close();
        service = undefined;
        expectNoFailure(driver);
        expect(await leftOverIn(lab)).to.deep.equal([]);
        await pullPorts(lab);
      });
    });

    after(async () => {
      await service?.driver.close();
    });
  });
}
