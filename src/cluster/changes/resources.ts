import { Fault } from '../../errors.ts';
import { queryWholeCib } from '../../pacemaker/cib.ts';
import { cleanUp, restart } from '../../pacemaker/resource.ts';
import { readState } from '../../pacemaker/crm-mon.ts';
import { instancesOf } from '../../parsers/crm-mon.ts';
import {
  childToEdit,
  type EditableXml,
  newElement,
  removeChildren,
} from '../../parsers/xml-edit.ts';
import { editWithPcs, type PcsWord } from '../../pcs/edit.ts';
import { isSecretName, masked } from '../../secrets.ts';
import type { ResourceAgents } from '../agents.ts';
import { resourceNotFound } from '../resources.ts';
import { type Change, cibChange, type Site } from './changes.ts';
import { type CibEdit, configurationIn, editConfiguration } from './cib-edit.ts';
import {
  checkIdIsFree,
  checkNode,
  findResource,
  freeId,
  idsIn,
  isClone,
  isFenceDevice,
  membersOf,
  resourceIn,
  setPair,
  unsetPair,
} from './cib-elements.ts';

export type Pairs = Readonly<Record<string, string>>;

/** An operation and its options: `interval`, `timeout`, `on-fail` … */
export interface OperationOptions {
  name: string;
  options: Pairs;
}

/** What can be said of a resource; a pair with an empty value is taken away. */
export interface ResourceOptions {
  params: Pairs;
  meta: Pairs;
  operations: readonly OperationOptions[];
}

export interface NewResource extends ResourceOptions {
  name: string;
  agent: string;
  /** Options of the clone that it is to be in. */
  clone: Pairs | undefined;
}

export interface GroupMembers {
  group: string;
  resources: readonly string[];
  order: { position: 'before' | 'after'; resource: string } | undefined;
}

/** Faults of the edit: `id_exists`, `agent_not_found`, `cluster_refused`. */
export function createResource(agents: ResourceAgents, resource: NewResource): Change<null> {
  return cibChange(async (xml, tools) => {
    checkIdIsFree(configurationIn(xml), resource.name);
    await agents.check(resource.agent);
    const { clone } = resource;
    const words = [
      ...['resource', 'create', resource.name, resource.agent],
      ...optionWords(resource),
      ...(clone ? ['clone', ...pairWords(clone)] : []),
    ];
    return pcsEdit(words)(xml, tools);
  }, null);
}

/** Faults of the edit: `resource_not_found`, `cluster_refused`. */
export function updateResource(name: string, options: ResourceOptions): Change<''> {
  return cibChange((xml, tools) => {
    resourceIn(configurationIn(xml), name);
    const words = optionWords(withoutMasks(options));
    return words.length === 0 ? xml : pcsEdit(['resource', 'update', name, ...words])(xml, tools);
  }, '');
}

/**
 * Stops a resource, or a fence device, and takes it out of the configuration, with all that speaks of it.
 * Faults: `resource_not_found` also if it is of the other kind, `resource_not_stopped`, `cluster_refused`.
 */
export function deleteResource(name: string, kind: 'resource' | 'stonith'): Change<string> {
  const check = (xml: string) => {
    const configuration = configurationIn(xml);
    const { element } = resourceIn(configuration, name);
    if (isFenceDevice(configuration, element) !== (kind === 'stonith'))
      throw resourceNotFound(name);
  };
  const edit: CibEdit = (xml, tools) => {
    check(xml);
    return pcsEdit([kind, 'delete', name])(xml, tools);
  };
  return {
    edit,
    async carryOut(site) {
      await site.editCib((xml, tools) => {
        check(xml);
        return stopping(name)(xml, tools);
      });
      await site.settle();
      if (await isRunning(site, name)) {
        throw new Fault(
          'resource_not_stopped',
          `${name} could not be stopped, so it was not deleted; it is configured to be stopped now. See what failed in GET /api/v2/system/ha/status, clean it up, and ask again.`,
        );
      }
      await site.editCib(edit);
      return `Attempting to stop: ${name}... Stopped\n`;
    },
  };
}

/** Faults of the edit: `resource_not_found`. */
export function stopResource(name: string): Change<{ name: string }> {
  return cibChange(stopping(name), { name });
}

/** Lets a resource run, and what it is in or what is in it, so that it can. Faults of the edit: `resource_not_found`. */
export function startResource(name: string): Change<{ name: string }> {
  return cibChange(
    editConfiguration((configuration) => {
      const { element, parent } = resourceIn(configuration, name);
      // As pcs: a clone runs only if what is in it may, and the other way round.
      const around = parent && (isClone(parent) || parent.name === 'bundle') ? [parent] : [];
      const inside = isClone(element) || element.name === 'bundle' ? membersOf(element) : [];
      for (const each of [element, ...around, ...inside]) {
        unsetPair(each, 'meta_attributes', 'target-role');
      }
    }),
    { name },
  );
}

/** Also of one that was removed but still runs. Faults: `resource_not_found`, those of cleanUp. */
export function cleanUpResource(name: string): Change<string> {
  return {
    async carryOut({ host }) {
      const configuration = configurationIn(await queryWholeCib(host));
      if (findResource(configuration, name) === undefined) {
        if (instancesOf(await readState(host), name) === undefined) throw resourceNotFound(name);
      }
      return cleanUp(host, name);
    },
  };
}

/** Faults: `resource_not_found`, those of restart. */
export function restartResource(name: string): Change<{ name: string }> {
  return {
    async carryOut({ host }) {
      resourceIn(configurationIn(await queryWholeCib(host)), name);
      await restart(host, name);
      return { name };
    },
  };
}

/** Lets the cluster start and stop a resource, or not. Faults of the edit: `resource_not_found`, `cluster_refused`. */
export function manageResource(
  name: string,
  action: 'manage' | 'unmanage',
): Change<{ name: string }> {
  return cibChange(
    (xml, tools) => {
      resourceIn(configurationIn(xml), name);
      return pcsEdit(['resource', action, name])(xml, tools);
    },
    { name },
  );
}

/** Keeps a resource off a node, for good. Faults of the edit: `resource_not_found`, `node_not_found`. */
export function banResource(name: string, node: string): Change<{ node: string; name: string }> {
  return cibChange(
    editConfiguration((configuration) => {
      resourceIn(configuration, name);
      checkNode(configuration, node);
      const constraints = childToEdit(configuration, 'constraints');
      const id = `cli-ban-${name}-on-${node}`;
      // Not by the id alone, which need not have the name of the node as it is.
      removeChildren(constraints, ({ attributes }) => {
        const { id: own = '', rsc, node: where } = attributes;
        return own.startsWith('cli-ban-') && rsc === name && where === node;
      });
      constraints.children.push(cliConstraint(configuration, id, name, node, '-INFINITY'));
    }),
    { node, name },
  );
}

/** Takes away what bans and moves left behind. Faults of the edit: `resource_not_found`. */
export function clearResource(name: string, node: string | undefined): Change<{ name: string }> {
  return cibChange(
    editConfiguration((configuration) => {
      resourceIn(configuration, name);
      removeChildren(childToEdit(configuration, 'constraints'), ({ attributes }) => {
        const { id = '', rsc } = attributes;
        const isCli = id.startsWith('cli-ban-') || id.startsWith('cli-prefer-');
        return isCli && rsc === name && (node === undefined || attributes['node'] === node);
      });
    }),
    { name },
  );
}

/** Faults of the edit: `resource_not_found`, `id_exists`, `cluster_refused`. */
export function cloneResource(
  name: string,
  id: string | undefined,
  options: Pairs,
): Change<{ name: string }> {
  return cibChange(
    (xml, tools) => {
      const configuration = configurationIn(xml);
      resourceIn(configuration, name);
      if (id !== undefined) checkIdIsFree(configuration, id);
      const words = ['resource', 'clone', name, ...(id === undefined ? [] : [id])];
      return pcsEdit([...words, ...pairWords(options)])(xml, tools);
    },
    { name },
  );
}

/** Faults of the edit: `resource_not_found`, `cluster_refused`. */
export function uncloneResource(name: string): Change<{ name: string }> {
  return cibChange(
    (xml, tools) => {
      resourceIn(configurationIn(xml), name);
      return pcsEdit(['resource', 'unclone', name])(xml, tools);
    },
    { name },
  );
}

/** Faults of the edit: `resource_not_found`, `id_exists`, `cluster_refused`. */
export function addToGroup({ group, resources, order }: GroupMembers): Change<null> {
  return cibChange((xml, tools) => {
    const configuration = configurationIn(xml);
    for (const name of [...resources, ...(order ? [order.resource] : [])]) {
      resourceIn(configuration, name);
    }
    const present = findResource(configuration, group)?.element;
    if (present?.name !== 'group') checkIdIsFree(configuration, group);
    const members = present ? membersOf(present).map(({ attributes }) => attributes['id']) : [];
    // pcs refuses what is in the group already; to move it there, its place has to be told.
    const missing = order ? resources : resources.filter((name) => !members.includes(name));
    if (missing.length === 0) return xml;
    const place = order ? [`--${order.position}`, order.resource] : [];
    return pcsEdit(['resource', 'group', 'add', group, ...place, ...missing])(xml, tools);
  }, null);
}

/**
 * Takes resources out of their group, all of them without a list; the group goes with the last.
 * Faults of the edit: `resource_not_found`, `cluster_refused`.
 */
export function removeFromGroup(group: string, resources: readonly string[]): Change<null> {
  return cibChange((xml, tools) => {
    const configuration = configurationIn(xml);
    for (const name of [group, ...resources]) resourceIn(configuration, name);
    return pcsEdit(['resource', 'group', 'remove', group, ...resources])(xml, tools);
  }, null);
}

/** An edit by pcs. Faults: those of editWithPcs. */
export function pcsEdit(words: readonly PcsWord[]): CibEdit {
  return (xml, { host, folder, warn }) => editWithPcs(host, folder, xml, words, warn);
}

/** What pcs takes behind the name of a resource: parameters, operations, meta attributes. */
export function optionWords({ params, meta, operations }: ResourceOptions): PcsWord[] {
  return [
    ...pairWords(params),
    ...(operations.length > 0 ? ['op'] : []),
    ...operations.flatMap(({ name, options }) => [name, ...pairWords(options)]),
    ...(Object.keys(meta).length > 0 ? ['meta', ...pairWords(meta)] : []),
  ];
}

/** A secret that came back as it was shown is to stay as it is. */
export function withoutMasks(options: ResourceOptions): ResourceOptions {
  const params = Object.entries(options.params).filter(
    ([name, value]) => !(value === masked && isSecretName(name)),
  );
  return { ...options, params: Object.fromEntries(params) };
}

function pairWords(pairs: Pairs): PcsWord[] {
  return Object.entries(pairs);
}

function stopping(name: string): CibEdit {
  return editConfiguration((configuration) => {
    const { element } = resourceIn(configuration, name);
    const setId = `${name}-meta_attributes`;
    setPair(configuration, element, 'meta_attributes', setId, 'target-role', 'Stopped');
  });
}

async function isRunning({ host }: Site, name: string): Promise<boolean> {
  const instances = instancesOf(await readState(host), name) ?? [];
  return instances.some(({ nodes }) => nodes.length > 0);
}

/** As crm_resource(8) makes them, so that its `--clear` knows them again. */
export function cliConstraint(
  configuration: EditableXml,
  id: string,
  rsc: string,
  node: string,
  score: string,
): EditableXml {
  return newElement('rsc_location', {
    id: freeId(idsIn(configuration), id),
    rsc,
    role: 'Started',
    node,
    score,
  });
}
