import { askSocket } from '../../haproxy/socket.ts';
import type { DriverFrontend, DriverModel } from '../../parsers/haproxy/model.ts';
import { type BackendStats, parseStats } from '../../parsers/haproxy/stats.ts';
import type { ListenerState, PoolState } from '../amphora.ts';
import type { AmphoraPaths } from '../paths.ts';
import type { OwnerView } from './owner-configs.ts';
import { placesOf } from './places.ts';

/** The states of the listeners of one owner, without pools. */
export function listenersOf(view: OwnerView): ListenerState[] {
  const { uploaded, running, master } = view;
  const added = uploaded.frontends.filter(
    ({ id }) => !running.frontends.some((frontend) => frontend.id === id),
  );
  const down = view.hasPidFile ? 'ERROR' : 'STOPPED';
  return [
    ...running.frontends.map((each) => stateOf(view, each, master === undefined ? down : 'ACTIVE')),
    ...added.map((each) => stateOf(view, each, 'STOPPED')),
  ];
}

function stateOf(
  { owner }: OwnerView,
  { id, mode, isTls }: DriverFrontend,
  status: ListenerState['status'],
): ListenerState {
  const type = isTls ? 'TERMINATED_HTTPS' : mode === 'http' ? 'HTTP' : 'TCP';
  return { id, owner: owner.id, status, type, pools: [] };
}

/** A caller waits for this. A worker that hangs has no pools to show. */
const deadlineMs = 2000;

/** Backends (2) and servers (4) of `show stat` (management.txt, section 9.3). */
const backendsAndServers = 'show stat -1 6 -1';

/** Listeners of one owner, with their pools and the states of members, as the process that runs has them. */
export async function withPools(
  paths: AmphoraPaths,
  { owner, running }: OwnerView,
  listeners: readonly ListenerState[],
): Promise<ListenerState[]> {
  // One that does not run has none to show.
  if (!listeners.some(({ status }) => status === 'ACTIVE')) return [...listeners];
  const { statsSocket } = placesOf(paths, owner.id);
  const csv = await askSocket(statsSocket, backendsAndServers, { deadlineMs });
  const { backends } = parseStats(csv ?? '');
  return listeners.map((listener) => {
    if (listener.status !== 'ACTIVE') return listener;
    const names = backendsOf(running, listener.id);
    return { ...listener, pools: backends.filter(({ name }) => names.has(name)).map(poolOf) };
  });
}

function poolOf({ name, status, servers }: BackendStats): PoolState {
  return {
    id: name.split(':')[0] ?? name,
    status,
    members: servers.map((server) => ({ id: server.name, status: server.status })),
  };
}

function backendsOf({ frontends }: DriverModel, listener: string): ReadonlySet<string> {
  return new Set(frontends.find(({ id }) => id === listener)?.backends ?? []);
}
