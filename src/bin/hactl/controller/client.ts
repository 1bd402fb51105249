import { controllerSocket } from '../../../controller/paths.ts';
import { callService, type ServiceRequest } from '../../../kit/ask-service.ts';
import { Fault, type FaultCode, systemErrorCode } from '../../../kit/fault.ts';
import type { LocalStatus } from '../../../routes/controller/local.ts';
import { localBase } from '../../../routes/controller/local.ts';
import { faults } from '../../wiring/faults.ts';

/** The removal of a node waits until its keepalived has stopped. */
const deadlineMs = 90_000;

/** Asks ha-controller on this host. */
export type AskController = (request: ServiceRequest) => Promise<unknown>;

/**
 * @param socket where ha-controller answers
 * @returns a function with the JSON of an answer below 300.
 * Faults: `controller_not_running`, `controller_unresponsive`, those of the route
 */
export function makeAskController(socket = controllerSocket): AskController {
  return async ({ path, ...request }) => {
    const answer = await callService(
      socket,
      { ...request, path: `${localBase}${path}` },
      deadlineMs,
    ).catch((error: unknown) => {
      throw faultOf(error);
    });
    const json = jsonOf(answer.text);
    if (answer.status < 300 && json !== undefined) return json;
    throw problemOf(answer.status, json);
  };
}

/** Faults: as AskController */
export async function askStatus(ask: AskController): Promise<LocalStatus> {
  return (await ask({ method: 'GET', path: '/status' })) as LocalStatus;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The fault that the service has answered with. */
function problemOf(status: number, json: unknown): Fault {
  const { code, detail } = (typeof json === 'object' && json !== null ? json : {}) as {
    code?: unknown;
    detail?: unknown;
  };
  if (typeof code === 'string' && typeof detail === 'string' && code in faults) {
    return new Fault(code as FaultCode, detail);
  }
  return unresponsive(`It answers ${status}.`);
}

function faultOf(error: unknown): unknown {
  const code = systemErrorCode(error);
  // A caller without permission gets the system's own error, because that caller cannot tell whether it runs.
  if (code === 'EACCES') return error;
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new Fault(
      'controller_not_running',
      "ha-controller does not run on this host. 'systemctl status ha-controller' says why; 'systemctl enable --now ha-controller' starts it.",
    );
  }
  return unresponsive((error as Error).message);
}

function unresponsive(why: string): Fault {
  return new Fault(
    'controller_unresponsive',
    `ha-controller runs on this host and does not answer as it should: ${why.replace(/\.?$/, '.')} 'journalctl -u ha-controller' says more.`,
  );
}
