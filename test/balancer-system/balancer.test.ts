// Load balancers on three real hosts, one of which has the controller. HA_BALANCER_SUITES names the Debian of each host, such
// as `bookworm,bullseye,trixie`.
import { builtPackage } from '../lab/built-package.ts';
import { type BalancerLab, upBalancerHosts } from '../lab/balancer/lab.ts';
import { down } from '../lab/lab.ts';
import { progressOnStderr } from '../lab/progress.ts';
import type { Suite } from '../lab/root.ts';
import { type Balancing, setUpBalancing } from './bench.ts';
import { testHealth } from './health.ts';
import { testL7 } from './l7.ts';
import { printJournals } from './journals.ts';
import { testLost } from './lost.ts';
import { testMonitors } from './monitors.ts';
import { testPersistence } from './persistence.ts';
import { testStatistics } from './statistics.ts';
import { testTls } from './tls.ts';
import { testTraffic } from './traffic.ts';
import { testUpgrade } from './upgrade.ts';

const suites = (process.env['HA_BALANCER_SUITES'] ?? 'bookworm,bookworm,bookworm').split(',');
const name = 'balancer';

describe(`load balancers on ${suites.join(', ')}`, () => {
  let lab: BalancerLab | undefined;
  let balancing: Balancing;
  const at = () => balancing;

  before(async function () {
    // A root may have to be built first.
    this.timeout(25 * 60 * 1000);
    await down(name, progressOnStderr);
    lab = await upBalancerHosts({
      name,
      suites: suites as Suite[],
      package: await builtPackage(),
      progress: progressOnStderr,
    });
    balancing = await setUpBalancing(lab);
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await printJournals(lab);
  });

  after(async function () {
    this.timeout(5 * 60 * 1000);
    await lab?.down();
  });

  testTraffic(at);
  testTls(at);
  testL7(at);
  testMonitors(at);
  testHealth(at);
  testStatistics(at);
  testPersistence(at);
  testLost(at);
  testUpgrade(at);
});
