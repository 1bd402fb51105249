import { upAmphorae, type AmphoraLab } from '../lab/amphora/lab.ts';
import { builtPackage } from '../lab/built-package.ts';
import { down } from '../lab/lab.ts';
import { progressOnStderr } from '../lab/progress.ts';
import { type Suite, suites } from '../lab/root.ts';
import { pullPorts } from './bench.ts';
import { describeVersion1 } from './health/version-1.ts';
import { describeLifeCycles, versionsOf } from './life-cycles.ts';
import { describeSecurity } from './security/security.ts';
import { describeService } from './service.ts';
import { describeUpgrade } from './upgrade.ts';

const known = (value: string): Suite => {
  const found = suites.find((each) => each === value);
  if (found === undefined) throw new Error(`A Debian is one of ${suites.join(', ')}.`);
  return found;
};
const suite = known(process.env['HA_AMPHORA_SUITE'] ?? 'bookworm');
const drivers = (process.env['HA_AMPHORA_DRIVERS'] ?? 'bookworm').split(',').map(known);

describe(`On two amphorae of ${suite}, with the package in both:`, () => {
  // With another name, two runs can exist side by side.
  const name = process.env['HA_AMPHORA_LAB'] ?? `amphora-${suite}`;
  let lab: AmphoraLab | undefined;
  const bench = () => {
    if (lab === undefined) throw new Error('The lab is not up.');
    return lab;
  };

  before(async function () {
    // A root may have to be built first.
    this.timeout(25 * 60 * 1000);
    await down(name, progressOnStderr);
    lab = await upAmphorae({
      name,
      suite,
      nodes: 2,
      agent: 'ours',
      package: await builtPackage(),
      progress: progressOnStderr,
    });
  });

  afterEach(async function () {
    if (this.currentTest?.state !== 'failed' || lab === undefined) return;
    for (const node of lab.nodes) {
      const { stdout } = await node.exec([
        ...(['journalctl', '--no-pager', '--lines=15', '--output=cat'] as const),
        ...['--unit=ha-amphora', '--unit=amphora-keepalived', '--unit=amphora-haproxy@*'],
      ]);
      console.error(`The journal of ${node.name}:\n${stdout}`);
    }
  });

  after(async function () {
    this.timeout(5 * 60 * 1000);
    await lab?.down();
  });

  for (const driver of drivers) {
    describe(`python3-octavia of ${driver}`, () => {
      before(() => pullPorts(bench()));
      describeLifeCycles(bench, driver);
      // In full where the rest is in full, and a tenth elsewhere
      const changes = suite === 'bookworm' && driver === 'bookworm' ? 100 : 10;
      describeService(bench, driver, changes);
      if (versionsOf(driver).includes('0.5')) describeVersion1(bench, driver);
    });
  }
  const [firstDriver = 'bookworm'] = drivers;
  describeSecurity(bench, drivers);
  describeUpgrade(bench, firstDriver);
});
