import { join } from 'node:path';

import {
  type JoinTokens,
  makeJoinTokens,
} from '../../../src/controller/certificates/join-tokens.ts';
import {
  makeOwnAuthority,
  openOwnCertificates,
  type OwnCertificates,
} from '../../../src/controller/certificates/own.ts';
import { makeSigner, type Signer } from '../../../src/controller/certificates/signer.ts';
import { controllerMigrations } from '../../../src/controller/migrations.ts';
import { type Joined, type JoinRequest, makeJoin } from '../../../src/controller/nodes/join.ts';
import { usualTimes } from '../../../src/controller/nodes/link-times.ts';
import { makeNodeLinks, type OwnLinks } from '../../../src/controller/nodes/links.ts';
import { makeRegistrations, type Registrations } from '../../../src/controller/nodes/registry.ts';
import type { LocalStore } from '../../../src/controller/store/open.ts';
import { makeRun } from '../../../src/kit/exec.ts';
import { namesOfThisHost } from '../../../src/kit/host-names.ts';
import { type Log, makeLog } from '../../../src/kit/log.ts';
import { keepingLog, type LoggedLine } from '../keeping-log.ts';
import { type FakeNode, startFakeNode } from './fake-node.ts';
import { makeNodeRequest, type NodeRequest } from './node-request.ts';
import { freshStore } from './store.ts';

/** The ground of a controller without its process. */
export interface Ground {
  store: LocalStore;
  signer: Signer;
  certificates: OwnCertificates;
  tokens: JoinTokens;
  registrations: Registrations;
  links: OwnLinks;
  lines: LoggedLine[];
  log: Log;
  join: (request: JoinRequest) => Promise<Joined>;
  /** Starts a fake node that has joined by a token. */
  addNode(
    name?: string,
    machine?: string,
  ): Promise<{ node: FakeNode; joined: Joined; made: NodeRequest }>;
  /** Opens other links, as a controller that was started again. */
  relink(): Promise<void>;
  stop(): Promise<void>;
}

/** Short times, so that tests end soon. */
export const shortTimes = {
  ...usualTimes,
  pauseMs: 20,
  maxPauseMs: 100,
  refusedFactsMs: 100,
  factsMs: 300,
};

export async function makeGround(
  folder: string,
  options: Partial<{ times: typeof usualTimes }> = {},
): Promise<Ground> {
  const store = await freshStore(join(folder, 'state'), controllerMigrations);
  const run = makeRun(makeLog('silent'));
  const signer = makeSigner(run, join(folder, 'signing'));
  await makeOwnAuthority(store, signer);
  const certificates = await openOwnCertificates(store, signer, () => namesOfThisHost(run));
  const { authority } = certificates;
  const tokens = makeJoinTokens(store);
  const registrations = makeRegistrations(store);
  const { log, lines } = keepingLog();
  const newLinks = () =>
    makeNodeLinks({
      identity: store.identity,
      registrations,
      signer,
      authority,
      client: () => certificates.client(),
      log,
      times: options.times ?? shortTimes,
    });
  const takeIn = makeJoin({
    store,
    registrations,
    tokens,
    signer,
    authority,
    onJoined: () => undefined,
  });
  const nodes: FakeNode[] = [];
  const ground: Ground = {
    store,
    signer,
    certificates,
    tokens,
    registrations,
    links: newLinks(),
    lines,
    log,
    async relink() {
      ground.links = newLinks();
      await ground.links.refresh();
    },
    join: takeIn,
    async addNode(name = 'n1', machine = 'machine-1') {
      const made = makeNodeRequest(folder);
      const { secret } = await tokens.create();
      // Until it has joined, the node shows some certificate.
      const node = await startFakeNode({
        folder,
        machine,
        authority: authority.certificate,
        ...certificates.server(),
      });
      const joined = await takeIn({
        secret,
        name,
        machine,
        host: '127.0.0.1',
        port: node.port,
        interfaces: [],
        request: made.request,
      });
      node.certify(joined.certificate, made.key, joined.authority);
      nodes.push(node);
      return { node, joined, made };
    },
    async stop() {
      await ground.links.stop();
      await Promise.all(nodes.map((node) => node.stop().catch(() => undefined)));
      await store.close();
    },
  };
  return ground;
}
