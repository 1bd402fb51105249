import { setTimeout as sleep } from 'node:timers/promises';

import type { Host } from '../host.ts';
import { changeWithPacemakerTool, runPacemakerTool } from './tool.ts';

/** This node's name in the cluster (crm_node(8)). Faults: those of runPacemakerTool. */
export async function localNodeName(host: Host): Promise<string> {
  return (await runPacemakerTool(host, ['crm_node', '--name'])).stdout.trim();
}

const attempts = 10;
const pauseMs = 300;

/**
 * Lets all nodes forget one that left (crm_node(8), `--remove`). What corosync tells of it a moment later makes
 * 2.1.5 remember it, and then it can be forgotten by its number alone.
 * Faults: those of changeWithPacemakerTool.
 */
export async function forgetNode(host: Host, name: string): Promise<void> {
  await changeWithPacemakerTool(host, ['crm_node', '--force', '--remove', name]);
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    await sleep(pauseMs);
    const { stdout } = await runPacemakerTool(host, ['crm_node', '--list']);
    const known = stdout.split('\n').map((line) => line.split(' '));
    const id = known.find(([, each]) => each === name)?.[0];
    if (id === undefined) return;
    await changeWithPacemakerTool(host, ['crm_node', '--force', '--remove', id]);
  }
}
