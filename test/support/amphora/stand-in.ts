import type { RequestHandler } from 'express';

import type {
  Action,
  AmphoraDomain,
  BalancerState,
  Details,
  Info,
  ListenerState,
  Topology,
} from '../../../src/amphora/amphora.ts';
import type { ChangePipeline } from '../../../src/changes/pipeline.ts';
import type { Fault } from '../../../src/kit/fault.ts';

/** The host of the examples in the documents. */
export const info: Info = {
  hostname: 'octavia-haproxy-img-00328.local',
  uuid: '6e2bc8a0-2548-4fb7-a5f0-fb1ef4a696ce',
  haproxyVersion: '1.5.11',
  keepalivedVersion: '2.2.7',
  ipvsadmVersion: '1.31',
};

export const details: Details = {
  networks: { eth0: { sent: 3300138, received: 982001 } },
  isActive: true,
  haproxyCount: 3,
  lvsCount: 0,
  cpuCount: 2,
  tunedProfiles: '',
  cpu: { total: 0.43, user: 0.3, system: 0.05, softIrq: 0.08 },
  memory: {
    total: 4087402,
    free: 760656,
    available: 2655901,
    buffers: 90980,
    cached: 1830143,
    swapUsed: 943,
    shared: 105792,
    slab: 158819,
    committed: 2643480,
  },
  disk: { used: 1234567, available: 5242880 },
  load: [0.5, 0.45, 0.47],
  packages: [
    { name: 'haproxy', version: '1.5.1' },
    { name: 'bash', version: '4.3.23' },
    { name: 'lighttpd', version: '1.4.33-1' },
    { name: 'openssl', version: '1.0.1f' },
  ],
};

export const activeListener: ListenerState = {
  id: 'e2dfddc0-5b9e-11e4-8ed6-0800200c9a66',
  owner: 'e2dfddc0-5b9e-11e4-8ed6-0800200c9a66',
  status: 'ACTIVE',
  type: 'HTTP',
  pools: [
    {
      id: '399bbf4b-5f6c-4370-a61e-ed2ff2fc9387',
      status: 'UP',
      members: [
        { id: '73f6d278-ae1c-4248-ad02-0bfd50d69aab', status: 'UP' },
        { id: '2edca57c-5890-4bcb-ae67-4ef75776cc67', status: 'DOWN' },
      ],
    },
    {
      id: '2250eb21-16ca-44bd-9b12-0b4eb3d18140',
      status: 'DOWN',
      members: [{ id: '130dff11-4aab-4ba8-a39b-8d77caa7a1ad', status: 'DOWN' }],
    },
  ],
};

export const stoppedListener: ListenerState = {
  id: '19d45130-5b9f-11e4-8ed6-0800200c9a66',
  owner: '19d45130-5b9f-11e4-8ed6-0800200c9a66',
  status: 'STOPPED',
  type: 'TERMINATED_HTTPS',
  pools: [],
};

export const md5 = 'd8f6629d5e3c6852fa764fb3f04f2ffd';

function nothingOf(id: string): BalancerState {
  return { id, sha256: undefined, process: 'stopped', certificates: [] };
}

function given<T>(values: readonly (T | undefined)[]): T[] {
  return values.filter((value) => value !== undefined);
}

/** What a stand-in returns. */
export interface StandIn {
  /** Thrown by each function that a route asks for its purpose. */
  fault?: Fault;
  /** Thrown to changes while the topology changes. */
  transition?: Fault;
  owners?: AmphoraDomain['haproxies']['owners'];
  listeners?: readonly ListenerState[];
  lvsListeners?: readonly ListenerState[];
  topology?: Topology;
  configuration?: string;
  balancer?: BalancerState;
  hostname?: string;
  /** The interface that is returned. */
  interface?: string;
  isNew?: boolean;
  /** What an action is reported as; by default what was asked. */
  done?: Action;
  isTopologyDone?: boolean;
}

/** A call of a stand-in: the name of the function, and what it got. */
export type CallRecord = readonly [name: string, ...args: unknown[]];

/** A domain that does nothing, returns what a test needs, and records its calls. */
export function standInDomain(results: StandIn = {}): {
  domain: AmphoraDomain;
  calls: CallRecord[];
} {
  const calls: CallRecord[] = [];
  const { listeners = [], lvsListeners = [], interface: plugged = 'eth1' } = results;
  const answer = <T>(value: T, name: string, ...args: unknown[]): Promise<T> => {
    calls.push([name, ...args]);
    return results.fault ? Promise.reject(results.fault) : Promise.resolve(value);
  };
  const upload = (name: string, ...args: unknown[]) => answer({ md5 }, name, ...args);
  const stored = (name: string, ...args: unknown[]) =>
    answer({ md5, bytes: Buffer.from(results.configuration ?? '') }, name, ...args);
  const done = (action: Action) => results.done ?? action;
  const found = (id: string) => listeners.find((each) => each.id === id) ?? activeListener;

  const domain: AmphoraDomain = {
    haproxies: {
      // A fencing is recorded only where there is one.
      upload: (owner, bytes, ...order) => upload('upload', owner, bytes, ...given(order)),
      configuration: (owner) => stored('configuration', owner),
      act: (owner, action, ...order) => answer(done(action), 'act', owner, action, ...given(order)),
      remove: (owner, ...order) => answer(undefined, 'remove', owner, ...given(order)),
      state: (id) => answer(results.balancer ?? nothingOf(id), 'state', id),
      states: () => answer(results.balancer ? [results.balancer] : [], 'states'),
      owners: results.owners ?? (() => Promise.resolve([])),
      listeners: () => Promise.resolve(listeners),
      listener: (id) => answer(found(id), 'listener', id),
      certificates: {
        upload: (owner, file, bytes, ...order) =>
          upload('certificates.upload', owner, file, bytes, ...given(order)),
        md5: (owner, file) => answer(md5, 'certificates.md5', owner, file),
        remove: (owner, file, ...order) =>
          answer(undefined, 'certificates.remove', owner, file, ...given(order)),
      },
    },
    lvs: {
      has: (id) => Promise.resolve(lvsListeners.some((each) => each.id === id)),
      upload: (id, bytes) => upload('lvs.upload', id, bytes),
      configuration: (id) => stored('lvs.configuration', id),
      act: (id, action) => answer(done(action), 'lvs.act', id, action),
      remove: (id) => answer(undefined, 'lvs.remove', id),
      removeRemains: () => Promise.resolve(),
      listeners: () => Promise.resolve(lvsListeners),
    },
    network: {
      plugVip: (plug) => answer(plugged, 'plugVip', plug),
      plugPort: (plug) =>
        answer({ interface: plugged, isNew: results.isNew ?? true }, 'plugPort', plug),
      interfaceOf: (address) => answer(plugged, 'interfaceOf', address),
    },
    vrrp: {
      upload: (bytes) => upload('vrrp.upload', bytes),
      act: (action) => answer(done(action), 'vrrp.act', action),
      state: () => answer('MASTER', 'vrrp.state'),
    },
    agent: {
      configure: (bytes) => upload('configure', bytes),
      certify: (bytes) => upload('certify', bytes),
    },
    topologies: {
      current: () => Promise.resolve(results.topology ?? { topology: 'SINGLE', isChanging: false }),
      change: (request) => answer(results.isTopologyDone ?? true, 'topologies.change', request),
      refuseDuringChange() {
        if (results.transition) throw results.transition;
      },
    },
    info: () => Promise.resolve({ ...info, hostname: results.hostname ?? info.hostname }),
    details: () => Promise.resolve(details),
  };
  return { domain, calls };
}

/** Makes changes without a record. */
export const unrecordedChanges: Pick<ChangePipeline, 'make'> = {
  async make(request, change) {
    const recorded = Promise.resolve();
    const site = {
      id: 'id',
      recorded,
      warn: () => undefined,
      run: () => Promise.reject(new Error()),
    };
    const answer = await change.begin(request).carryOut(site);
    return { answer, version: undefined, settled: true, asExpected: true, warnings: [] };
  },
};

/** Gives each connection a client certificate with this common name. */
export function certificateOf(subject: object | undefined): RequestHandler {
  return (request, _response, next) => {
    Object.assign(request.socket, { getPeerCertificate: () => ({ subject }) });
    next();
  };
}
