import { asXmlHasIt, type JsonObject } from './xml-to-json.ts';
import { child, children, parseXml, type XmlElement } from './xml.ts';

/** One change of a CIB, as Pacemaker's patches have it (format 2, xml_create_patchset in libcrmcommon). */
export type CibDifference =
  | { operation: 'create'; path: string; position?: string; element: string; content: JsonObject }
  | {
      operation: 'modify';
      path: string;
      /** Of what is changed, where it has one: of an `nvpair`, what its value means. */
      name?: string;
      set: Record<string, string>;
      unset: string[];
    }
  | { operation: 'move'; path: string; position?: string }
  | { operation: 'delete'; path: string };

/** Attributes that tell when and where a CIB was written, not what is configured. */
const bookkeeping = ['epoch', 'num_updates', 'admin_epoch', 'cib-last-written'];

/**
 * Reads what `crm_diff` prints. What changed in the version of the CIB alone is left out.
 * @throws Fault `unreadable_output`
 */
export function parseCibDiff(xml: string): CibDifference[] {
  return children(parseXml(xml), 'change').flatMap(differenceOf);
}

function differenceOf(change: XmlElement): CibDifference[] {
  const { operation, path = '', position } = change.attributes;
  const at = { path, ...(position !== undefined && { position }) };
  switch (operation) {
    case 'create': {
      const [element] = change.children;
      if (element === undefined) return [];
      return [{ operation, ...at, element: element.name, content: asXmlHasIt(element) }];
    }
    case 'modify': {
      const attributes = children(child(change, 'change-list'), 'change-attr')
        .map((each) => each.attributes)
        .filter(({ name = '' }) => path !== '/cib' || !bookkeeping.includes(name));
      if (attributes.length === 0) return [];
      const set = attributes.filter((each) => each['operation'] === 'set');
      const unset = attributes.filter((each) => each['operation'] === 'unset');
      const name = child(change, 'change-result')?.children[0]?.attributes['name'];
      return [
        {
          operation,
          path,
          ...(name !== undefined && { name }),
          set: Object.fromEntries(set.map((each) => [each['name'] ?? '', each['value'] ?? ''])),
          unset: unset.map((each) => each['name'] ?? ''),
        },
      ];
    }
    case 'move':
      return [{ operation, ...at }];
    case 'delete':
      return [{ operation, path }];
    default:
      return [];
  }
}
