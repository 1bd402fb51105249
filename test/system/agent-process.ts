import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

import { kill, processesOf } from '../lab/groups.ts';
import type { Lab, LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';

/** The main process of the agent or another service of a node, by its pid on this machine. */
export async function agentProcess(lab: Lab, node: LabNode, service = 'ha-agent'): Promise<number> {
  const show = ['systemctl', 'show', '--property=MainPID', '--value', service] as const;
  const inside = (await node.run(show)).trim();
  for (const pid of await processesOf(lab.name, node.name)) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    if (new RegExp(`^NSpid:.*\\t${inside}$`, 'm').test(status)) return pid;
  }
  throw new Error(`No process of ${node.name} is that of ${service}.`);
}

/** Sends SIGKILL to the agent's main process, and waits until it is gone. */
export async function killAgentProcess(pid: number): Promise<void> {
  kill(pid);
  await waitUntil('the agent to be gone', () => !existsSync(`/proc/${pid}`), { everyMs: 5 });
}
