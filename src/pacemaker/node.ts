import { setTimeout as sleep } from 'node:timers/promises';

import { Fault } from '../kit/fault.ts';
import type { PacemakerHost } from './paths.ts';
import { type TransientAttribute, withoutTransient } from '../parsers/cib/text.ts';
import { queryWholeCib } from './cib/cib.ts';
import { changeWithPacemakerTool, runPacemakerTool } from './tool.ts';

/** This node's name in the cluster (crm_node(8)). Faults: those of runPacemakerTool. */
export async function localNodeName(host: PacemakerHost): Promise<string> {
  return (await runPacemakerTool(host, ['crm_node', '--name'])).stdout.trim();
}

const attempts = 10;

/** A node that Pacemaker lists. */
export interface ListedNode {
  id: string;
  /** Whether corosync has it in the same partition as this node. */
  isMember: boolean;
}

/**
 * Removes an attribute that a node has until it leaves the cluster (crm_attribute(8), `--lifetime=reboot`), and waits until
 * the CIB no longer has it.
 * @param found the whole CIB of a moment ago: most nodes have no such attribute, and then no command is run
 * @param pauseMs milliseconds until the CIB is read again; each further pause is longer by the same amount
 * @returns whether the node does not have the attribute now
 * Faults: those of queryWholeCib and changeWithPacemakerTool.
 */
export async function endTransientAttribute(
  host: PacemakerHost,
  attribute: TransientAttribute,
  found: string,
  pauseMs = 300,
): Promise<boolean> {
  if (!isSetIn(found, attribute)) return true;
  const { node, name } = attribute;
  await changeWithPacemakerTool(host, [
    'crm_attribute',
    `--node=${node}`,
    `--name=${name}`,
    '--lifetime=reboot',
    '--delete',
  ]);
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    if (!isSetIn(await queryWholeCib(host), attribute)) return true;
    await sleep(attempt * pauseMs);
  }
  return false;
}

/** This does not use XPath: cibadmin accepts only ASCII names in it, and XPath cannot quote every name. */
function isSetIn(whole: string, attribute: TransientAttribute): boolean {
  return withoutTransient(whole, attribute) !== whole;
}

/**
 * The nodes that Pacemaker lists, by name, including those that left (crm_node(8), `--list`).
 * Faults: those of runPacemakerTool.
 */
export async function listedNodes(host: PacemakerHost): Promise<ReadonlyMap<string, ListedNode>> {
  const { stdout } = await runPacemakerTool(host, ['crm_node', '--list']);
  const lines = stdout.split('\n').map((line) => line.split(' '));
  return new Map(
    lines.map(([id = '', name = '', state]): [string, ListedNode] => [
      name,
      { id, isMember: state === 'member' },
    ]),
  );
}

/**
 * Makes all nodes forget one that left (crm_node(8), `--remove`). A later message of corosync makes 2.1.5 remember the
 * node, and then it can be removed only by its number.
 * @param pauseMs milliseconds until Pacemaker is asked whether it still lists the node; each further pause is longer by the
 *   same amount. On a busy machine, corosync mentions the node seconds later.
 * Faults: `node_not_forgotten` if Pacemaker still lists it after all attempts, those of changeWithPacemakerTool.
 */
export async function forgetNode(host: PacemakerHost, name: string, pauseMs = 300): Promise<void> {
  let wanted = name;
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    await changeWithPacemakerTool(host, ['crm_node', '--force', '--remove', wanted]);
    await sleep(attempt * pauseMs);
    const id = (await listedNodes(host)).get(name)?.id;
    if (id === undefined) return;
    // Alternates between name and number. A node without a number (0) can be removed only by its name.
    wanted = wanted === name && id !== '0' ? id : name;
  }
  throw new Fault(
    'node_not_forgotten',
    `Pacemaker still lists ${name} after ${attempts} tries to remove it ('crm_node --list' shows it). The corosync.conf of this node no longer has it. Try the delete again; if that does not help, check whether corosync on another node still knows it ('corosync-cmapctl nodelist').`,
  );
}
