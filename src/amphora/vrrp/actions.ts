import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { Fault, type FaultCode } from '../../kit/fault.ts';
import type { KeepalivedProcess } from '../../keepalived/state.ts';
import type { Action } from '../amphora.ts';
import { isPlainFile, type VrrpFiles } from './files.ts';
import { instanceNamesOf } from './instances.ts';
import { type VrrpService, vrrpUnit } from './service.ts';

export interface ActionParts {
  files: VrrpFiles;
  check: (file: string) => Promise<void>;
  keepalived: KeepalivedProcess;
  service: VrrpService;
}

/** keepalived looks up the name of the host when it starts, and that may take 10 s in each process. */
const upMs = 30_000;
const lookEveryMs = 100;

const seeJournal = `'journalctl --unit ${vrrpUnit}' shows why.`;

/**
 * @returns a function that does what is asked, and returns what it did: a start of what runs is a reload, and a reload
 * of what does not run is a start
 */
export function makeActions(parts: ActionParts): (action: Action) => Promise<Action> {
  return async (action) => {
    if (action === 'stop') {
      await stop(parts);
      return 'stop';
    }
    const isRunning = (await parts.keepalived.pid()) !== undefined;
    await (isRunning ? reload(parts) : start(parts));
    return isRunning ? 'reload' : 'start';
  };
}

async function start({ files, keepalived, service }: ActionParts): Promise<void> {
  const code = 'keepalived_not_started';
  const names = await namesIn(files, code);
  await control(service, 'start', code);
  if (!(await isUp(keepalived, service, names))) {
    // systemd would start it again and again, although the caller knows that it failed.
    await service.control('stop');
    throw new Fault(code, `keepalived was started and does not serve. ${seeJournal}`);
  }
  // After a reboot, the VIP has to come up without the controller.
  await control(service, 'enable', code);
}

async function reload({ files, check, keepalived, service }: ActionParts): Promise<void> {
  const code = 'keepalived_not_reloaded';
  const names = await namesIn(files, code);
  // keepalived 2.2 and 2.3 end on a reload with an instance that cannot be, and leave their addresses behind.
  await check(files.config).catch((error: unknown) => {
    throw error instanceof Fault && error.code === 'keepalived_config_refused'
      ? new Fault(code, error.message)
      : error;
  });
  await control(service, 'reload', code);
  if (!(await isUp(keepalived, service, names))) {
    throw new Fault(code, `keepalived was reloaded and does not serve. ${seeJournal}`);
  }
  await control(service, 'enable', code);
}

async function stop({ service }: ActionParts): Promise<void> {
  const code = 'keepalived_not_stopped';
  await control(service, 'stop', code);
  await control(service, 'disable', code);
}

async function namesIn(files: VrrpFiles, code: FaultCode): Promise<string[]> {
  if (!(await isPlainFile(files.config))) {
    throw new Fault(code, 'keepalived has no configuration. Upload one, then try again.');
  }
  return instanceNamesOf(await readFile(files.config, 'utf8'));
}

async function control(
  service: VrrpService,
  action: Parameters<VrrpService['control']>[0],
  code: FaultCode,
): Promise<void> {
  const isDone = await service.control(action).catch((error: unknown) => {
    throw error instanceof Fault && error.code === 'service_failed'
      ? new Fault(code, error.message)
      : error;
  });
  if (!isDone) {
    throw new Fault(code, `systemd did not ${action} ${vrrpUnit} in time. ${seeJournal}`);
  }
}

/** @returns whether keepalived has the instances of its configuration, as soon as that is certain */
async function isUp(
  keepalived: KeepalivedProcess,
  service: VrrpService,
  names: readonly string[],
): Promise<boolean> {
  const wanted = names.toSorted().join();
  for (let waited = 0; waited < upMs; waited += lookEveryMs) {
    const instances = await keepalived.instances();
    const found = instances?.map(({ name }) => name);
    if (found?.toSorted().join() === wanted) return true;
    if (instances === undefined && !(await service.isActive())) return false;
    await sleep(lookEveryMs);
  }
  return false;
}
