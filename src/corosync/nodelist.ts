import { isIPv4 } from 'node:net';

import { Fault } from '../kit/fault.ts';
import type { Host } from '../kit/host.ts';
import {
  isSection,
  locateCorosyncConf,
  type LocatedSection,
  type LocatedSetting,
} from '../parsers/corosync/conf.ts';
import { readNodeIds } from './cmap.ts';
import { readCorosyncConfFile } from './conf.ts';

/** A node as Pacemaker knows it. */
export interface KnownNode {
  name: string;
  /** Its number, which is corosync's too. */
  id: number;
}

/** What becomes of corosync.conf without a node. */
export interface WithoutNode {
  /** The file as it was, and as it is to be. */
  former: string;
  text: string;
  /** How many nodes are left. */
  others: number;
  /** What the file calls the node: its name, else its address. */
  called: string;
  votes: VotesLeft;
}

interface VotesLeft {
  /** The votes that corosync has to expect; undefined if that depends on more than the file. */
  expected: number | undefined;
  /** What somebody should know of them. */
  warnings: string[];
}

/** A node in the file. */
interface FileNode {
  section: LocatedSection;
  name: string | undefined;
  address: string | undefined;
  id: number | undefined;
  votes: number;
}

/** A text whose lines are changed one by one. */
interface Editing {
  remove: (from: number, to?: number) => void;
  setValue: (setting: LocatedSetting, value: string) => void;
  /** Puts a setting on a line of its own behind another, with the same indent. */
  addBehind: (setting: LocatedSetting, line: string) => void;
  text: () => string;
}

/**
 * The text of corosync.conf without a node, whoever wrote it; all other lines stay as they are, to the byte. The votes
 * are put right, see removeVotes.
 *
 * The node is the one that has its name; or the one without a name that has its address for a name, or its number: what
 * `nodeid` says, else what corosync made of the address.
 * @param name the name that Pacemaker knows it by
 * @param known the nodes of the cluster that Pacemaker knows, except remote ones
 * @returns undefined if there is no file, or if the node is surely not in it
 * Faults: `node_not_matched` if it cannot be told which node it is, `corosync_conf_invalid` if corosync would not start with
 * what is left, `corosync_conf_unreadable`, those of readNodeIds.
 */
export async function removeCorosyncNode(
  host: Host,
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
    // Of a number that nobody has, it is not certain that corosync made it.
    return known.some((each) => each.id === id) ? id : undefined;
  };
  const node = await find(host, nodes, { name, known, idOf });
  if (node === undefined) return undefined;
  const editing = edit(former);
  editing.remove(node.section.from, node.section.to);
  const votes = nodes.filter((each) => each.section !== node.section).map((each) => each.votes);
  const votesLeft = removeVotes(editing, conf, votes, node.id);
  return {
    ...{ former, text: editing.text(), others: votes.length },
    ...{ called: called(node), votes: votesLeft },
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
 * The number that corosync makes of an IPv4 address where the file has none: its 32 bits, as totemip.c in 3.1 does, without the
 * first one if `clear_node_high_bit` says so (corosync.conf(5)). The map of 3.1.2 has it for no node, that of 3.1.7 for all.
 */
function idOfIpv4(address: string, isHighBitCleared: boolean): number | undefined {
  if (!isIPv4(address)) return undefined;
  const id = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  return isHighBitCleared ? id % 2 ** 31 : id;
}

/** Faults: `node_not_matched`, those of readNodeIds. */
async function find(
  host: Host,
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
    // Corosync 3 does not start without one.
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

/**
 * Puts right what depends on the votes of the nodes (votequorum(5); corosync-qdevice(8) for those of a device):
 *
 * - `expected_votes` counts for more than the list of nodes, so it must not be above what is left. It may be below.
 * - `two_node` is for two nodes of one vote each, and neither together with a quorum device nor with `auto_tie_breaker`
 *   or `last_man_standing`. One that says 0 is what other tools write for three nodes, and is no wish for two.
 * - The votes of a device with the algorithm `lms` are one less than those of the nodes.
 * - A tie breaker that is gone breaks no tie.
 * @param votes of each node that is left
 * @param id of the node that goes
 * Faults: `corosync_conf_invalid`
 */
function removeVotes(
  editing: Editing,
  conf: LocatedSection,
  votes: readonly number[],
  id: number | undefined,
): VotesLeft {
  const sections = sectionsIn([conf], 'quorum');
  const provider = settingsIn(sections, 'provider').at(-1);
  if (provider?.value !== 'corosync_votequorum') return { expected: undefined, warnings: [] };
  const isOn = (key: string) => Number(settingsIn(sections, key).at(-1)?.value ?? 0) !== 0;
  const removeAll = (settings: readonly LocatedSetting[]) => {
    for (const { line } of settings) editing.remove(line);
  };
  const warnings: string[] = [];
  const sum = votes.reduce((total, each) => total + each, 0);

  const devices = sectionsIn(sections, 'device');
  const hasDevice = (settingsIn(devices, 'model').at(-1)?.value ?? '') !== '';
  const deviceSetting = settingsIn(devices, 'votes').at(-1);
  let deviceVotes = Number(deviceSetting?.value ?? sum - 1);
  const algorithm = settingsIn(sectionsIn(devices, 'net'), 'algorithm').at(-1)?.value;
  if (deviceSetting && algorithm === 'lms' && deviceVotes > sum - 1) {
    deviceVotes = sum - 1;
    editing.setValue(deviceSetting, `${deviceVotes}`);
  }

  const expectedSettings = settingsIn(sections, 'expected_votes');
  const expectedSetting = expectedSettings.at(-1);
  let expected = sum;
  if (expectedSetting) {
    const before = Number(expectedSetting.value);
    expected = Math.min(before, sum + (hasDevice ? deviceVotes : 0));
    // Fewer than two votes besides the device's, and corosync does not start; without the setting it counts itself.
    if (hasDevice && deviceVotes > 0 && expected - deviceVotes < 2) removeAll(expectedSettings);
    else if (expected !== before) editing.setValue(expectedSetting, `${expected}`);
  }

  const hasOtherRule = hasDevice || isOn('auto_tie_breaker') || isOn('last_man_standing');
  const isPair = votes.length === 2 && votes.every((each) => each === 1) && expected === 2;
  const twoNode = settingsIn(sections, 'two_node');
  if (!isPair || hasOtherRule) {
    if (isOn('two_node')) removeAll(twoNode);
  } else if (!isOn('two_node')) {
    const last = twoNode.at(-1);
    if (last) editing.setValue(last, '1');
    else editing.addBehind(provider, 'two_node: 1');
    warnings.push(
      'two_node is on in corosync.conf now: each of the two nodes that are left keeps quorum alone, and after a start of both waits for the other.',
    );
  }

  if (isOn('auto_tie_breaker') && sum % 2 === 1 && !isOn('wait_for_all')) {
    if (isOn('last_man_standing')) {
      throw new Fault(
        'corosync_conf_invalid',
        `An odd number of votes would be left, ${sum}, and with auto_tie_breaker and last_man_standing corosync starts with that only if wait_for_all is on. Nothing was changed. Put 'wait_for_all: 1' into the section quorum of corosync.conf on each node, restart the cluster, then ask again.`,
      );
    }
    warnings.push(
      `An odd number of votes is left, ${sum}: corosync turns auto_tie_breaker off unless wait_for_all is on in corosync.conf.`,
    );
  }
  for (const breakers of [
    settingsIn(sections, 'auto_tie_breaker_node'),
    settingsIn(sectionsIn(devices, 'net'), 'tie_breaker'),
  ]) {
    const last = breakers.at(-1);
    const ids = last?.value.split(/[ \t]+/) ?? [];
    const left = ids.filter((each) => Number(each) !== id);
    if (last === undefined || left.length === ids.length) continue;
    if (left.length > 0) editing.setValue(last, left.join(' '));
    else {
      removeAll(breakers);
      warnings.push(
        `The node was the only one in ${last.key}; now the lowest number breaks a tie.`,
      );
    }
  }
  const isTracked = isOn('expected_votes_tracking') || isOn('allow_downscale');
  if (isTracked) {
    warnings.push(
      'Corosync keeps the highest expected votes that it has seen on disk, and starts with those: remove the file ev_tracking in /var/lib/corosync on each node while corosync is stopped there.',
    );
  }
  return { expected: hasDevice || isTracked ? undefined : expected, warnings };
}

function sectionsIn(sections: readonly LocatedSection[], name: string): LocatedSection[] {
  return sections
    .flatMap(({ content }) => content.filter(isSection))
    .filter((each) => each.name === name);
}

/** In file order; corosync heeds the last. */
function settingsIn(sections: readonly LocatedSection[], key: string): LocatedSetting[] {
  return sections
    .flatMap(({ content }) => content.filter((each): each is LocatedSetting => !isSection(each)))
    .filter((each) => each.key === key);
}

function edit(text: string): Editing {
  const lines = text.split('\n');
  const edited = lines.map((line) => [line]);
  const at = (line: number) => lines[line] ?? '';
  const lineEnd = (line: string) => (line.endsWith('\r') ? '\r' : '');
  return {
    remove(from, to = from) {
      for (let line = from; line <= to; line += 1) edited[line] = [];
    },
    setValue({ line }, value) {
      const raw = at(line);
      const [start = ''] = /^[^:]*:[ \t]*/.exec(raw) ?? [];
      edited[line] = [`${start}${value}${lineEnd(raw)}`];
    },
    addBehind({ line }, added) {
      const raw = at(line);
      const [indent = ''] = /^[ \t]*/.exec(raw) ?? [];
      edited[line] = [raw, `${indent}${added}${lineEnd(raw)}`];
    },
    text: () => edited.flat().join('\n'),
  };
}
