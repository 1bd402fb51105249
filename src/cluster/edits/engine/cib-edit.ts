import { isDeepStrictEqual } from 'node:util';

import { Fault } from '../../../kit/fault.ts';
import type { ClusterHost } from '../../paths.ts';
import {
  type EditableXml,
  childToEdit,
  parseEditableXml,
  removeChildren,
} from '../../../parsers/xml-edit.ts';
import { problemsOfLost, referencesIn } from './shared-parts.ts';

/** The tools of an edit. */
export interface EditTools {
  host: ClusterHost;
  /** Tells the caller something about an edit that succeeds. */
  warn: (text: string) => void;
}

/**
 * Changes a whole CIB without status in place. It changes nothing else, because the result may be sent to the cluster or
 * only tried.
 */
export type CibEdit = (cib: EditableXml, tools: EditTools) => void | Promise<void>;

/**
 * Makes an edit that is refused (`cluster_refused`) if it removes something that is still referred to. Pacemaker would
 * refuse that without a reason.
 * @param edit gets the configuration, and the whole CIB around it
 */
export function editConfiguration(
  edit: (configuration: EditableXml, tools: EditTools, cib: EditableXml) => void | Promise<void>,
): CibEdit {
  return async (cib, tools) => {
    const configuration = childToEdit(cib, 'configuration');
    const references = referencesIn(configuration);
    await edit(configuration, tools, cib);
    refuse(problemsOfLost(configuration, references));
  };
}

/** The configuration of a CIB, for reading. */
export function configurationIn(xml: string): EditableXml {
  return childToEdit(parseEditableXml(xml), 'configuration');
}

/**
 * Refuses an edit before anything is changed.
 * @param problems the reasons, a sentence each
 * Faults: `cluster_refused`, unless nothing was found.
 */
export function refuse(problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new Fault('cluster_refused', `${problems.join(' ')} Nothing was changed.`);
}

/**
 * Makes an edit of one section of the configuration, and the edit that takes it back. The second one restores the changed
 * parts, unless somebody else has changed them since.
 * @param sectionOf finds the section or element that contains the parts
 * @param isPart selects the children that the edit changes, adds or removes
 */
export function reversibleEdit(
  sectionOf: (configuration: EditableXml) => EditableXml | undefined,
  isPart: (child: EditableXml) => boolean,
  edit: Parameters<typeof editConfiguration>[0],
): { edit: CibEdit; takeBack: CibEdit } {
  const partsIn = (configuration: EditableXml) =>
    structuredClone(sectionOf(configuration)?.children.filter(isPart) ?? []);
  let before: EditableXml[] = [];
  let after: EditableXml[] = [];
  return {
    edit: editConfiguration(async (configuration, tools, cib) => {
      const former = partsIn(configuration);
      await edit(configuration, tools, cib);
      [before, after] = [former, partsIn(configuration)];
    }),
    takeBack: editConfiguration((configuration) => {
      const section = sectionOf(configuration);
      if (section === undefined || !isDeepStrictEqual(partsIn(configuration), after)) return;
      const first = section.children.findIndex(isPart);
      removeChildren(section, isPart);
      section.children.splice(
        first < 0 ? section.children.length : first,
        0,
        ...structuredClone(before),
      );
    }),
  };
}
