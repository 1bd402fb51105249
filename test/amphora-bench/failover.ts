// Measures how long a pair of amphorae serves nobody after an outage, and who has the VIP:
//   npm run amphora:failover -- --suite bookworm --tries 10 [--outages power,network] [--stateless 2] [--fresh]
// It goes on where an interrupted run stopped. It fails if a bar is missed or the VIP is on a wrong host.
import { Command, Option } from 'commander';

import { bringServiceUp, loadBalancer } from '../lab/amphora/life-cycle.ts';
import type { AmphoraLab } from '../lab/amphora/lab.ts';
import { tenant } from '../lab/amphora/networks.ts';
import { progressOnStderr, step } from '../lab/progress.ts';
import { type Suite, suites } from '../lab/root.ts';
import { withAmphorae } from './lab.ts';
import { type TryResult, tryOnce } from './one-try.ts';
import { type Outage, outages } from './outages.ts';
import { type Pair, pairOf } from './pair.ts';
import { failoverReport } from './report.ts';
import { openTries, type Tries } from './tries.ts';

/** A try counts only if the machine did not stand still for longer than this while there was no service. */
const maxLateMs = 50;

/** Repeats of one outage, so that a busy machine does not hold the command up for ever. */
const maxRepeats = (tries: number): number => 2 * tries;

interface Options {
  suite: Suite;
  tries: string;
  stateless: string;
  outages: string;
  fresh?: boolean;
}

const options = new Command('npm run amphora:failover --')
  .addOption(new Option('--suite <suite>').choices(suites).default('bookworm'))
  .option('--tries <count>', 'of each outage', '10')
  .option('--stateless <count>', 'tries with a configuration without `state`', '2')
  .option('--outages <names>', 'which', outages.map(({ name }) => name).join(','))
  .option('--fresh', 'do not go on with an interrupted run')
  .parse()
  .opts<Options>();

const asked = outages.filter(({ name }) => options.outages.split(',').includes(name));

/** The driver of Debian 13 writes no `state` into keepalived's configuration, and those before it write `MASTER`. */
const statelessDriver: Suite = 'trixie';

interface Round {
  driver: Suite;
  outages: readonly Outage[];
  tries: number;
}

async function measure(
  lab: AmphoraLab,
  pair: Pair,
  tries: Tries<TryResult>,
  { driver, outages: wanted, tries: count }: Round,
): Promise<void> {
  for (const outage of wanted) {
    const found = () =>
      tries.done.filter((each) => each.outage === outage.name && each.driver === driver);
    const good = () => found().filter(({ lateMs }) => lateMs <= maxLateMs);
    while (good().length < count && found().length < count + maxRepeats(count)) {
      const title = `${outage.title} (${found().length + 1})`;
      await step(progressOnStderr, title, async () => {
        const result = await tryOnce(lab, pair, { outage, driver });
        await tries.add(result);
        progressOnStderr(
          `  ${result.downMs.toFixed(0)} ms, ${result.failed} of ${result.requests} failed, late ${result.lateMs.toFixed(0)} ms ${result.problems.join('; ')}`,
        );
      });
    }
  }
}

/** Lets another driver write the configuration of keepalived on both hosts. */
async function configureBy(lab: AmphoraLab, suite: Suite): Promise<void> {
  const driver = await lab.driver(suite);
  try {
    await driver.play(await loadBalancer());
    const subnet = { cidr: tenant.vip.cidr, gateway_ip: tenant.vip.gateway };
    for (const amphora of lab.nodes.keys()) {
      await driver.play({ do: 'get_info', amphora });
      await driver.play({ do: 'get_interface_from_ip', amphora });
      await driver.play({ do: 'update_vrrp_conf', subnet, amphora });
    }
    await driver.play({ do: 'reload_vrrp_service' });
  } finally {
    await driver.close();
  }
}

const tries = await openTries<TryResult>(
  `amphora-failover-${options.suite}`,
  options.fresh === true,
);

await withAmphorae(`failover-${options.suite}`, options.suite, async (lab) => {
  const driver = await lab.driver(options.suite);
  await step(progressOnStderr, 'The driver sets up the load balancer', () =>
    bringServiceUp(lab, driver, { tls: false }),
  );
  await driver.close();
  const pair = pairOf(lab);
  const count = Number(options.tries);
  await measure(lab, pair, tries, { driver: options.suite, outages: asked, tries: count });
  const moving = asked.filter(({ movesVip }) => movesVip);
  if (options.suite !== statelessDriver && Number(options.stateless) > 0) {
    await configureBy(lab, statelessDriver);
    const stateless = {
      driver: statelessDriver,
      outages: moving,
      tries: Number(options.stateless),
    };
    await measure(lab, pair, tries, stateless);
  }
});

const { text, areHeld } = failoverReport(options.suite, tries.done, maxLateMs);
console.log(text);
if (areHeld) await tries.forget();
else process.exitCode = 1;
