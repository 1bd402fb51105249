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

/** An edit by us, in place. */
export function editConfiguration(edit: (configuration: EditableXml) => void): CibEdit {
  return (xml) => {
    const root = parseEditableXml(xml);
    edit(childToEdit(root, 'configuration'));
    return writeXml(root);
  };
}

/** The configuration of a CIB, to look at. */
export function configurationIn(xml: string): EditableXml {
  return childToEdit(parseEditableXml(xml), 'configuration');
}
