// Compares what clients and haproxy have counted with the sum of the heartbeats, as Octavia's own code adds them up:
//   npm run amphora:sums -- --suite bookworm --minutes 30 [--kinds calm,reloads] [--fresh]
// It goes on where an interrupted run stopped. It fails if more is lost than may be.
import { Command, Option } from 'commander';

import { startHealthManager } from '../../amphora-system/health/manager.ts';
import { bringServiceUp, ids, listenerPorts, loadBalancer } from '../../lab/amphora/life-cycle.ts';
import { progressOnStderr, step } from '../../lab/progress.ts';
import { type Suite, suites } from '../../lab/root.ts';
import { waitForService } from '../../amphora-system/bench.ts';
import { withAmphorae } from '../lab.ts';
import { openTries } from '../tries.ts';
import { problemsOf, sumsReport } from './report.ts';
import { playRound, type RoundKind, roundKinds, type RoundResult } from './rounds.ts';

interface Options {
  suite: Suite;
  driver: Suite;
  minutes: string;
  kinds: string;
  fresh?: boolean;
}

const options = new Command('npm run amphora:sums --')
  .addOption(new Option('--suite <suite>').choices(suites).default('bookworm'))
  .addOption(new Option('--driver <suite>').choices(suites).default('bookworm'))
  .option('--minutes <count>', 'of traffic', '30')
  .option('--kinds <names>', 'which rounds', roundKinds.join(','))
  .option('--fresh', 'do not go on with an interrupted run')
  .parse()
  .opts<Options>();

const kinds = roundKinds.filter((kind) => options.kinds.split(',').includes(kind));
const maxRoundSeconds = 100;
const seconds = Number(options.minutes) * 60;
const roundsOfEach = Math.ceil(seconds / kinds.length / maxRoundSeconds);
const roundSeconds = Math.round(seconds / kinds.length / roundsOfEach);

const tries = await openTries<RoundResult>(`amphora-sums-${options.suite}`, options.fresh === true);

/** The rounds that are still to be played. */
function left(): RoundKind[] {
  return kinds.flatMap((kind) => {
    const done = tries.done.filter((round) => round.kind === kind).length;
    return Array.from({ length: Math.max(0, roundsOfEach - done) }, () => kind);
  });
}

if (left().length > 0) {
  await withAmphorae(`sums-${options.suite}`, options.suite, async (lab) => {
    const driver = await lab.driver(options.driver);
    await step(progressOnStderr, 'The driver sets up the load balancer', () =>
      bringServiceUp(lab, driver, { tls: false }),
    );
    await waitForService(lab, listenerPorts.http);
    const health = await startHealthManager(lab, driver);
    await health.define();
    const parts = {
      ...{ lab, driver, health, balancer: await loadBalancer(), lb: ids.lb },
      tcp: { id: ids.tcp, port: listenerPorts.tcp },
      http: { id: ids.http, port: listenerPorts.http },
    };
    for (const kind of left()) {
      await step(progressOnStderr, `${roundSeconds} s of ${kind}`, async () => {
        const round = await playRound(parts, kind, roundSeconds);
        await tries.add(round);
        const { events, counted, tcp, http } = round;
        progressOnStderr(`  ${JSON.stringify({ events, counted, tcp, http })}`);
        for (const problem of problemsOf(round)) progressOnStderr(`  ${problem}`);
      });
    }
    await driver.close();
  });
}

const { text, areHeld } = sumsReport(options.suite, tries.done);
console.log(text);
if (areHeld) await tries.forget();
else process.exitCode = 1;
