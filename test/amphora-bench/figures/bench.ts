import { setTimeout as sleep } from 'node:timers/promises';

import { agentConfigurationText } from '../../lab/amphora/agent-configuration.ts';
import type { Driver } from '../../lab/amphora/driver.ts';
import { type AmphoraLab, type AmphoraNode, memberPlug, vipPlug } from '../../lab/amphora/lab.ts';
import { tenant } from '../../lab/amphora/networks.ts';
import type { Witness } from './witness.ts';

/** One of the two agents that are measured. */
export interface Measured {
  readonly name: 'real' | 'ours';
  readonly node: AmphoraNode;
  /** Its number for the driver. */
  readonly amphora: number;
  readonly unit: string;
  /** The unit of the haproxy of a load balancer. */
  haproxyUnit(lb: string): string;
}

export interface FigureBench {
  readonly lab: AmphoraLab;
  readonly driver: Driver;
  readonly witness: Witness;
  readonly real: Measured;
  readonly ours: Measured;
}

/** The two agents of a lab whose agents are `both`. */
export function measuredIn(lab: AmphoraLab): Pick<FigureBench, 'real' | 'ours'> {
  const [first, second] = lab.nodes;
  if (first === undefined || second === undefined) throw new Error('Two nodes are needed.');
  return {
    real: {
      name: 'real',
      node: first,
      amphora: 0,
      unit: 'amphora-agent.service',
      haproxyUnit: (lb) => `haproxy-${lb}.service`,
    },
    ours: {
      name: 'ours',
      node: second,
      amphora: 1,
      unit: 'ha-amphora.service',
      haproxyUnit: (lb) => `amphora-haproxy@${lb}.service`,
    },
  };
}

export const bothOf = ({ real, ours }: FigureBench): readonly Measured[] => [real, ours];

/** Plugs the cards of both amphorae, so that haproxy can start. */
export async function plugBoth(bench: FigureBench): Promise<void> {
  const { driver } = bench;
  for (const { node, amphora } of bothOf(bench)) {
    if ((await node.ports()).length > 0) continue;
    await driver.play({ do: 'discover', amphora });
    const vip = await node.hotplug('vip');
    const info = vipPlug(node, vip);
    await driver.play({ do: 'plug_vip', vip: tenant.vip.address, info, amphora });
    const members = await node.hotplug('members');
    await driver.play({ do: 'plug_network', port: memberPlug(node, members), amphora });
  }
}

/** Lets both agents send a heartbeat each so many seconds. */
export async function setHeartbeats(bench: FigureBench, seconds: number): Promise<void> {
  const { lab, driver } = bench;
  for (const { node, amphora } of bothOf(bench)) {
    const text = agentConfigurationText({
      amphoraId: node.id,
      controllers: [`${lab.controller}:5555`],
      heartbeatKey: lab.heartbeatKey,
      heartbeatInterval: seconds,
      topology: lab.topology,
    });
    await driver.play({ do: 'discover', amphora });
    await driver.play({ do: 'update_amphora_agent_config', text, amphora });
  }
}

export interface Request {
  method: string;
  path: string;
  body?: string;
}

/**
 * Milliseconds of one request of the driver's own client, with a connection of its own.
 * @throws {Error} if its answer is a failure
 */
export async function timeOf(
  driver: Driver,
  { amphora }: Pick<Measured, 'amphora'>,
  request: Request,
): Promise<number> {
  const { exchanges, error } = await driver.attempt({ do: 'request', ...request, amphora });
  const [exchange] = exchanges;
  if (exchange?.status === undefined || exchange.status >= 300) {
    throw new Error(
      `${request.method} ${request.path}: ${error ?? ''} ${exchange?.status ?? ''} ${exchange?.body?.slice(0, 500) ?? ''}`,
    );
  }
  return exchange.ms;
}

/** A try counts only if the machine did not stand still for longer. */
export const maxLateMs = 50;

export interface Times {
  /** Milliseconds, in the order of the subjects. */
  times: number[][];
  lateMs: number;
  repeated: number;
}

/**
 * Tries each subject in turn, so that other work of the machine hurts all of them alike. A try in which the machine stood
 * still is repeated, in all as often as there are tries at the most.
 * @param subjects return milliseconds
 */
export async function alternately(
  witness: Witness,
  count: number,
  subjects: readonly ((round: number) => Promise<number>)[],
): Promise<Times> {
  const found: Times = { times: subjects.map(() => []), lateMs: 0, repeated: 0 };
  const maxRepeats = count * subjects.length;
  for (let round = 0; round < count; round += 1) {
    for (const [index, subject] of subjects.entries()) {
      for (;;) {
        const begun = performance.now();
        const ms = await subject(round + 100 * found.repeated);
        // The witness reports a delay when it is over.
        await sleep(12);
        const late = witness.worstSince(begun);
        if (late > maxLateMs && found.repeated < maxRepeats) {
          found.repeated += 1;
          continue;
        }
        found.lateMs = Math.max(found.lateMs, late);
        found.times[index]?.push(ms);
        break;
      }
    }
  }
  return found;
}
