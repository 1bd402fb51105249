import type { CibDifference } from '../../../pacemaker/cib/cib-differences.ts';
import { contentOf, type XmlContent } from '../../../parsers/xml-content.ts';
import { isSecretName, masked } from '../../../kit/secrets/secret-names.ts';
import { maskText } from '../../../kit/secrets/masking.ts';

/** A difference as the caller and the audit log get it, with its secrets masked. */
export type RecordedDifference =
  | { operation: 'create'; path: string; position: string; element: string; content: XmlContent }
  | {
      operation: 'modify';
      path: string;
      /** The name of the changed element, if it has one. The name of an `nvpair` says what its value means. */
      name?: string;
      set: Record<string, string>;
      unset: readonly string[];
    }
  | { operation: 'move'; path: string; position: string }
  | { operation: 'delete'; path: string };

/** Prepares a difference for the caller and the audit log. */
export function recordedDifference(difference: CibDifference): RecordedDifference {
  const { operation, path } = difference;
  switch (operation) {
    case 'create': {
      const { element } = difference;
      const position = String(difference.position);
      const content = maskContent(contentOf(element));
      return { operation, path, position, element: element.name, content };
    }
    case 'modify': {
      const { name } = difference.element.attributes;
      const isSecret = isSecretName(name ?? '');
      const set = Object.entries(difference.set).map(([key, value]): [string, string] => [
        key,
        isSecret ? masked : maskText(value),
      ]);
      return {
        operation,
        path,
        ...(name !== undefined && { name }),
        set: Object.fromEntries(set),
        unset: difference.unset,
      };
    }
    case 'move':
      return { operation, path, position: String(difference.position) };
    case 'delete':
      return { operation, path };
  }
}

/** Masks the value of each pair with the name of a secret, at any depth. */
function maskContent(content: XmlContent): XmlContent {
  const name = content['name'];
  const isSecret = typeof name === 'string' && isSecretName(name);
  return Object.fromEntries(
    Object.entries(content).map(([key, value]): [string, XmlContent[string]] => {
      if (key === 'value' && isSecret) return [key, masked];
      if (typeof value === 'string') return [key, maskText(value)];
      const all = value.map((each) =>
        typeof each === 'string' ? maskText(each) : maskContent(each),
      );
      return [key, all];
    }),
  );
}
