import { join } from 'node:path';

import type { Registry } from 'prom-client';

import type { AuditLog } from '../../changes/audit/audit.ts';
import { makeConfirmations } from '../../changes/confirmations.ts';
import { openRepeatedAnswers } from '../../changes/idempotency/repeated-answers.ts';
import { addLockMetrics, makeLock } from '../../changes/lock.ts';
import { type ChangePipeline, makeChangePipeline } from '../../changes/pipeline.ts';
import { type FindStoppedDaemons, makeFindStoppedDaemons } from '../../cluster/daemons.ts';
import type { Run, StartResident } from '../../kit/exec.ts';
import type { Host } from '../../kit/host.ts';
import type { Log } from '../../kit/log.ts';
import { measureRun } from '../../kit/measured-run.ts';
import { type KnownSecrets, makeKnownSecrets } from '../../kit/secrets/known-secrets.ts';
import type { ChangeDomain } from '../../routes/common/change.ts';
import { answerForm } from '../../routes/common/stored-answer.ts';
import { makeProblems } from '../../server/problem.ts';
import type { Config } from './config.ts';
import { faults } from './faults.ts';
import { debianPaths, type Paths } from './paths.ts';
import { makeAuditLog, makeHost } from './stores.ts';

/** The parts in which a test differs from a real node. */
export interface Surroundings {
  paths?: Paths;
  secrets?: KnownSecrets;
  findStoppedDaemons?: FindStoppedDaemons;
  /** Where ha-amphora answers. */
  amphoraSocket?: string;
}

/** The parts from which the agent makes its families. */
export interface Kit extends ChangeDomain {
  host: Host<Paths>;
  startResident: StartResident;
  findStoppedDaemons: FindStoppedDaemons;
  log: Log;
  audit: AuditLog;
  changes: ChangePipeline;
  /** A family adds its metrics to this registry. */
  registry: Registry;
}

export function makeKit(
  config: Config,
  { run, startResident, log }: { run: Run; startResident: StartResident; log: Log },
  registry: Registry,
  {
    paths = debianPaths,
    secrets = makeKnownSecrets(),
    findStoppedDaemons = makeFindStoppedDaemons(),
  }: Surroundings,
): Kit {
  const host = makeHost(config, measureRun(run, registry), paths, findStoppedDaemons);
  const audit = makeAuditLog(config, 'agent');
  const lock = makeLock();
  addLockMetrics(registry, lock);
  const { changeDeadlineMs } = host;
  return {
    host,
    startResident,
    findStoppedDaemons,
    log,
    secrets,
    audit,
    registry,
    changes: makeChangePipeline({ lock, audit, secrets, run: host.run, changeDeadlineMs }),
    confirmations: makeConfirmations(config.require_confirmation),
    repeatedAnswers: openRepeatedAnswers(join(config.state_directory, 'answers'), answerForm),
    problems: makeProblems(faults, secrets),
  };
}
