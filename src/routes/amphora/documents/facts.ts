import type {
  ApiVersion,
  Details,
  Info,
  ListenerState,
  Topology,
} from '../../../amphora/amphora.ts';
import {
  described,
  enumOf,
  flag,
  integer,
  listOf,
  mapOf,
  part,
  record,
  text,
  texts,
} from '../../../server/table/schema.ts';

/** What is known of an amphora for its details. */
export interface DetailedFacts {
  info: Info;
  details: Details;
  topology: Topology;
  listeners: readonly ListenerState[];
}

const number = { type: 'number' };
const ofInfo = {
  hostname: text,
  uuid: text,
  haproxy_version: described('The upstream part of the version, such as 2.6.12.', text),
  api_version: text,
  keepalived_version: text,
  ipvsadm_version: text,
};
export const infoOfVersion = record(ofInfo);
export const infoOfAgent = record({
  ...ofInfo,
  api_versions: described('The versions that are offered.', texts),
});

export const discovery = record({ api_version: text });

export const details = part(
  'AmphoraDetails',
  record({
    ...ofInfo,
    networks: described(
      'Bytes a second over the last 30 seconds.',
      mapOf(record({ network_tx: number, network_rx: number })),
    ),
    active: flag,
    haproxy_count: integer,
    lvs_listener_process_count: integer,
    cpu_count: integer,
    active_tuned_profiles: text,
    cpu: described(
      'Percent.',
      record({ total: number, user: number, system: number, soft_irq: number }),
    ),
    memory: described(
      'Kilobytes that haproxy may have. Controllers size its TLS cache by free, buffers and cached.',
      record({
        total: integer,
        free: integer,
        available: integer,
        buffers: integer,
        cached: integer,
        swap_used: integer,
        shared: integer,
        slab: integer,
        committed_as: integer,
      }),
    ),
    disk: described('Kilobytes.', record({ used: integer, available: integer })),
    load: listOf(number),
    topology: enumOf('SINGLE', 'ACTIVE-STANDBY', 'ACTIVE-ACTIVE'),
    topology_status: enumOf('OK', 'TOPOLOGY-CHANGE'),
    listeners: texts,
    packages: described('One object a package, from its name to its version.', listOf(mapOf(text))),
  }),
);

export function infoDocument(info: Info, version: ApiVersion): object {
  return {
    hostname: info.hostname,
    uuid: info.uuid,
    haproxy_version: info.haproxyVersion,
    api_version: version,
    keepalived_version: info.keepalivedVersion,
    ipvsadm_version: info.ipvsadmVersion,
  };
}

/** The keys and units are those of the documents, with the keys that real agents add. */
export function detailsDocument(facts: DetailedFacts, version: ApiVersion): object {
  const { info, details: state, topology, listeners } = facts;
  const { cpu, memory, disk } = state;
  return {
    ...infoDocument(info, version),
    networks: Object.fromEntries(
      Object.entries(state.networks).map(([name, { sent, received }]) => [
        name,
        { network_tx: sent, network_rx: received },
      ]),
    ),
    active: state.isActive,
    haproxy_count: state.haproxyCount,
    lvs_listener_process_count: state.lvsCount,
    cpu_count: state.cpuCount,
    active_tuned_profiles: state.tunedProfiles,
    cpu: { total: cpu.total, user: cpu.user, system: cpu.system, soft_irq: cpu.softIrq },
    memory: {
      total: memory.total,
      free: memory.free,
      available: memory.available,
      buffers: memory.buffers,
      cached: memory.cached,
      swap_used: memory.swapUsed,
      shared: memory.shared,
      slab: memory.slab,
      committed_as: memory.committed,
    },
    disk: { used: disk.used, available: disk.available },
    load: state.load,
    topology: topology.topology,
    topology_status: topology.isChanging ? 'TOPOLOGY-CHANGE' : 'OK',
    listeners: listeners.map(({ id }) => id),
    packages: state.packages.map(({ name, version: installed }) => ({ [name]: installed })),
  };
}
