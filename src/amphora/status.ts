import type { Topologies, ListenerState, Owner, Vrrp, Haproxies, LvsListeners } from './amphora.ts';
import { readCertificates, type CertificateStatus } from './status-certificates.ts';
import type { AmphoraPaths } from './paths.ts';

/** A port in the namespace of the tenants. */
export interface PortStatus {
  /** Such as `eth1`. */
  interface: string;
  mac: string;
  /** With their prefix lengths. */
  addresses: readonly string[];
  /** Whether it is there and up. */
  isUp: boolean;
}

/** The last heartbeat that was sent, and what has prevented the next one. */
export interface HeartbeatStatus {
  /** ISO 8601 in UTC; null if none was sent since the start of the service. */
  at: string | null;
  /** The controller, such as `10.0.0.1:5555`. */
  to: string | null;
  /** Why none was sent after it; null if all is well. */
  error: string | null;
}

export interface OwnerStatus extends Owner {
  /** Whether its process serves. */
  isRunning: boolean;
  listeners: readonly Omit<ListenerState, 'owner'>[];
}

/** All that `hactl amphora status` shows. */
export interface AmphoraStatus {
  /** The id of the amphora. */
  uuid: string;
  topology: string;
  /** Owners of haproxy processes. LVS listeners have no owner but themselves. */
  owners: readonly OwnerStatus[];
  lvs: readonly ListenerState[];
  vrrp: { state: Awaited<ReturnType<Vrrp['state']>>; vips: readonly string[] };
  ports: readonly PortStatus[];
  certificates: readonly CertificateStatus[];
  /** Null before the first one since the start of the service, and without a controller. */
  heartbeat: HeartbeatStatus | null;
  /** One sentence each, such as a tool that is not installed. */
  problems: readonly string[];
}

export interface AmphoraStatusParts {
  paths: Pick<AmphoraPaths, 'certificates'>;
  /** Certificates of the agent itself: its own and the authority of its clients. */
  agentCertificates: () => readonly string[];
  uuid: () => string;
  haproxies: Pick<Haproxies, 'owners' | 'listeners'>;
  lvs: Pick<LvsListeners, 'listeners'>;
  vrrp: Pick<Vrrp, 'state'>;
  topologies: Pick<Topologies, 'current'>;
  /** The VIPs that are plugged, or that keepalived has if none is. */
  vips: () => Promise<readonly string[]>;
  ports: () => Promise<readonly PortStatus[]>;
  heartbeat: () => HeartbeatStatus | undefined;
  problems: () => Promise<readonly string[]>;
}

/** Reads the state of everything at once. Faults: those of its parts */
export function makeAmphoraStatus(parts: AmphoraStatusParts): () => Promise<AmphoraStatus> {
  return async () => {
    const [owners, listeners, lvs, state, topology, vips, ports, certificates, problems] =
      await Promise.all([
        parts.haproxies.owners(),
        parts.haproxies.listeners(),
        parts.lvs.listeners(),
        parts.vrrp.state(),
        parts.topologies.current(),
        parts.vips(),
        parts.ports(),
        readCertificates(parts.paths.certificates, parts.agentCertificates()),
        parts.problems(),
      ]);
    return {
      uuid: parts.uuid(),
      topology: topology.topology,
      owners: owners.map((owner) => ownerStatus(owner, listeners)),
      lvs,
      vrrp: { state, vips },
      ports,
      certificates,
      heartbeat: parts.heartbeat() ?? null,
      problems,
    };
  };
}

function ownerStatus(owner: Owner, all: readonly ListenerState[]): OwnerStatus {
  const listeners = all
    .filter((listener) => listener.owner === owner.id)
    .map(({ id, status, type, pools }) => ({ id, status, type, pools }));
  return { ...owner, isRunning: listeners.some(({ status }) => status === 'ACTIVE'), listeners };
}
