import { down, type Lab } from '../lab/lab.ts';
import { progressOnStderr } from '../lab/progress.ts';
import { type Suite, suites } from '../lab/root.ts';
import { upWithPackage } from '../lab/with-package.ts';
import { describeAccess } from './access.ts';
import { describeAgents } from './agents.ts';
import { describeAlphorn } from './alphorn.ts';
import type { Bench } from './asking.ts';
import { describeAttack } from './attack.ts';
import { describeConstraints } from './constraints.ts';
import { describeCorosync } from './corosync.ts';
import { describeBuilding } from './building.ts';
import { describeChanges } from './changes.ts';
import { describeCharacters } from './characters.ts';
import { describeConfiguration } from './configuration.ts';
import { describeCves } from './cves.ts';
import { describeEditSequences } from './edit-sequences.ts';
import { describeEachRow } from './each-row.ts';
import { describeEdits } from './edits.ts';
import { describeAnswers } from './answers.ts';
import { describeFailover } from './failover.ts';
import { describeFailures } from './failures.ts';
import { describeFrozen } from './frozen.ts';
import { describeMoves } from './moves.ts';
import { describeOthersResources } from './others-resources.ts';
import { describeRefusals } from './refusals.ts';
import { describeFullDisk } from './full-disk.ts';
import { describeLargeInputs } from './large-inputs.ts';
import { describeFirstCluster } from './first-cluster.ts';
import { describeFreeze } from './freeze.ts';
import { describeHostBack } from './host-back.ts';
import { describePackage } from './package.ts';
import { describeRoutes } from './routes.ts';
import { describeSchemas } from './schemas.ts';
import { hasTurn, isFull, shareOf } from './share.ts';
import { describeStatus } from './status.ts';
import { describeStorm } from './storm.ts';
import { untilHealthy } from './client.ts';

const suite = (process.env['HA_TEST_SUITE'] ?? 'bookworm') as Suite;
if (!suites.includes(suite)) throw new Error(`HA_TEST_SUITE is one of ${suites.join(', ')}.`);

type Group = (bench: Bench, suite: Suite) => void;

const hardships: readonly Group[] = [
  describeFrozen,
  describeFullDisk,
  describeStorm,
  describeAttack,
  describeCves,
  describeLargeInputs,
  describeMoves,
  describeRefusals,
  describeAnswers,
];

/**
 * Groups that `npm test` runs on one Debian each, with a share of their cases, and on another Debian each day.
 * `npm run test:full` runs all of them on each Debian, with all cases.
 */
const groupsWithShares: readonly Group[] = [
  describeAlphorn,
  describeHostBack,
  describeConstraints,
  describeEditSequences,
  describeCharacters,
  describeFreeze,
  describeEachRow,
];

/** Groups that `npm test` runs on one Debian each, and on another Debian each day. They have no further cases. */
const groupsWithoutShares: readonly Group[] = [
  describeAgents,
  describeStatus,
  describeCorosync,
  describeConfiguration,
  describeAccess,
  describeChanges,
  describeOthersResources,
  describeFailures,
  describeFailover,
  describeEdits,
  describeSchemas,
];

describe(`On ${suite}, with the package in both nodes of the storage topology:`, () => {
  // With another name, two runs on one Debian can exist side by side.
  const name = process.env['HA_TEST_LAB'] ?? `test-${suite}`;
  let lab: Lab | undefined;
  let token = '';
  const bench = () => {
    if (lab === undefined) throw new Error('The lab is not up.');
    return { lab, token };
  };

  before(async function () {
    // A root may have to be built first.
    this.timeout(15 * 60 * 1000);
    lab = await upWithPackage(name, suite);
    // One token for both nodes, so that any of them can be asked.
    const [first, ...others] = lab.nodes;
    token =
      (await first?.run(['hactl', 'token', 'create', 'bench', '--role', 'admin']))?.trim() ?? '';
    const stored = '/var/lib/ha-agent/tokens/bench.json';
    const content = (await first?.run(['cat', stored])) ?? '';
    for (const node of others) {
      await node.run(['install', '-d', '-m', '700', '/var/lib/ha-agent/tokens']);
      await node.writeFile(stored, content, 0o600);
    }
    for (const node of lab.nodes) await untilHealthy(node);
  });

  after(() => down(name, progressOnStderr));

  const describeInTurn = (groups: readonly Group[]) => {
    groups.forEach((describeGroup, index) => {
      if (hasTurn(suite, index)) describeGroup(bench, suite);
    });
  };

  if (!isFull) {
    describeRoutes(bench);
    describeInTurn(groupsWithoutShares);
  }
  describeInTurn(groupsWithShares);
  for (const describeHardship of shareOf(hardships, 1, suite)) describeHardship(bench, suite);

  // The rest removes the cluster and then the package.
  if (hasTurn(suite, 2)) describeFirstCluster(bench);
  if (isFull) return;
  if (hasTurn(suite, 0)) describeBuilding(bench);
  describePackage(bench);
});
