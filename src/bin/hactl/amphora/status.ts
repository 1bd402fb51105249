import type { Command } from 'commander';

import type { AmphoraStatus } from '../../../amphora/status.ts';
import { NotWell } from '../failure.ts';
import { printData, withOutput } from '../output.ts';
import { print, printTable } from '../print.ts';
import { readAmphoraStatus } from './client.ts';
import { findingsOf } from './verdict.ts';

/** Adds `status`. */
export function addStatusCommand(amphora: Command, socket: string): void {
  withOutput(amphora.command('status'))
    .summary('show load balancers, VIP, ports, certificates and heartbeats')
    .description(
      'Shows the load balancers and listeners of this amphora, who holds the VIP, its ports, its certificates with their ends, and the last heartbeat. As a check of a monitoring system it ends with 0 (well), 1 (warning) or 2 (failing).',
    )
    .action(async (_options: unknown, command: Command) => {
      const status = await readAmphoraStatus(socket);
      printData(command, status, () => {
        printStatus(status);
      });
      const findings = findingsOf(status, Date.now());
      const [worst] = findings;
      if (worst) {
        throw new NotWell(
          worst.level,
          findings.map(({ text }) => text),
        );
      }
    });
}

function printStatus(status: AmphoraStatus): void {
  const { uuid, topology, owners, lvs, vrrp, ports, certificates, heartbeat } = status;
  print(`Amphora ${uuid}, topology ${topology}`);
  print(`VIP ${vrrp.vips.join(', ') || '-'}: ${holderOf(vrrp.state)}`);
  print(`Last heartbeat: ${sentOf(heartbeat)}${heartbeat?.error ? ` (${heartbeat.error})` : ''}`);
  if (owners.length > 0) {
    printTable(
      ['OWNER', 'KIND', 'PROCESS', 'LISTENERS', 'ACTIVE'],
      owners.map(({ id, kind, isRunning, listeners }) => [
        id,
        kind,
        isRunning ? 'running' : 'stopped',
        listeners.length,
        listeners.filter(({ status: each }) => each === 'ACTIVE').length,
      ]),
    );
  }
  if (lvs.length > 0) {
    printTable(
      ['LVS LISTENER', 'STATE', 'TYPE'],
      lvs.map(({ id, status: state, type }) => [id, state, type]),
    );
  }
  if (ports.length > 0) {
    printTable(
      ['PORT', 'STATE', 'MAC', 'ADDRESSES'],
      ports.map(({ interface: name, isUp, mac, addresses }) => [
        name,
        isUp ? 'up' : 'down',
        mac,
        addresses.join(', ') || '-',
      ]),
    );
  }
  if (certificates.length > 0) {
    printTable(
      ['CERTIFICATE', 'VALID TO', 'NAMES'],
      certificates.map(({ path, validTo, names }) => [path, validTo, names]),
    );
  }
}

function sentOf(heartbeat: AmphoraStatus['heartbeat']): string {
  if (heartbeat?.at == null) return 'none since the start';
  return `${heartbeat.at} to ${heartbeat.to ?? '-'}`;
}

const holders: Readonly<Record<AmphoraStatus['vrrp']['state'], string>> = {
  MASTER: 'this host holds it (MASTER)',
  BACKUP: 'the other host holds it (BACKUP)',
  FAULT: 'this host cannot hold it (FAULT)',
  INIT: 'keepalived is starting (INIT)',
  stopped: 'keepalived does not run',
  absent: 'no keepalived is configured',
};

function holderOf(state: AmphoraStatus['vrrp']['state']): string {
  return holders[state];
}
