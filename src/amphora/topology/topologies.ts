import { setTimeout as sleep } from 'node:timers/promises';

import { Fault } from '../../kit/fault.ts';
import type { Log } from '../../kit/log.ts';
import type { Topologies, Topology, Vrrp } from '../amphora.ts';
import { checkedTopology } from './request.ts';
import type { StoredTopology, TopologyStore } from './store.ts';

export interface TopologyParts {
  store: TopologyStore;
  vrrp: Vrrp;
  /** `loadbalancer_topology` of amphora-agent.conf; counts until a topology is set. */
  configured: () => 'SINGLE' | 'ACTIVE_STANDBY' | Promise<'SINGLE' | 'ACTIVE_STANDBY'>;
  log: Log;
  /** Milliseconds for which a caller waits for a change. */
  waitMs?: number;
}

export interface HostTopologies extends Topologies {
  /** Begins again with a change that the end of the agent has cut off. A failure is logged, and the next start tries again. */
  finish(): Promise<void>;
}

/** Everything has to be answered well within the 60 s of a driver. */
const defaultWaitMs = 10_000;

/**
 * The topology of API 0.1. It is stored whole, and then keepalived follows. In ACTIVE-STANDBY it runs if it has a
 * configuration. In SINGLE it does not. ACTIVE-ACTIVE is stored and reported, and nothing runs it.
 */
export function makeTopologies(parts: TopologyParts): HostTopologies {
  const { store, vrrp, configured, log, waitMs = defaultWaitMs } = parts;
  let underWay: Promise<void> | undefined;

  const refuseDuringChange = () => {
    if (underWay === undefined) return;
    throw new Fault(
      'topology_transition',
      'A change of the topology is under way. Wait until its status is OK, then try again.',
    );
  };

  const carryOut = async (next: StoredTopology) => {
    await store.write({ ...next, isPending: true });
    const state = await vrrp.state();
    const isRunning = state !== 'absent' && state !== 'stopped';
    if (next.topology === 'SINGLE' && isRunning) await vrrp.act('stop');
    if (next.topology === 'ACTIVE-STANDBY' && state === 'stopped') await vrrp.act('start');
    await store.write(next);
  };

  const begin = (next: StoredTopology): Promise<void> => {
    const change = carryOut(next).finally(() => {
      underWay = undefined;
    });
    underWay = change;
    return change;
  };

  const logFailure = (error: unknown) => {
    log.error({ err: error }, 'a change of the topology failed');
  };

  return {
    refuseDuringChange,
    async current(): Promise<Topology> {
      const isChanging = underWay !== undefined;
      const found = (await store.read()) ?? { topology: topologyOf(await configured()) };
      const { topology, haIp } = found;
      if (topology !== 'ACTIVE-STANDBY') return { topology, isChanging };
      const role = roleOf(await vrrp.state()) ?? found.role;
      return { topology, role, haIp, isChanging };
    },
    async change(request) {
      const next = checkedTopology(request);
      refuseDuringChange();
      const change = begin(next);
      const isDone = await Promise.race([
        change.then(() => true),
        sleep(waitMs, false, { ref: false }),
      ]);
      // The caller has gone by then.
      if (!isDone) change.catch(logFailure);
      return isDone;
    },
    async finish() {
      const found = await store.read();
      if (found?.isPending !== true) return;
      void begin({ ...found, isPending: undefined }).catch(logFailure);
    },
  };
}

function topologyOf(configured: 'SINGLE' | 'ACTIVE_STANDBY'): Topology['topology'] {
  return configured === 'ACTIVE_STANDBY' ? 'ACTIVE-STANDBY' : 'SINGLE';
}

/** @returns undefined while keepalived does not run, and so cannot say */
function roleOf(state: Awaited<ReturnType<Vrrp['state']>>): Topology['role'] {
  if (state === 'absent' || state === 'stopped') return undefined;
  return state === 'MASTER' ? 'ACTIVE' : 'STANDBY';
}
