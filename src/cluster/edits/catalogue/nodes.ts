import { replaceCorosyncConf } from '../../../corosync/conf.ts';
import { lowerExpectedVotes } from '../../../corosync/expected-votes.ts';
import { removeCorosyncNode, type WithoutNode } from '../../../corosync/nodelist.ts';
import { reloadCorosync } from '../../../corosync/reload.ts';
import { Fault } from '../../../kit/fault.ts';
import type { ClusterHost } from '../../paths.ts';
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

/** Changes of a node. All have the fault `node_not_found`. */
export interface NodeChanges {
  /** Puts a node into standby: it runs no resources. */
  standby: (name: string) => ClusterChange<void>;
  /** Ends the standby of a node. */
  online: (name: string) => ClusterChange<void>;
  /** Puts a node into maintenance: the cluster starts and stops nothing on it. */
  maintenance: (name: string) => ClusterChange<void>;
  /** Ends the maintenance of a node. */
  unmaintenance: (name: string) => ClusterChange<void>;
  /** Powers it off and on again. Faults: those of fenceNode. */
  fence: (name: string) => ClusterChange<void>;
  /**
   * Removes a node that is down from the CIB and from this node's corosync.conf.
   * Faults: `node_online`, `node_is_local`, `node_not_forgotten`, those of removeCorosyncNode and of the commands.
   */
  remove: (name: string) => ClusterChange<void>;
}

export const nodeChanges: NodeChanges = {
  standby: (name) => flagged(name, 'standby', true),
  online: (name) => flagged(name, 'standby', false),
  maintenance: (name) => flagged(name, 'maintenance', true),
  /** Ends the maintenance of a node. */
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
          `${name} is the node that answers you. Ask another node to delete it, or destroy the cluster on this node.`,
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
        refuse([
          `The resource ${maker} makes the node ${name}. Delete ${maker} to remove the node.`,
        ]);
      }
      // The node may have left just now, and may have been the coordinator; see forgetNode.
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
 * Removes a node from corosync.conf, and has corosync reload the file.
 * @returns undefined if the file does not have the node
 * Faults: `node_online`, `node_not_found`, those of removeCorosyncNode, replaceCorosyncConf and reloadCorosync.
 */
async function removeFromCorosync(
  host: ClusterHost,
  name: string,
  states: readonly NodeState[],
): Promise<WithoutNode | undefined> {
  const listed = (await listedNodes(host)).get(name);
  // A member counts even if its Pacemaker is stopped: it votes, and corosync would report it to Pacemaker again.
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

/** The node is already deleted, so a failure here is only a warning. */
async function lowerVotes(
  host: ClusterHost,
  expected: number,
  warn: (warning: string) => void,
): Promise<void> {
  try {
    const seen = await lowerExpectedVotes(host, expected);
    if (seen <= expected) return;
    warn(
      `Corosync still expects ${seen} votes ('corosync-quorumtool -s' shows it); it will expect ${expected} after a restart on each node.`,
    );
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    warn(`Corosync could not be asked whether it expects ${expected} votes now: ${error.message}`);
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
 * Sets or ends a permanent attribute of a node, and ends the transient one of the same name, which would take precedence.
 * A warning names what may still set it.
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
          `The transient attribute ${flag} of ${name} was ended, but the cluster still shows it.`,
        );
      }
    },
  };
}

/** The places that may still set the attribute. Only the cluster knows whether they count. */
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

/** Adds a remote node to `<nodes>` if it had no attribute yet. Faults: `node_not_found` */
function nodeToEdit(configuration: EditableXml, name: string): EditableXml {
  const nodes = childToEdit(configuration, 'nodes');
  const present = nodes.children.find(({ attributes }) => attributes['uname'] === name);
  if (present) return present;
  checkNode(configuration, name);
  const added = newElement('node', { id: name, type: 'remote', uname: name });
  nodes.children.push(added);
  return added;
}
