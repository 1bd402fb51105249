import { isDeepStrictEqual } from 'node:util';

import { Fault } from '../../../kit/fault.ts';
import type { Host } from '../../../kit/host.ts';
import {
  type EditableXml,
  childToEdit,
  parseEditableXml,
  removeChildren,
} from '../../../parsers/xml-edit.ts';
import { problemsOfLost, referencesIn } from './shared-parts.ts';

/** What an edit has at hand. */
export interface EditTools {
  host: Host;
  /** For what a tool had to say on the way to success. */
  warn: (text: string) => void;
}

/**
 * Makes a new configuration of the one that it gets, in place: a whole CIB, without status. Whether it is then put
 * in place in the cluster or only tried is not its business, so it changes nothing else.
 */
export type CibEdit = (cib: EditableXml, tools: EditTools) => void | Promise<void>;

/**
 * An edit that is refused if it takes away what something else still refers to, for Pacemaker would refuse that without a
 * reason (`cluster_refused`).
 * @param edit gets the configuration, and the whole CIB that it is in
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

/** The configuration of a CIB, to look at. */
export function configurationIn(xml: string): EditableXml {
  return childToEdit(parseEditableXml(xml), 'configuration');
}

/**
 * Refuses an edit for what was found before anything is changed, a sentence each.
 * Faults: `cluster_refused`, unless nothing was found.
 */
export function refuse(problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new Fault('cluster_refused', `${problems.join(' ')} Nothing was changed.`);
}

/**
 * An edit of one section of the configuration, and the edit that takes it back: it leaves the section as it was, unless
 * somebody else has changed those parts since.
 * @param sectionOf finds the section, or what else the parts stand in
 * @param isPart tells the children that the edit changes, adds or removes
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
