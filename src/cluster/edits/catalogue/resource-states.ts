import { Fault, type FaultCode } from '../../../kit/fault.ts';
import { queryCib } from '../../../pacemaker/cib/cib.ts';
import { readState } from '../../../pacemaker/crm-mon.ts';
import { cleanUp, restart } from '../../../pacemaker/resource.ts';
import { followIn } from '../../../parsers/cib/references.ts';
import { isFalse } from '../../../parsers/cib/values.ts';
import { type Instance, instancesOf } from '../../../parsers/crm-mon.ts';
import type { EditableXml } from '../../../parsers/xml-edit.ts';
import { isConfigured, resourceNotFound } from '../../resources.ts';
import { heldBackBy, warnOfNoManage, warnOfNoStop } from '../../why/held-back.ts';
import type { HeldBack } from '../../why/obstacles.ts';
import { cibChange, cibChangeOf, type ClusterChange, type Site } from '../cluster-change.ts';
import { type CibEdit, configurationIn, editConfiguration } from '../engine/cib-edit.ts';
import { membersOf, resourceIn, resourcesIn, templateOf } from '../engine/cib-elements.ts';
import { pairsIn, setPairs, unsetPair } from '../engine/cib-pairs.ts';

/** Stops a resource. A warning says if the cluster does not manage it. Faults of the edit: `resource_not_found`. */
export function stopResource(name: string): ClusterChange<void> {
  let heldBack: HeldBack;
  const edit = editConfiguration((configuration) => {
    stop(configuration, name);
    heldBack = heldBackBy(configuration, resourceIn(configuration, name));
  });
  return {
    edit,
    async carryOut(site) {
      await site.editCib(edit);
      await warnOfNoStop(site, name, heldBack);
    },
  };
}

/**
 * Starts a resource, with the clone around it or the resources inside. Warnings say what still keeps it from running.
 * Faults of the edit: `resource_not_found`.
 */
export function startResource(name: string): ClusterChange<void> {
  const edit = editConfiguration((configuration) => {
    const { element, around } = resourceIn(configuration, name);
    // As in pcs: a clone and the resource inside it both have to be allowed to run.
    const outside = around.slice(0, 1).filter(({ name: kind }) => kind !== 'group');
    const inside = element.name === 'group' ? [] : membersOf(element);
    for (const each of [element, ...outside, ...inside]) {
      unsetPair(each, 'meta_attributes', 'target-role');
    }
  });
  return cibChangeOf({ resource: name, isStarted: true }, edit);
}

/**
 * Cleans up a resource, even one that was removed but still runs. The change returns the tool's output.
 * Faults: `resource_not_found`, those of cleanUp.
 */
export function cleanUpResource(name: string): ClusterChange<string> {
  return {
    leavesConfiguration: true,
    async carryOut({ host, cib }) {
      if (!isConfigured(await cib(), name)) {
        if (instancesOf(await readState(host), name) === undefined) throw resourceNotFound(name);
      }
      return cleanUp(host, name);
    },
  };
}

/** Stops a resource and starts it again. Faults: `resource_not_found`, those of restart. */
export function restartResource(name: string): ClusterChange<void> {
  return {
    expects: { resource: name },
    waitsForResource: true,
    async carryOut({ host, editCib, notSettled }) {
      const former = targetRoles(configurationIn(await queryCib(host)), name);
      try {
        if (!(await restart(host, name))) notSettled();
      } catch (error) {
        // crm_resource takes its own stop back, unless it was killed.
        if (error instanceof Fault && killed.includes(error.code)) {
          await editCib(withTargetRoles(name, former)).catch(() => undefined);
        }
        throw error;
      }
    },
  };
}

/** Faults of Run after which a command could not clean up. */
const killed: readonly FaultCode[] = ['tool_timeout', 'tool_ended_by_signal', 'output_too_large'];

/** The target roles of a resource and of the resources around and inside it, by id. */
function targetRoles(configuration: EditableXml, name: string): Map<string, string | undefined> {
  const { element, around } = resourceIn(configuration, name);
  return new Map(
    [...around, ...resourcesIn(element)].map((each) => [
      each.attributes['id'] ?? '',
      pairsIn(each, 'meta_attributes')['target-role'],
    ]),
  );
}

/** Restores the target roles of resources that were not stopped before. */
function withTargetRoles(name: string, former: Map<string, string | undefined>): CibEdit {
  return editConfiguration((configuration) => {
    for (const [id, role] of targetRoles(configuration, name)) {
      if (role === 'Stopped' && former.get(id) !== role && former.has(id)) {
        const { element } = resourceIn(configuration, id);
        const pair = { 'target-role': former.get(id) ?? '' };
        setPairs(configuration, element, 'meta_attributes', pair);
      }
    }
  });
}

/**
 * Has the cluster manage a resource again, with the resources around and inside it. A warning says if it still does not.
 * Faults of the edit: `resource_not_found`.
 */
export function manageResource(name: string): ClusterChange<void> {
  let heldBack: HeldBack;
  const edit = editConfiguration((configuration, { warn }) => {
    const placed = resourceIn(configuration, name);
    const inside = resourcesIn(placed.element);
    for (const each of [...placed.around, ...inside]) {
      unsetPair(each, 'meta_attributes', 'is-managed');
    }
    for (const each of inside) warnOfNoMonitor(configuration, each, warn);
    heldBack = heldBackBy(configuration, placed);
  });
  return {
    edit,
    async carryOut(site) {
      await site.editCib(edit);
      await warnOfNoManage(site, name, heldBack);
    },
  };
}

function warnOfNoMonitor(
  configuration: EditableXml,
  element: EditableXml,
  warn: (text: string) => void,
) {
  const follow = followIn(configuration);
  const monitors = [element, templateOf(configuration, element)]
    .flatMap((each) => each?.children ?? [])
    .flatMap((each) => (each.name === 'operations' ? follow(each).children : []))
    .filter((operation) => operation.attributes['name'] === 'monitor');
  if (monitors.length === 0 || !monitors.every(({ attributes }) => isFalse(attributes['enabled'])))
    return;
  warn(`${element.attributes['id']} is managed, but none of its monitors is enabled.`);
}

/**
 * Has the cluster leave a resource as it is. Only primitives and bundles are marked, so that each primitive can be managed
 * again by itself. Faults of the edit: `resource_not_found`.
 */
export function unmanageResource(name: string): ClusterChange<void> {
  return cibChange(
    editConfiguration((configuration) => {
      const { element } = resourceIn(configuration, name);
      const left = resourcesIn(element).filter(
        ({ name: kind }) => kind === 'primitive' || kind === 'bundle',
      );
      for (const each of left) {
        setPairs(configuration, each, 'meta_attributes', { 'is-managed': 'false' });
      }
    }),
  );
}

export function stop(configuration: EditableXml, name: string): void {
  const { element } = resourceIn(configuration, name);
  setPairs(configuration, element, 'meta_attributes', { 'target-role': 'Stopped' });
}

export async function isRunning({ host }: Site, name: string): Promise<boolean> {
  return (instancesOf(await readState(host), name) ?? []).some(isActive);
}

export function isActive({ nodes }: Instance): boolean {
  return nodes.length > 0;
}
