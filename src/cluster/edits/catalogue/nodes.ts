import { replaceCorosyncConf } from '../../../corosync/conf.ts';
import { lowerExpectedVotes } from '../../../corosync/expected-votes.ts';
import { removeCorosyncNode, type WithoutNode } from '../../../corosync/nodelist.ts';
import { reloadCorosync } from '../../../corosync/reload.ts';
import { Fault } from '../../../kit/fault.ts';
import type { Host } from '../../../kit/host.ts';
import { queryCib } from '../../../pacemaker/cib/cib.ts';
import { readState } from '../../../pacemaker/crm-mon.ts';
import { fenceNode } from '../../../pacemaker/fence.ts';
import {
  endTransientAttribute,
  forgetNode,
  listedNodes,
  localNodeName,
} from '../../../pacemaker/node.ts';
import { followIn } from '../../../parsers/cib/references.ts';
import { type NodeState, nodeStates } from '../../../parsers/crm-mon.ts';
import { childToEdit, type EditableXml, newElement } from '../../../parsers/xml-edit.ts';
import { nodeNotFound } from '../../nodes.ts';
import type { ClusterChange } from '../cluster-change.ts';
import { configurationIn, refuse, reversibleEdit } from '../engine/cib-edit.ts';
import { checkNode, makerOf } from '../engine/cib-nodes.ts';
import { hasTrue, setPair, unsetPair } from '../engine/cib-pairs.ts';

/** Changes of a node's state. Faults of all: `node_not_found`. */
export interface NodeChanges {
  /** From now on it runs nothing. */
  standby: (name: string) => ClusterChange<void>;
  /** The end of standby. */
  online: (name: string) => ClusterChange<void>;
  /** From now on nobody starts or stops anything on it. */
  maintenance: (name: string) => ClusterChange<void>;
  unmaintenance: (name: string) => ClusterChange<void>;
  /** Powers it off and on again. Faults: those of fenceNode. */
  fence: (name: string) => ClusterChange<void>;
  /**
   * Takes a node that is down out of the cluster: out of this node's corosync.conf, and of the CIB.
   * Faults: `node_online`, `node_is_local`, `node_not_forgotten`, those of removeCorosyncNode and of the commands.
   */
  remove: (name: string) => ClusterChange<void>;
}

export const nodeChanges: NodeChanges = {
  standby: (name) => flagged(name, 'standby', true),
  online: (name) => flagged(name, 'standby', false),
  maintenance: (name) => flagged(name, 'maintenance', true),
  unmaintenance: (name) => flagged(name, 'maintenance', false),

  fence: (name) => ({
    leavesConfiguration: true,
    async carryOut({ host }) {
      checkNode(configurationIn(await queryCib(host)), name);
      await fenceNode(host, name);
    },
  }),

  remove: (name) => ({
    async carryOut({ host, settle, warn }) {
      const [local, all] = await Promise.all([localNodeName(host), readState(host)]);
      const states = nodeStates(all);
      const state = states.find((each) => each.name === name);
      if (name === local) {
        throw new Fault(
          'node_is_local',
          `${name} is the node that you asked. Ask another node to delete it, or destroy the cluster on this one.`,
        );
      }
      if (state?.online) {
        throw new Fault(
          'node_online',
          `${name} is in the cluster now, and would come back. Stop the cluster there first: ask ${name} itself to destroy its cluster, or to stop the service corosync. If nobody can be reached there, fence it and keep it off.`,
        );
      }
      const maker = makerOf(configurationIn(await queryCib(host)), name);
      if (maker !== undefined) {
        refuse([`${name} is a node by the resource ${maker}. Delete ${maker} to be rid of it.`]);
      }
      // It may have left just now, and have been the coordinator; see forgetNode.
      await settle();
      const removed = state?.remote ? undefined : await removeFromCorosync(host, name, states);
      for (const warning of warningsOf(removed)) warn(warning);
      await forgetNode(host, name);
      const expected = removed?.votes.expected;
      if (expected !== undefined) await lowerVotes(host, expected, warn);
    },
  }),
};

/**
 * Takes a node out of corosync.conf, and lets corosync read it.
 * @returns undefined if it is not in there
 * Faults: `node_online`, `node_not_found`, those of removeCorosyncNode, replaceCorosyncConf and reloadCorosync.
 */
async function removeFromCorosync(
  host: Host,
  name: string,
  states: readonly NodeState[],
): Promise<WithoutNode | undefined> {
  const listed = (await listedNodes(host)).get(name);
  // Also while its Pacemaker is stopped: it votes, and corosync would tell Pacemaker of it again.
  if (listed?.isMember) {
    throw new Fault(
      'node_online',
      `Pacemaker does not run on ${name}, but corosync does, and ${name} would come back. Ask ${name} itself to stop the service corosync first.`,
    );
  }
  const known = new Map(
    states.filter(({ remote }) => !remote).map((each) => [each.name, Number(each.id)]),
  );
  if (listed && !known.has(name)) known.set(name, Number(listed.id));
  const removed = await removeCorosyncNode(
    host,
    name,
    [...known].map(([each, id]) => ({ name: each, id })),
  );
  if (removed === undefined) {
    if (!known.has(name)) throw nodeNotFound(name);
    return undefined;
  }
  await replaceCorosyncConf(host, removed.text);
  try {
    await reloadCorosync(host);
  } catch (error) {
    await replaceCorosyncConf(host, removed.former);
    throw error;
  }
  return removed;
}

/** The node is deleted by now, so that what goes wrong here is no more than a warning. */
async function lowerVotes(
  host: Host,
  expected: number,
  warn: (warning: string) => void,
): Promise<void> {
  try {
    const seen = await lowerExpectedVotes(host, expected);
    if (seen <= expected) return;
    warn(
      `Corosync still expects ${seen} votes ('corosync-quorumtool -s' shows it); it will expect ${expected} when it is restarted on each node.`,
    );
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    warn(`Whether corosync expects ${expected} votes now could not be seen: ${error.message}`);
  }
}

function warningsOf(removed: WithoutNode | undefined): string[] {
  if (removed === undefined) return [];
  const { others, called, votes } = removed;
  if (others < 2) return votes.warnings;
  return [
    `corosync.conf was changed on this node alone. Delete ${called} on each of the others as well.`,
    ...votes.warnings,
  ];
}

/**
 * Sets or ends a permanent attribute of a node, and ends the transient one of the same name, which would count before it.
 * What says otherwise all the same is warned of.
 */
function flagged(
  name: string,
  flag: 'standby' | 'maintenance',
  isOn: boolean,
): ClusterChange<void> {
  const { edit, takeBack } = reversibleEdit(
    (configuration) => childToEdit(configuration, 'nodes'),
    ({ attributes }) => attributes['uname'] === name,
    (configuration, { warn }) => {
      const node = nodeToEdit(configuration, name);
      const setId = `nodes-${node.attributes['id'] ?? ''}`;
      const kind = 'instance_attributes';
      if (isOn) setPair(configuration, node, kind, setId, flag, 'on');
      else unsetPair(node, kind, flag);
      if (isOn) return;
      for (const each of leftOf(configuration, node, flag))
        warn(`${name} may stay as it is: ${each}.`);
    },
  );
  const endsTransient = { node: name, name: flag };
  return {
    edit,
    takeBack,
    endsTransient,
    async carryOut(site) {
      const found = await site.editCib(edit);
      if (!(await endTransientAttribute(site.host, endsTransient, found))) {
        site.notSettled();
        site.warn(
          `The transient attribute ${flag} of ${name} has been ended, but the cluster shows it still.`,
        );
      }
    },
  };
}

/** What may still say of a node what was ended: whether it counts is the cluster's to say. */
function leftOf(configuration: EditableXml, node: EditableXml, flag: string): string[] {
  const follow = followIn(configuration);
  const isLeft = node.children.some((set) =>
    follow(set).children.some((pair) => follow(pair).attributes['name'] === flag),
  );
  const isForAll = hasTrue(configuration, 'crm_config', 'maintenance-mode');
  return [
    ...(isLeft ? [`a set of its attributes with a rule or a reference has ${flag}`] : []),
    ...(isForAll && flag === 'maintenance'
      ? ['the property maintenance-mode puts the whole cluster into maintenance']
      : []),
  ];
}

/** Remote nodes are in `<nodes>` only from their first attribute on. Faults: `node_not_found` */
function nodeToEdit(configuration: EditableXml, name: string): EditableXml {
  const nodes = childToEdit(configuration, 'nodes');
  const present = nodes.children.find(({ attributes }) => attributes['uname'] === name);
  if (present) return present;
  checkNode(configuration, name);
  const added = newElement('node', { id: name, type: 'remote', uname: name });
  nodes.children.push(added);
  return added;
}
