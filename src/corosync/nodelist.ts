import { isIPv4 } from 'node:net';

import { Fault } from '../kit/fault.ts';
import type { CorosyncHost } from './paths.ts';
import { locateCorosyncConf, type LocatedSection } from '../parsers/corosync/conf.ts';
import { readNodeIds } from './cmap.ts';
import { edit, sectionsIn, settingsIn } from './conf-edit.ts';
import { readCorosyncConfFile } from './conf.ts';
import { removeVotes, type VotesLeft } from './node-votes.ts';

/** A node as Pacemaker knows it. */
export interface KnownNode {
  name: string;
  /** Its number, which is corosync's too. */
  id: number;
}

/** corosync.conf without a node. */
export interface WithoutNode {
  /** The file before and after. */
  former: string;
  text: string;
  /** The number of nodes that are left. */
  others: number;
  /** What the file calls the node: its name, or else its address. */
  called: string;
  votes: VotesLeft;
}

/** A node in the file. */
interface FileNode {
  section: LocatedSection;
  name: string | undefined;
  address: string | undefined;
  id: number | undefined;
  votes: number;
}

/**
 * Removes a node from the text of corosync.conf, whoever wrote it. All other lines stay the same to the byte, except that
 * the votes are corrected, see removeVotes.
 *
 * The node in the file is the one with that name. If it has no name there, it is the one whose address is the name, or
 * whose number is the node's. The number is `nodeid`, or else the one that corosync made from the address.
 * @param name the node's name in Pacemaker
 * @param known the nodes of the cluster that Pacemaker knows, except remote ones
 * @returns undefined if there is no file, or if the node is certainly not in it
 * Faults: `node_not_matched` if it is unclear which node it is, `corosync_conf_invalid` if corosync would not start with the
 * result, `corosync_conf_unreadable`, those of readNodeIds.
 */
export async function removeCorosyncNode(
  host: CorosyncHost,
  name: string,
  known: readonly KnownNode[] = [],
): Promise<WithoutNode | undefined> {
  const former = await readCorosyncConfFile(host);
  if (former === undefined) return undefined;
  const conf = locateCorosyncConf(former);
  const nodes = nodesIn(conf);

  const totem = sectionsIn([conf], 'totem');
  const isHighBitCleared = settingsIn(totem, 'clear_node_high_bit').at(-1)?.value === 'yes';
  const idOf = (address: string) => {
    const id = idOfIpv4(address, isHighBitCleared);
    // If no known node has the number, corosync may not have made it.
    return known.some((each) => each.id === id) ? id : undefined;
  };
  const node = await find(host, nodes, { name, known, idOf });
  if (node === undefined) return undefined;
  const editing = edit(former);
  editing.remove(node.section.from, node.section.to);
  const votes = nodes.filter((each) => each.section !== node.section).map((each) => each.votes);
  const votesLeft = removeVotes(editing, conf, votes, node.id);
  return {
    former,
    text: editing.text(),
    others: votes.length,
    called: called(node),
    votes: votesLeft,
  };
}

function nodesIn(conf: LocatedSection): FileNode[] {
  return sectionsIn(sectionsIn([conf], 'nodelist'), 'node').map((section) => {
    const last = (key: string) => settingsIn([section], key).at(-1)?.value;
    const id = last('nodeid');
    return {
      section,
      name: last('name'),
      address: last('ring0_addr'),
      id: id === undefined ? undefined : Number(id),
      votes: Number(last('quorum_votes') ?? 1),
    };
  });
}

/**
 * The number that corosync makes from an IPv4 address if the file has none (totemip.c in 3.1): its 32 bits, without the
 * first one if `clear_node_high_bit` is set (corosync.conf(5)). The map of 3.1.2 has it for no node, that of 3.1.7 for all.
 */
function idOfIpv4(address: string, isHighBitCleared: boolean): number | undefined {
  if (!isIPv4(address)) return undefined;
  const id = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  return isHighBitCleared ? id % 2 ** 31 : id;
}

/** Faults: `node_not_matched`, those of readNodeIds. */
async function find(
  host: CorosyncHost,
  fromFile: readonly FileNode[],
  {
    name,
    known,
    idOf,
  }: {
    name: string;
    known: readonly KnownNode[];
    idOf: (address: string) => number | undefined;
  },
): Promise<FileNode | undefined> {
  const id = known.find((each) => each.name === name)?.id;
  const isNamed = (node: FileNode) => (node.name ?? node.address) === name;
  const needsIds =
    !fromFile.some(isNamed) && id !== undefined && fromFile.some((node) => node.id === undefined);
  const ids = needsIds ? await readNodeIds(host) : undefined;
  const nodes = fromFile.map((node) => {
    const { address = '' } = node;
    return { ...node, id: node.id ?? (ids && (ids.get(address) ?? idOf(address))) };
  });

  const found = nodes.filter((node) => isNamed(node) || (id !== undefined && node.id === id));
  const [node, another] = found;
  if (node !== undefined && another !== undefined) {
    throw notMatched(name, `${called(node)} and ${called(another)} could both be it`);
  }
  if (node === undefined) {
    // Corosync 3 does not start without a list of nodes.
    if (id !== undefined && nodes.length === 0) throw notMatched(name, 'it has no list of nodes');
    const unclear = nodes.find((each) => each.name === undefined && each.id === undefined);
    if (id === undefined || unclear === undefined) return undefined;
    throw notMatched(name, `${called(unclear)} has neither a name nor a number`);
  }
  const owner = known.find(
    (each) => each.name !== name && (each.id === node.id || each.name === node.name),
  );
  if (owner === undefined) return { ...node, id: node.id ?? id };
  throw notMatched(name, `Pacemaker knows the node ${called(node)} there as ${owner.name}`);
}

const called = (node: FileNode) => node.name ?? node.address ?? `with the number ${node.id ?? ''}`;

function notMatched(name: string, why: string): Fault {
  return new Fault(
    'node_not_matched',
    `corosync.conf on this node does not tell which of its nodes ${name} is: ${why}. Nothing was changed. Compare the file with 'crm_node --list' and 'corosync-cmapctl nodelist.', give each node in it the name and nodeid that it has there, then ask again.`,
  );
}
