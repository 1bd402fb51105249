import { join } from 'node:path';

import { openTokenStore } from '../../access/tokens.ts';
import { receiverLimits } from '../../alphorn/receiving/receiver.ts';
import { type LiferaftStore, openStore } from '../../alphorn/receiving/store.ts';
import { type AuditLog, openAuditLog } from '../../changes/audit/audit.ts';
import {
  type FindStoppedDaemons,
  makeFindStoppedDaemons,
  namingStoppedDaemons,
} from '../../cluster/daemons.ts';
import type { Run } from '../../kit/exec.ts';
import type { Host } from '../../kit/host.ts';
import type { Config } from './config.ts';
import { debianPaths, type Paths } from './paths.ts';

// The agent and `hactl` share these stores, so they see the same host and open the same files.

/** This node. */
export function makeHost(
  config: Config,
  run: Run,
  paths: Paths = debianPaths,
  findStoppedDaemons: FindStoppedDaemons = makeFindStoppedDaemons(),
): Host<Paths> {
  return {
    run: namingStoppedDaemons(run, findStoppedDaemons),
    paths,
    readDeadlineMs: config.read_deadline_seconds * 1000,
    changeDeadlineMs: config.change_deadline_seconds * 1000,
  };
}

export function tokenFolder(config: Config): string {
  return join(config.state_directory, 'tokens');
}

/** The tokens of this node. */
export function makeTokenStore(config: Config): ReturnType<typeof openTokenStore> {
  return openTokenStore(tokenFolder(config));
}

/** The liferafts of other hosts that are on this node. */
export function makeLiferaftStore(config: Config, paths: Paths = debianPaths): LiferaftStore {
  return openStore(paths.alphorn.liferafts, receiverLimits(config));
}

/** The audit log of this node. */
export function makeAuditLog(config: Config, writer: 'agent' | 'other'): AuditLog {
  const { audit_max_bytes: maxBytes, audit_keep_files: keepFiles } = config;
  return openAuditLog(join(config.state_directory, 'audit.jsonl'), { maxBytes, keepFiles }, writer);
}
