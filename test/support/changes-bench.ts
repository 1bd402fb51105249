import { join } from 'node:path';

import type request from 'supertest';

import type { Role } from '../../src/access/roles.ts';
import type { FindStoppedDaemons } from '../../src/cluster/daemons.ts';
import type { AlphornPaths } from '../../src/alphorn/paths.ts';
import type { Paths } from '../../src/bin/wiring/paths.ts';
import { type AppBench, appBench, noPaths } from './app-bench.ts';
import { type FakeCluster, fakeCluster } from './fake-cluster.ts';
import { fixtureText } from './fixtures.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';

export type Call = (
  method: Method,
  path: string,
  body?: object,
  headers?: Readonly<Record<string, string>>,
) => request.Test;

/** The agent's whole app over a fake cluster, with its own files. */
export interface ChangesBench {
  call: Call;
  cluster: FakeCluster;
  paths: Paths;
  app: AppBench;
}

export interface ChangesBenchOptions {
  role?: Role;
  cluster?: FakeCluster;
  environment?: Readonly<Record<string, string>>;
  alphorn?: AlphornPaths;
  findStoppedDaemons?: FindStoppedDaemons;
  amphoraSocket?: string;
}

/** The storage topology of the contract: ZFS, SMB, NFS, Alphorn, VIP_mgmt0, and two fence devices for each node. */
export const storageCib = seenByCoordinator(fixtureText('cibadmin/2.1.5/storage-query/stdout'));
/** Everything else that a CIB can contain. */
export const everythingCib = seenByCoordinator(
  fixtureText('cibadmin/2.1.5/everything-query/stdout'),
);

/** The asked node is the coordinator. */
function seenByCoordinator(xml: string): string {
  return xml.replace('dc-uuid="1"', 'dc-uuid="2"');
}

/** The first cluster with a remote node `remote1` and a guest node `guest1`. */
export const remoteNodesCib = storageCib.replace(
  '</resources>',
  '<primitive id="remote1" class="ocf" provider="pacemaker" type="remote"/><primitive id="VM" class="ocf" provider="heartbeat" type="VirtualDomain"><meta_attributes id="VM-meta"><nvpair id="VM-meta-guest" name="remote-node" value="guest1"/></meta_attributes></primitive></resources>',
);

/** The nodes of all these clusters. */
export const nodes = { local: '5e7638bc', other: 'ae82a9a2' } as const;

export async function changesBench(
  folder: string,
  {
    role = 'admin',
    cluster = fakeCluster(storageCib),
    environment = {},
    alphorn = noPaths.alphorn,
    findStoppedDaemons,
    amphoraSocket,
  }: ChangesBenchOptions = {},
): Promise<ChangesBench> {
  const paths: Paths = {
    ...noPaths,
    corosyncConf: join(folder, 'corosync.conf'),
    corosyncKey: join(folder, 'authkey'),
    alphorn,
  };
  const app = await appBench(
    ...([
      folder,
      cluster.run,
      paths,
      role,
      environment,
      findStoppedDaemons,
      amphoraSocket,
    ] as const),
  );
  return { call: callerOf(app), cluster, paths, app };
}

/** Calls the app with the token of its bench, or another one. */
export function callerOf({ client, token }: AppBench, other = token): Call {
  return (method, path, body = {}, headers = {}) => {
    const name = method.toLowerCase() as Lowercase<Method>;
    const asked = client[name](`/api/v2/system/ha/${path}`).set({
      token: other,
      'Content-Type': 'application/json',
      ...headers,
    });
    // Node.js would send the body of a HEAD request as the start of the next request.
    return method === 'HEAD' ? asked : asked.send(JSON.stringify(body));
  };
}

/** The status of an answer, and its code if it is a problem. */
export function outcomeOf({ status, body }: request.Response): [status: number, code?: string] {
  const { code } = (body ?? {}) as { code?: string };
  return code === undefined ? [status] : [status, code];
}
