import { Fault } from '../../errors.ts';
import type { Host } from '../../host.ts';
import {
  type EditableXml,
  childToEdit,
  parseEditableXml,
  writeXml,
} from '../../parsers/xml-edit.ts';

/** What an edit has at hand. */
export interface EditTools {
  host: Host;
  /** A folder that is gone after the edit. */
  folder: string;
  /** For what a tool had to say on the way to success. */
  warn: (text: string) => void;
}

/**
 * Makes a new configuration of the one that it gets: a whole CIB, without status. Whether it is then put in
 * place or only tried is not its business, so it changes nothing else.
 */
export type CibEdit = (xml: string, tools: EditTools) => string | Promise<string>;

/**
 * An edit by us, in place.
 * @param edit gets the configuration, and the whole CIB that it is in
 */
export function editConfiguration(
  edit: (configuration: EditableXml, tools: EditTools, cib: EditableXml) => void | Promise<void>,
): CibEdit {
  return async (xml, tools) => {
    const cib = parseEditableXml(xml);
    await edit(childToEdit(cib, 'configuration'), tools, cib);
    return writeXml(cib);
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
