import { createHash } from 'node:crypto';

import { setServers } from '../../haproxy/servers.ts';
import { makeHaproxyVersion } from '../../haproxy/version.ts';
import type { Run } from '../../kit/exec.ts';
import { Fault } from '../../kit/fault.ts';
import { makeSerializer, makeSerializerPerKey } from '../../kit/concurrency/serialize.ts';
import { shareRuns } from '../../kit/concurrency/shared-run.ts';
import type { Log } from '../../kit/log.ts';
import type { BalancerState, Haproxies, ListenerState, Owner } from '../amphora.ts';
import { type Fencing, makeFences } from '../fencing.ts';
import type { AmphoraPaths } from '../paths.ts';
import { waitForMaster } from './applying.ts';
import { makeActions } from './actions.ts';
import { makeChecks } from './checks.ts';
import { listenersOf, withPools } from './listing.ts';
import { makeOwnerConfigs, type OwnerUpload, type OwnerView } from './owner-configs.ts';
import { isOwnerId, placesOf } from './places.ts';
import { permitPing, usesPing } from '../../haproxy/ping-permission.ts';
import { plainFileIfThere, readPlainFile } from './plain-files.ts';
import type { Processes } from './processes.ts';
import { makeRecovery } from './recovery.ts';
import { removeOwner, removeRemains } from './removal.ts';
import { writeCheckScript, writeSharedFiles } from './shared-files.ts';
import { storedConfig, uploadConfig } from './uploads.ts';

/** The certificates of owners, in a folder of memory. */
export type OwnerCertificates = Haproxies['certificates'] & {
  /** See CertificateStore. */
  sumsOf(id: string): Promise<readonly { file: string; md5: string }[]>;
  owners(): Promise<readonly string[]>;
  /** Removes all certificates of an owner and their folder; does nothing if there are none. */
  removeAll(id: string): Promise<void>;
};

export interface HaproxyParts {
  run: Run;
  log: Log;
  paths: AmphoraPaths;
  /** What puts a command into the namespace, such as `ip netns exec NAME`; empty for the host's own. */
  inNamespace: readonly string[];
  /** The local peer's name, see peerName. */
  peer: string;
  processes: Processes;
  certificates: OwnerCertificates;
  /** Milliseconds until haproxy has to have read a configuration: TLS caches of some GB take most of a minute. */
  checkDeadlineMs?: number;
  /** Milliseconds until a new worker has to serve. Controllers wait for 60 s. */
  applyDeadlineMs?: number;
}

/** What the processes of this host are asked by its other parts. */
export interface OwnerHaproxies extends Haproxies {
  /** The owners, each with what was uploaded last. */
  uploads(): Promise<readonly OwnerUpload[]>;
  /** The owners as they are now, each with its configuration and its master. */
  views(): Promise<readonly OwnerView[]>;
  /** The listeners of all owners with their pools. It asks each process once. */
  listenersWithPools(): Promise<readonly ListenerState[]>;
  /**
   * Brings the disk and the processes together when the agent starts: finishes deletions, removes what killed uploads left,
   * writes the shared files, and starts what should run.
   */
  recover(): Promise<void>;
}

/** The haproxy processes of an amphora. Faults: see Haproxies */
export function makeHaproxies(parts: HaproxyParts): OwnerHaproxies {
  const { run, log, paths, inNamespace, peer, processes, certificates } = parts;
  const { checkDeadlineMs = 50_000, applyDeadlineMs = 50_000 } = parts;
  const configs = makeOwnerConfigs(paths);
  const checks = makeChecks(paths, { run, inNamespace, peer, deadlineMs: checkDeadlineMs });
  const version = makeHaproxyVersion(run, checkDeadlineMs);
  const serialized = makeSerializerPerKey();
  const writesScript = makeSerializer();
  const onShouldRun = (): Promise<void> =>
    writesScript(async () => {
      await writeCheckScript(paths, await idsThatShouldRun());
    });
  const actions = makeActions({
    paths,
    checks,
    processes,
    configs,
    log,
    applyDeadlineMs,
    onShouldRun,
  });
  const fences = makeFences(paths);
  const everyView = shareRuns<readonly OwnerView[]>(() => configs.views(), { reuseMs: 0 });

  async function idsThatShouldRun(): Promise<string[]> {
    const ids = await configs.ids();
    const enabled = await Promise.all(
      ids.map((id) => plainFileIfThere(placesOf(paths, id).enabled)),
    );
    return ids.filter((_, index) => enabled[index] !== undefined);
  }

  async function anyUsesPing(): Promise<boolean> {
    for (const id of await configs.ids()) {
      const config = await readPlainFile(placesOf(paths, id).config);
      if (config && usesPing(config.toString('utf8'))) return true;
    }
    return false;
  }

  /** Readers that come later than a change must not share a read that began before. */
  async function changing<T>(id: string, work: () => Promise<T>): Promise<T> {
    return serialized(id, async () => {
      try {
        return await work();
      } finally {
        everyView.forget();
      }
    });
  }

  /** A change that an order may have; a late one changes nothing. */
  const ordered = <T>(
    { id }: Owner,
    fencing: Fencing | undefined,
    work: () => Promise<T>,
  ): Promise<T> => {
    if (!isOwnerId(id)) return Promise.reject(badId());
    return changing(id, async () => {
      if (fencing !== undefined) await fences.take(id, fencing);
      return work();
    });
  };

  async function stateOf(id: string): Promise<BalancerState> {
    if (!isOwnerId(id)) throw badId();
    const [view, stored, certificates] = await Promise.all([
      configs.view(id),
      storedConfig(paths, { kind: 'loadbalancer', id }),
      parts.certificates.sumsOf(id),
    ]);
    const runs = view?.running === view?.uploaded ? 'current' : 'former';
    return {
      id,
      sha256: stored && createHash('sha256').update(stored.bytes).digest('hex'),
      process: view?.master === undefined ? 'stopped' : runs,
      certificates,
    };
  }

  async function isConfigured({ id }: Owner): Promise<boolean> {
    return isOwnerId(id) && (await plainFileIfThere(placesOf(paths, id).config)) !== undefined;
  }

  async function needs(owner: Owner): Promise<void> {
    if (!(await isConfigured(owner))) throw notFound(owner);
  }

  return {
    upload: (owner, bytes, fencing) =>
      ordered(owner, fencing, async () => {
        const uploaded = await uploadConfig({ paths, checks, version }, owner, bytes);
        if (usesPing(bytes.toString('utf8'))) await permitPing(run, inNamespace, log);
        return uploaded;
      }),
    state: (id) => changing(id, () => stateOf(id)),
    states: async () => {
      const [configured, certified] = await Promise.all([configs.uploads(), certificates.owners()]);
      const alone = new Set(
        configured.filter(({ owner }) => owner.kind === 'listener').map(({ owner }) => owner.id),
      );
      const ids = new Set([...configured.map(({ owner }) => owner.id), ...certified]);
      const balancers = [...ids].filter((id) => isOwnerId(id) && !alone.has(id)).sort();
      return Promise.all(balancers.map(stateOf));
    },
    async configuration(owner) {
      const stored = isOwnerId(owner.id) ? await storedConfig(paths, owner) : undefined;
      if (stored === undefined) throw notFound(owner);
      return stored;
    },
    act: async (owner, action, fencing) => {
      await needs(owner);
      return ordered(owner, fencing, async () => {
        await needs(owner);
        return actions.act(owner.id, action);
      });
    },
    setServers: async (owner, changes, fencing) => {
      await needs(owner);
      return ordered(owner, fencing, async () => {
        await needs(owner);
        const places = placesOf(paths, owner.id);
        // A reload is done before its master answers.
        await waitForMaster(places);
        return setServers(places.masterSocket, changes);
      });
    },
    remove: async (owner, fencing) => {
      if (!isOwnerId(owner.id)) throw notFound(owner);
      return ordered(owner, fencing, async () => {
        if (!(await isConfigured(owner))) {
          await removeRemains({ paths, certificates }, owner.id);
          throw notFound(owner);
        }
        await removeOwner({ paths, actions, certificates }, owner.id);
        await onShouldRun();
      });
    },
    owners: async () => (await configs.uploads()).map(({ owner }) => owner),
    listeners: async () => (await everyView.get()).flatMap(listenersOf),
    listenersWithPools: async () => {
      const views = await everyView.get();
      const found = views.map((view) => withPools(paths, view, listenersOf(view)));
      return (await Promise.all(found)).flat();
    },
    async listener(id) {
      for (const view of await everyView.get()) {
        const found = listenersOf(view).find((listener) => listener.id === id);
        const [detailed] = found ? await withPools(paths, view, [found]) : [];
        if (detailed) return detailed;
      }
      throw notFound({ kind: 'listener', id });
    },
    certificates: {
      upload: (owner, file, bytes, fencing) =>
        ordered(owner, fencing, () => certificates.upload(owner, file, bytes)),
      md5: (owner, file) => certificates.md5(owner, file),
      remove: (owner, file, fencing) =>
        ordered(owner, fencing, () => certificates.remove(owner, file)),
    },
    uploads: () => configs.uploads(),
    views: () => everyView.get(),
    recover: makeRecovery({
      paths,
      log,
      processes,
      configs,
      finishRemoval: (id) => changing(id, () => removeOwner({ paths, actions, certificates }, id)),
      start: (id) => changing(id, () => actions.act(id, 'start')),
      prepare: async () => {
        await writeSharedFiles(paths, { peer, inNamespace });
        await onShouldRun();
        if (await anyUsesPing()) await permitPing(run, inNamespace, log);
      },
    }),
  };
}

function notFound({ kind, id }: Owner): Fault {
  return kind === 'listener'
    ? new Fault('listener_not_found', `No listener with UUID: ${id}`)
    : new Fault('loadbalancer_not_found', `No loadbalancer with UUID: ${id}`);
}

function badId(): Fault {
  return new Fault(
    'amphora_request_invalid',
    "An id has 1 to 64 letters, digits, '-' and '_', and is none of 'certs', 'lvs' and 'vrrp'.",
  );
}
