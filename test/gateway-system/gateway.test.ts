// Groups of virtual addresses on three real hosts, one of which has the controller. HA_GATEWAY_SUITES names the Debian of
// each host, such as `bookworm,bullseye,trixie`.
import { builtPackage } from '../lab/built-package.ts';
import { type GatewayLab, upGatewayHosts } from '../lab/gateway/lab.ts';
import { down } from '../lab/lab.ts';
import { progressOnStderr } from '../lab/progress.ts';
import { suitesOf } from '../lab/root.ts';
import { type Gateway, setUpGateway } from './bench.ts';
import { testDamage } from './damage.ts';
import { testHostKeepalived } from './host-keepalived.ts';
import { testLife } from './life.ts';
import { testRenewal } from './renewal.ts';
import { testStores } from './stores.ts';
import { testUpgrade } from './upgrade.ts';

const suites = suitesOf(process.env['HA_GATEWAY_SUITES'] ?? 'bookworm,bullseye,trixie');
const name = 'gateway';

describe(`groups of virtual addresses on ${suites.join(', ')}`, () => {
  let lab: GatewayLab | undefined;
  let gateway: Gateway;

  before(async function () {
    // A root may have to be built first.
    this.timeout(25 * 60 * 1000);
    await down(name, progressOnStderr);
    lab = await upGatewayHosts({
      name,
      suites,
      package: await builtPackage(),
      progress: progressOnStderr,
    });
    gateway = await setUpGateway(lab);
  });

  afterEach(async function () {
    if (this.currentTest?.state !== 'failed' || lab === undefined) return;
    for (const node of lab.nodes) {
      const units = ['ha-controller', 'ha-amphora', 'ha-keepalived'].map(
        (unit) => `--unit=${unit}`,
      );
      const how = ['--no-pager', '--lines=15', '--output=cat'];
      const { stdout } = await node.exec(['journalctl', ...how, ...units]);
      console.error(`The journal of ${node.name}:\n${stdout}`);
    }
  });

  after(async function () {
    this.timeout(5 * 60 * 1000);
    await lab?.down();
  });

  testLife(() => gateway);
  testRenewal(() => gateway);
  testDamage(() => gateway);
  testHostKeepalived(() => gateway);
  testStores(() => gateway);
  testUpgrade(() => gateway);
});
