import type { AmphoraStatus } from '../../../amphora/status.ts';

export interface Finding {
  level: 'warning' | 'failing';
  text: string;
}

const dayMs = 24 * 3600 * 1000;
const warnBeforeMs = 14 * dayMs;

/** What is not well, the worst first. */
export function findingsOf(status: AmphoraStatus, now: number): Finding[] {
  const found = [
    ...ofProcesses(status),
    ...ofVrrp(status),
    ...status.ports
      .filter(({ isUp }) => !isUp)
      .map((port) => failing(`Port ${port.interface} is down or missing.`)),
    ...status.certificates.flatMap((each) => ofCertificate(each, now)),
    ...ofHeartbeat(status),
    ...status.problems.map(warning),
  ];
  return [
    ...found.filter(({ level }) => level === 'failing'),
    ...found.filter(({ level }) => level === 'warning'),
  ];
}

function ofProcesses({ owners, lvs }: AmphoraStatus): Finding[] {
  const listeners = [...owners.flatMap((owner) => owner.listeners), ...lvs];
  return listeners.flatMap(({ id, status }) => {
    if (status === 'ERROR') {
      return failing(`The process of listener ${id} died; a reload by the controller starts it.`);
    }
    return status === 'STOPPED' ? warning(`Listener ${id} is stopped.`) : [];
  });
}

function ofVrrp({ vrrp }: AmphoraStatus): Finding[] {
  if (vrrp.state === 'stopped') {
    return [failing("keepalived does not run; 'systemctl status amphora-keepalived' says why.")];
  }
  if (vrrp.state === 'FAULT') {
    return [failing('keepalived is in FAULT: its interface is down, or a check script fails.')];
  }
  return [];
}

function ofCertificate(
  { path, validTo }: AmphoraStatus['certificates'][number],
  now: number,
): Finding[] {
  const leftMs = Date.parse(validTo) - now;
  if (leftMs <= 0) return [failing(`${path} ended on ${validTo}; upload another one.`)];
  if (leftMs > warnBeforeMs) return [];
  return [warning(`${path} ends on ${validTo}; upload another one.`)];
}

function ofHeartbeat({ heartbeat }: AmphoraStatus): Finding[] {
  if (heartbeat?.error == null) return [];
  return [failing(heartbeat.error)];
}

function warning(text: string): Finding {
  return { level: 'warning', text };
}

function failing(text: string): Finding {
  return { level: 'failing', text };
}
