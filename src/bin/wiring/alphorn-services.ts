import type { Express } from 'express';

import { openAcceptedLineage } from '../../alphorn/sending/accepted.ts';
import { makeLiferaftBuilder } from '../../alphorn/collecting/builder.ts';
import { makeChangesWatch } from '../../alphorn/sending/changes-watch.ts';
import { makeAnswers, makeMounts } from '../../alphorn/collecting/walk/mounts.ts';
import { type Daemon, makeDaemon } from '../../alphorn/sending/daemon.ts';
import { isThisHost } from '../../alphorn/sending/destinations.ts';
import { hostIdOf } from '../../alphorn/peers/host-id.ts';
import { type KeyRing, openKeyRing } from '../../alphorn/peers/keys.ts';
import { makePeerCallers, type PeerCallers } from '../../alphorn/peers/peer-callers.ts';
import { makePeerClient } from '../../alphorn/sending/peer-client.ts';
import { makeCloneCheck } from '../../alphorn/receiving/clones.ts';
import { lineageByRoot } from '../../alphorn/peers/lineage-by-root.ts';
import { byRootHeader, headersOf, whoThisHostIs } from '../../alphorn/peers/who-sends.ts';
import { makeReceiver, receiverLimits } from '../../alphorn/receiving/receiver.ts';
import { makeSender } from '../../alphorn/sending/sender.ts';
import { destinationOf } from '../../alphorn/settings.ts';
import { makeRun } from '../../kit/exec.ts';
import type { Log } from '../../kit/log.ts';
import { debianPaths, type Paths } from './paths.ts';
import { makeDaemonApp } from '../../routes/alphorn/daemon.ts';
import { makePeersApp } from '../../routes/peers/index.ts';
import { makeProblems } from '../../server/problem.ts';
import type { Config } from './config.ts';
import { faults } from './faults.ts';

// Alphorn's two services. They load no code of the agent.

/** The receiver, without its listener. */
export interface Peers {
  app: Express;
  callers: PeerCallers;
  /** Call it before the listener is opened. */
  start: () => Promise<void>;
  /** Returns when the present keys are on the disk, so that they are later known as former ones. */
  stop: () => Promise<void>;
}

export function makePeers(config: Config, log: Log, paths: Paths = debianPaths): Peers {
  const keys = openKeys(paths, log);
  const callers = makePeerCallers(keys);
  const receiver = makeReceiver(paths.alphorn.liferafts, receiverLimits(config));
  return {
    app: makePeersApp({
      callers,
      receiver,
      log,
      problems: makeProblems(faults),
      clones: makeCloneCheck(paths.alphorn.liferafts),
      self: async () => ({
        id: await hostIdOf(paths.alphorn).catch(() => undefined),
        ...(await whoThisHostIs(paths.alphorn.machineId)),
      }),
    }),
    callers,
    start: () => receiver.tidy(),
    stop: () => keys.saved(),
  };
}

/** The sender, without its listener. */
export interface SenderService {
  daemon: Daemon;
  app: Express;
  start: () => void;
  /** Ends all running work. See Peers for the keys. */
  stop: () => Promise<void>;
}

export function makeSenderService(
  config: Config,
  log: Log,
  paths: Paths = debianPaths,
): SenderService {
  const { alphorn } = paths;
  const keys = openKeys(paths, log);
  const accepted = openAcceptedLineage(alphorn.own);
  const describeHost = async () => {
    const lineage = await lineageByRoot(alphorn.own);
    return {
      ...headersOf(await whoThisHostIs(alphorn.machineId)),
      ...(lineage !== undefined && { [byRootHeader]: lineage }),
    };
  };
  const mounts = makeMounts(makeAnswers(makeRun(log)));
  const daemon = makeDaemon({
    paths: alphorn,
    builder: makeLiferaftBuilder({ paths: alphorn, mounts }),
    makeSender(destination) {
      const where = destinationOf(destination);
      // The settings were checked by the same function.
      if (where === undefined) throw new Error(`${destination} is no destination`);
      return makeSender({
        destination,
        accepted,
        log,
        isThisHost: () => isThisHost(where, config.peer_port),
        connect: (hostId) => makePeerClient(where, { hostId, keys, describeHost }),
      });
    },
    makeWatch: (changed) =>
      makeChangesWatch(
        [alphorn.settings, alphorn.rules, alphorn.key, paths.corosyncKey],
        changed,
        log,
      ),
    log,
  });
  return {
    daemon,
    app: makeDaemonApp(daemon, log),
    start: () => {
      daemon.start();
    },
    async stop() {
      await Promise.all([daemon.stop(), keys.saved()]);
    },
  };
}

function openKeys({ alphorn, corosyncKey }: Paths, log: Log): KeyRing {
  const { key, knownKeys } = alphorn;
  return openKeyRing({ key, knownKeys, clusterKey: corosyncKey }, log);
}
