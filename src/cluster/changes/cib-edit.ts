import { Fault } from '../../errors.ts';
import type { Host } from '../../host.ts';
import { type EditableXml, childToEdit, parseEditableXml } from '../../parsers/xml-edit.ts';

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

/** @param edit gets the configuration, and the whole CIB that it is in */
export function editConfiguration(
  edit: (configuration: EditableXml, tools: EditTools, cib: EditableXml) => void | Promise<void>,
): CibEdit {
  return (cib, tools) => edit(childToEdit(cib, 'configuration'), tools, cib);
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
