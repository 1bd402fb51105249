import type { ControllerNode, NodeLinks, NodeWord } from '../controller/nodes/nodes.ts';
import { isContradicted } from '../controller/nodes/contradiction.ts';
import type { VrrpInstance } from '../controller/vrrp/instances.ts';
import type { StoredOrders } from '../controller/vrrp/orders.ts';
import type { NodeOutcome } from '../controller/vrrp/worker.ts';
import type { ReportedInstance } from '../keepalived/report.ts';
import { withoutPrefix } from '../kit/ip.ts';
import {
  type Group,
  type GroupView,
  type Member,
  memberStates,
  type MemberStatus,
  offline,
} from './gateway.ts';

/** A report that is older says nothing about now. A node reports at each transition and every 5 s. */
export const maxAgeMs = 15_000;

/** What is known of all nodes. */
export interface Knowledge {
  nodes: ReadonlyMap<number, ControllerNode>;
  links: Pick<NodeLinks, 'word' | 'isReachable' | 'refusal'>;
  trouble: (node: number) => NodeOutcome | undefined;
  orders: ReadonlyMap<number, StoredOrders>;
  /** By the clock of the words. */
  now: number;
}

/** What is known of one member. */
interface Witness {
  member: Member;
  node: ControllerNode | undefined;
  /** Its last word, however old. */
  word: NodeWord | undefined;
  /** What it says of each instance of the group; empty if its word does not count. */
  reported: readonly (ReportedInstance | undefined)[];
  isFresh: boolean;
  status: MemberStatus;
}

/**
 * Says of a group what its nodes say, never what was configured. Pure.
 * @param instances those of the group
 */
export function viewOf(
  group: Group,
  instances: readonly VrrpInstance[],
  knowledge: Knowledge,
): GroupView {
  const first = group.members.map((member) => witnessOf(member, group, instances, knowledge));
  const witnesses = first.map((each) => ({ ...each, status: overruled(each, first, knowledge) }));
  const isServed = group.status !== offline;
  const masters = witnesses.filter(({ status }) => status === memberStates.MASTER);
  const [master] = masters;
  const isHealthy =
    isServed &&
    master !== undefined &&
    masters.length === 1 &&
    hasAddresses(master, instances) &&
    !isFailing(master, group) &&
    witnesses.every((each) => each === master || foreignAddresses(each, instances).length === 0);
  const isOnline = isServed && witnesses.some(({ status }) => isTakingPart(status));
  return {
    ...group,
    isHealthy,
    isOnline,
    members: witnesses.map((each) => ({
      ...each.member,
      status: each.status,
      detail: detailOf(each, { group, instances, masters, knowledge }),
    })),
  };
}

function isTakingPart(status: MemberStatus): boolean {
  return status === memberStates.MASTER || status === memberStates.BACKUP;
}

function witnessOf(
  member: Member,
  group: Group,
  instances: readonly VrrpInstance[],
  { nodes, links, now }: Knowledge,
): Witness {
  const word = links.word(member.node);
  const isFresh = word !== undefined && now - word.receivedAt <= maxAgeMs;
  const counts = isFresh && word.report.isAnswering;
  const reported = counts
    ? instances.map(({ name }) => word.report.instances.find((each) => each.name === name))
    : [];
  const status = statusOf(reported, group);
  return { member, node: nodes.get(member.node), word, reported, isFresh, status };
}

function statusOf(
  reported: readonly (ReportedInstance | undefined)[],
  { status }: Group,
): MemberStatus {
  const states = reported.map((each) => each?.state);
  // An offline group may still be on a node, and whatever is there counts.
  const known = status === offline ? states.filter((each) => each !== undefined) : states;
  if (known.length === 0 || known.some((each) => each === undefined || each === 'INIT'))
    return memberStates.unknown;
  if (known.includes('FAULT')) return memberStates.FAULT;
  // IPv6 becomes MASTER up to 2 s after IPv4, so the group is served only then.
  return known.every((each) => each === 'MASTER') ? memberStates.MASTER : memberStates.BACKUP;
}

/**
 * The last word of a node that was cut off is wrong as soon as another node has taken over. The controller asks it again
 * then, and two that are MASTER both say so within milliseconds.
 */
function overruled(
  { member, status, word }: Witness,
  all: readonly Witness[],
  { links }: Knowledge,
): MemberStatus {
  if (status !== memberStates.MASTER) return status;
  const isAway = !links.isReachable(member.node);
  const isLater = all.some(
    (other) =>
      other.member.node !== member.node &&
      other.status === memberStates.MASTER &&
      ((isAway && (other.word?.receivedAt ?? 0) > (word?.receivedAt ?? 0)) ||
        isContradicted(word, other.word)),
  );
  return isLater ? memberStates.unknown : status;
}

/** Whether the kernel of the node has all addresses of the group. */
function hasAddresses({ reported }: Witness, instances: readonly VrrpInstance[]): boolean {
  return missingAddresses(reported, instances).length === 0;
}

function missingAddresses(
  reported: Witness['reported'],
  instances: readonly VrrpInstance[],
): string[] {
  return instances.flatMap(({ addresses }, index) => {
    const present = (reported[index]?.addresses ?? []).map(withoutPrefix);
    return addresses.map(withoutPrefix).filter((each) => !present.includes(each));
  });
}

/** Addresses of the group on a node that is not MASTER for them. */
function foreignAddresses({ reported }: Witness, instances: readonly VrrpInstance[]): string[] {
  return reported.flatMap((each, index) => {
    if (each === undefined || each.state === 'MASTER') return [];
    const own = (instances[index]?.addresses ?? []).map(withoutPrefix);
    return each.addresses.map(withoutPrefix).filter((address) => own.includes(address));
  });
}

/** A failing check lowers the priority. */
function isFailing({ member, reported }: Witness, { check }: Group): boolean {
  return (
    check !== null &&
    reported.some((each) => (each?.effectivePriority ?? member.priority) < member.priority)
  );
}

interface Context {
  group: Group;
  instances: readonly VrrpInstance[];
  masters: readonly Witness[];
  knowledge: Knowledge;
}

function detailOf(witness: Witness, context: Context): string {
  const { word, reported } = witness;
  const troubles = [
    ...troublesOfNode(witness, context),
    ...troublesOfGroup(witness, context),
    ...(word?.report.troubles ?? []),
  ];
  if (troubles.length > 0) return [...new Set(troubles)].join(' ');
  const states = reported.flatMap((each) => (each ? `${each.name} ${each.state}` : []));
  if (states.length === 0) return 'The group is offline.';
  return `keepalived ${word?.report.version ?? ''}: ${states.join(', ')}`;
}

/** What keeps the node from doing its part, or from saying so. */
function troublesOfNode(
  { member, node, word, isFresh }: Witness,
  { knowledge, group }: Context,
): string[] {
  const { links, trouble, orders } = knowledge;
  if (node === undefined) return ['This node is no longer registered.'];
  const found = [links.refusal(member.node), trouble(member.node)?.why].filter(
    (each) => each !== undefined,
  );
  if (word === undefined) return [...found, 'It has not reported since the controller started.'];
  if (!isFresh) return [...found, `Its last report is older than ${maxAgeMs / 1000} s.`];
  if (!word.report.isAnswering) return [...found, 'Its keepalived does not answer.'];
  const ordered = orders.get(member.node)?.orders;
  const isBehind =
    group.status !== offline &&
    ordered !== undefined &&
    word.report.running?.digest !== ordered.digest;
  return found.length === 0 && isBehind ? ['It does not run the last change yet.'] : found;
}

/** What is wrong with the group on the node. */
function troublesOfGroup(witness: Witness, { group, instances, masters }: Context): string[] {
  const { member, reported, status, word, isFresh } = witness;
  if (!isFresh || reported.length === 0) return [];
  const found: string[] = [];
  if (masters.length > 1 && masters.some((each) => each.member.node === member.node)) {
    const names = masters.map(({ node, member: { node: id } }) => node?.name ?? `${id}`);
    found.push(`${names.join(' and ')} are MASTER at the same time.`);
  }
  if (group.status === offline) {
    if (reported.some((each) => each !== undefined))
      found.push('It still has the group, although this is offline.');
    return found;
  }
  const missing = instances.filter((_each, index) => reported[index] === undefined);
  if (missing.length > 0)
    found.push(`Its keepalived does not have ${missing.map(({ name }) => name).join(' and ')}.`);
  if (status === memberStates.FAULT)
    found.push(`keepalived is in FAULT: ${member.interface} is down, or its check fails.`);
  if (status === memberStates.MASTER && !hasAddresses(witness, instances))
    found.push(`It is MASTER without ${missingAddresses(reported, instances).join(' and ')}.`);
  const foreign = foreignAddresses(witness, instances);
  if (foreign.length > 0) found.push(`It has ${foreign.join(' and ')}, and is not MASTER.`);
  if (isFailing(witness, group)) found.push('The check of the service fails.');
  for (const each of word?.report.otherRouters ?? []) {
    const isHere = each.interface === member.interface && each.routerId === group.routerId;
    if (isHere && instances.some(({ family }) => family === each.family))
      found.push(
        `Another router, ${each.source}, uses the router id ${group.routerId} on ${member.interface}.`,
      );
  }
  return found;
}
