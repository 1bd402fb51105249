import { join } from 'node:path';

import type { Registry } from 'prom-client';
import { Counter } from 'prom-client';

import type { AgentConfig } from '../../../amphora/agent/config.ts';
import type { Haproxies, LvsListeners } from '../../../amphora/amphora.ts';
import { ownersWithoutCertificates } from '../../../amphora/haproxies/owner-configs.ts';
import type { OwnerHaproxies } from '../../../amphora/haproxies/haproxies.ts';
import { placesOf } from '../../../amphora/haproxies/places.ts';
import { makeCounterFile } from '../../../amphora/heartbeat/counter-file.ts';
import { type Heartbeats, makeHeartbeats } from '../../../amphora/heartbeat/make.ts';
import { makeCounterReader } from '../../../amphora/heartbeat/read-counters.ts';
import type { BeatSettings } from '../../../amphora/heartbeat/sender.ts';
import type { AmphoraPaths } from '../../../amphora/paths.ts';
import type { HostLvs } from '../../../amphora/lvs/lvs.ts';
import type { HostVrrp } from '../../../amphora/vrrp/vrrp.ts';
import { openCliSession } from '../../../haproxy/cli-session.ts';
import { askSocket } from '../../../haproxy/socket.ts';
import type { Log } from '../../../kit/log.ts';
import { processStart } from '../../../kit/process-start.ts';

/** A hanging haproxy must not hold up the heartbeat of the others for long. */
const askMs = 2000;
/** Longer than an interval between two heartbeats. */
const idleSeconds = 120;

export interface HeartbeatWiring {
  paths: AmphoraPaths;
  agentConfig: AgentConfig;
  haproxies: OwnerHaproxies;
  vrrp: Pick<HostVrrp, 'isStopped'>;
  lvs: Pick<HostLvs, 'readings'>;
  log: Log;
  registry: Registry;
}

/** The heartbeats of this amphora. */
export function makeAmphoraHeartbeats(wiring: HeartbeatWiring): Heartbeats {
  const { paths, agentConfig, haproxies, log, registry } = wiring;
  const sent = new Counter({
    name: 'ha_amphora_heartbeats_total',
    help: 'Heartbeats by what became of them.',
    labelNames: ['result'],
    registers: [registry],
  });
  return makeHeartbeats({
    amphora: agentConfig.amphoraId,
    settings: beatSettings(agentConfig),
    owners: () => haproxies.owners(),
    reader: makeCounterReader({
      socketOf: (owner) => placesOf(paths, owner).statsSocket,
      masterOf: (owner) => placesOf(paths, owner).masterSocket,
      openSession: (path) => openCliSession(path, { deadlineMs: askMs, idleSeconds }),
      ask: (path, command) => askSocket(path, command, { deadlineMs: askMs }),
      startOf: processStart,
    }),
    file: makeCounterFile(join(paths.base, 'stats_counters.json')),
    lvs: () => wiring.lvs.readings(),
    mayBeat: () => whySilent(wiring),
    log,
    count: (result) => {
      sent.inc({ result });
    },
  });
}

/** What a configuration says of heartbeats. Without a key there are no controllers either. */
export function beatSettings(config: AgentConfig): BeatSettings {
  return {
    controllers: config.controllers.map(({ address, port }) => ({ host: address, port })),
    key: config.heartbeatKey ?? '',
    intervalMs: config.heartbeatInterval * 1000,
  };
}

/**
 * The controller replaces an amphora that is silent. So it is silent when it cannot serve, and another one should.
 * @returns the reason, or undefined
 */
async function whySilent({ vrrp, haproxies }: HeartbeatWiring): Promise<string | undefined> {
  // While a host without certificates boots, keepalived is not there yet either. This reason lasts.
  const [lacking] = await ownersWithoutCertificates(await haproxies.uploads());
  if (lacking !== undefined) {
    return `The certificates of ${lacking} are gone, as after a reboot. The controller has to upload them again`;
  }
  if (!(await vrrp.isStopped())) return undefined;
  return 'keepalived is configured and does not run. Start it, or upload another configuration';
}

/**
 * What a change of a haproxy process means for others. The counters of a worker are read before it is stopped, and the
 * next one is held: what is lost here is never reported. A VIP that begins to serve is announced.
 */
export function withFollowers(
  haproxies: OwnerHaproxies,
  heartbeats: Pick<Heartbeats, 'collect' | 'changed'>,
  announce: () => Promise<void>,
): Haproxies {
  return {
    ...haproxies,
    async act(owner, action, fencing) {
      if (action !== 'start') await heartbeats.collect(owner.id);
      const done = await haproxies.act(owner, action, fencing).finally(heartbeats.changed);
      if (action === 'stop') return done;
      await Promise.all([heartbeats.collect(owner.id), announce()]);
      return done;
    },
    async remove(owner, fencing) {
      await heartbeats.collect(owner.id);
      await haproxies.remove(owner, fencing).finally(heartbeats.changed);
    },
  };
}

/** The same for listeners of LVS. No session holds what they have counted. */
export function lvsWithFollowers(
  lvs: LvsListeners,
  heartbeats: Pick<Heartbeats, 'changed'>,
): LvsListeners {
  return {
    ...lvs,
    act: (id, action) => lvs.act(id, action).finally(heartbeats.changed),
    remove: (id) => lvs.remove(id).finally(heartbeats.changed),
  };
}
