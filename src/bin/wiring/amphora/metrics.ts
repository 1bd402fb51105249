import { Gauge, type Registry } from 'prom-client';

import { amphoraSocket } from '../../../amphora/paths.ts';
import type { AmphoraStatus } from '../../../amphora/status.ts';
import { metricsPath } from '../../../routes/amphora-local/index.ts';
import { askService } from '../../../kit/ask-service.ts';

const listenerStates = ['ACTIVE', 'STOPPED', 'ERROR'] as const;
const memberStates = ['UP', 'DOWN', 'DRAIN', 'MAINT', 'no check'] as const;
const vrrpStates = ['absent', 'stopped', 'MASTER', 'BACKUP', 'FAULT', 'INIT'] as const;

/**
 * Adds gauges of the amphora to a registry. No id of a tenant becomes a label, so their number is bounded.
 * @returns the text of all metrics of the registry, with the gauges as they are now
 */
export function makeAmphoraMetrics(
  registry: Registry,
  status: () => Promise<AmphoraStatus>,
): () => Promise<string> {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `ha_amphora_${name}`, help, labelNames, registers: [registry] });
  const owners = gauge('owners', 'Load balancers and listeners with a process.', ['running']);
  const listeners = gauge('listeners', 'Listeners by their state.', ['status']);
  const members = gauge('members', 'Members by their state, once for each listener.', ['status']);
  const vrrp = gauge('vrrp_state', '1 for the state of keepalived, 0 for the others.', ['state']);
  const certificate = gauge(
    'certificate_end_seconds',
    'Time at which the first certificate ends, in seconds since 1970.',
  );
  const heartbeat = gauge(
    'last_heartbeat_seconds',
    'Time of the last heartbeat, in seconds since 1970; 0 if there was none since the start.',
  );
  const memory = gauge('resident_memory_bytes', 'Resident memory of ha-amphora.');

  return async () => {
    const now = await status();
    const all = [...now.owners.flatMap((owner) => owner.listeners), ...now.lvs];
    const pools = all.flatMap((listener) => listener.pools);
    const seen = pools.flatMap((pool) => pool.members);
    const running = now.owners.filter(({ isRunning }) => isRunning).length;
    owners.set({ running: 'yes' }, running);
    owners.set({ running: 'no' }, now.owners.length - running);
    for (const state of listenerStates) {
      listeners.set({ status: state }, countOf(all, state));
    }
    for (const state of memberStates) members.set({ status: state }, countOf(seen, state));
    for (const state of vrrpStates) vrrp.set({ state }, state === now.vrrp.state ? 1 : 0);
    const ends = now.certificates.map(({ validTo }) => Date.parse(validTo) / 1000);
    if (ends.length > 0) certificate.set(Math.min(...ends));
    const sentAt = now.heartbeat?.at ?? null;
    heartbeat.set(sentAt === null ? 0 : Date.parse(sentAt) / 1000);
    memory.set(process.memoryUsage.rss());
    return registry.metrics();
  };
}

function countOf(items: readonly { status: string }[], status: string): number {
  return items.filter((each) => each.status === status).length;
}

/** Prometheus waits for ten seconds by default. */
const deadlineMs = 3000;

/**
 * The metrics of ha-amphora that ha-agent does not have itself.
 * @returns an empty text if ha-amphora does not run, or does not answer as it should
 */
export async function readAmphoraMetrics(socket = amphoraSocket): Promise<string> {
  const text = await askService(socket, metricsPath, deadlineMs).catch(() => '');
  const lines = text.split('\n').filter((line) => /^(?:# (?:HELP|TYPE) )?ha_amphora_/.test(line));
  return lines.map((line) => `${line}\n`).join('');
}
