import { stat } from 'node:fs/promises';

import type { ChangePipeline } from '../../../changes/pipeline.ts';
import { checkKeepalivedConfig } from '../../../keepalived/check.ts';
import { makeKeepalivedProcess } from '../../../keepalived/state.ts';
import { readKeepalivedVersion } from '../../../keepalived/version.ts';
import type { StartResident } from '../../../kit/exec.ts';
import { cacheEachByStamp } from '../../../kit/files/cached-by-stamp.ts';
import { ifThere, removeFile } from '../../../kit/files/files.ts';
import type { Host } from '../../../kit/host.ts';
import type { Log } from '../../../kit/log.ts';
import { memoryFolder } from '../../../kit/paths.ts';
import type { KnownSecrets } from '../../../kit/secrets/known-secrets.ts';
import type { NodeConfig } from '../../../node/config.ts';
import { makeNodeCredentials, type NodeIdentity } from '../../../node/credentials.ts';
import { makeNode, type Node } from '../../../node/make.ts';
import type { NodePaths } from '../../../node/paths.ts';
import { makeNodeService } from '../../../node/host/service.ts';
import { makeSurroundings } from '../../../node/host/surroundings.ts';
import { nodeFamily } from '../../../routes/node/index.ts';
import { nodeLocalFamily } from '../../../routes/node/local.ts';
import type { Family } from '../../../server/table/family.ts';
import { faults } from '../faults.ts';

export interface NodeWiring {
  config: NodeConfig;
  host: Host<NodePaths>;
  startResident: StartResident;
  changes: ChangePipeline;
  log: Log;
  secrets: KnownSecrets;
  /** Uses another identity for the next connections. */
  onIdentity: (identity: NodeIdentity) => void;
  /** Ends the service, because this host is no node any more. */
  onLeft: () => void;
}

/** The node part of this host, without its listeners. */
export interface WiredNode {
  node: Node;
  /** For the controller, by client certificate. */
  family: Family;
  /** For root, by the Unix socket. */
  localFamily: Family;
}

const program = '/usr/sbin/keepalived';
/** The answer to the request is sent before the service ends. */
const farewellMs = 500;

/** Faults: `no_space` */
export async function makeWiredNode(wiring: NodeWiring): Promise<WiredNode> {
  const { config, host, startResident, changes, log, secrets } = wiring;
  const { paths, run } = host;
  const credentials = makeNodeCredentials(run, paths);
  const version = cacheEachByStamp(stampOf, () => readKeepalivedVersion(run), 1);
  const node = await makeNode({
    name: config.name,
    isIncluding: config.include_keepalived,
    host,
    startResident,
    keepalived: makeKeepalivedProcess({ pidFile: paths.pidFile, dump: paths.dump }),
    service: makeNodeService(host),
    check: (file) => checkKeepalivedConfig({ run, memory: memoryFolder, inNamespace: [] }, file),
    version: () => version(program),
    surroundings: makeSurroundings(run, log, config.include_keepalived),
    credentials,
    onIdentity: wiring.onIdentity,
    async onLeft() {
      await ifThere(removeFile(paths.config));
      await credentials.forget();
      setTimeout(wiring.onLeft, farewellMs);
    },
    log,
  });
  return {
    node,
    family: nodeFamily({ domain: node, changes, log, secrets }),
    localFamily: nodeLocalFamily(node, faults),
  };
}

/** An upgrade of keepalived replaces it. */
async function stampOf(path: string): Promise<string> {
  const found = await ifThere(stat(path, { bigint: true }));
  return found ? `${found.ino} ${found.mtimeNs}` : '';
}
