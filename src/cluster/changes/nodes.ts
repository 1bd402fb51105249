import { Fault } from '../../errors.ts';
import { removeCorosyncNode } from '../../corosync/nodelist.ts';
import { replaceCorosyncConf } from '../../corosync/conf.ts';
import { reloadCorosync } from '../../corosync/reload.ts';
import { queryCib } from '../../pacemaker/cib.ts';
import { readState } from '../../pacemaker/crm-mon.ts';
import { fenceNode } from '../../pacemaker/fence.ts';
import { forgetNode, isListed, localNodeName } from '../../pacemaker/node.ts';
import { nodeStates } from '../../parsers/crm-mon.ts';
import { childToEdit, type EditableXml, newElement } from '../../parsers/xml-edit.ts';
import { nodeNotFound } from '../nodes.ts';
import { type Change, cibChange } from './changes.ts';
import { configurationIn, editConfiguration } from './cib-edit.ts';
import { checkNode, setPair, unsetPair } from './cib-elements.ts';

/** Changes of a node's state. Faults of all: `node_not_found`. */
export interface NodeChanges {
  /** From now on it runs nothing. */
  standby: (name: string) => Change<''>;
  /** The end of standby. */
  online: (name: string) => Change<''>;
  /** From now on nobody starts or stops anything on it. */
  maintenance: (name: string) => Change<''>;
  unmaintenance: (name: string) => Change<''>;
  /** Powers it off and on again. Faults: those of fenceNode. */
  fence: (name: string) => Change<''>;
  /**
   * Takes a node that is down out of the cluster: out of this node's corosync.conf, and of the CIB.
   * Faults: `node_online`, `node_is_local`, `node_not_forgotten`, those of the commands.
   */
  remove: (name: string) => Change<''>;
}

export const nodeChanges: NodeChanges = {
  standby: (name) => setFlag(name, 'standby', 'on'),
  online: (name) => unsetFlag(name, 'standby'),
  maintenance: (name) => setFlag(name, 'maintenance', 'on'),
  unmaintenance: (name) => unsetFlag(name, 'maintenance'),

  fence: (name) => ({
    leavesConfiguration: true,
    async carryOut({ host }) {
      checkNode(configurationIn(await queryCib(host)), name);
      await fenceNode(host, name);
      return '';
    },
  }),

  remove: (name) => ({
    async carryOut({ host, settle, warn }) {
      const [local, all] = await Promise.all([localNodeName(host), readState(host)]);
      const state = nodeStates(all).find((each) => each.name === name);
      if (name === local) {
        throw new Fault(
          'node_is_local',
          `${name} is the node that you asked. Ask another node to delete it, or destroy the cluster on this one.`,
        );
      }
      if (state?.online) {
        throw new Fault(
          'node_online',
          `${name} is in the cluster now, and would come back. Stop the cluster there first: GET /api/v2/system/ha/destroy on ${name} itself, or POST /api/v2/system/ha/services/corosync.service/stop; if nobody can be reached there, fence it and keep it off.`,
        );
      }
      // It may have left just now, and have been the coordinator; see forgetNode.
      await settle();
      const removed = await removeCorosyncNode(host, name);
      if (removed !== undefined) {
        await replaceCorosyncConf(host, removed.text);
        await reloadCorosync(host);
        if (removed.others > 1) {
          warn(
            `corosync.conf was changed on this node alone. Delete ${name} on each of the others as well.`,
          );
        }
      } else if (state === undefined && !(await isListed(host, name))) throw nodeNotFound(name);
      await forgetNode(host, name);
      return '';
    },
  }),
};

function setFlag(name: string, flag: string, value: string): Change<''> {
  return cibChange(
    editConfiguration((configuration) => {
      const node = nodeToEdit(configuration, name);
      const setId = `nodes-${node.attributes['id'] ?? ''}`;
      setPair(configuration, node, 'instance_attributes', setId, flag, value);
    }),
    '',
  );
}

function unsetFlag(name: string, flag: string): Change<''> {
  return cibChange(
    editConfiguration((configuration) => {
      unsetPair(nodeToEdit(configuration, name), 'instance_attributes', flag);
    }),
    '',
  );
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
