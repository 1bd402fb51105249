import { type CorosyncSection, isSection, maxCorosyncPathLength } from '../../../cluster/model.ts';
import { Fault } from '../../../kit/fault.ts';
import type { JsonObject, JsonValue } from './json.ts';

/**
 * The documented JSON. Sections and settings with the same name become an array, in file order, so that nothing is lost.
 * (Corosync uses the last setting of a name in most sections, the first one in `logger_subsys` and all in `uidgid`.)
 * `nodelist.node` is an array even for one node.
 */
export function corosyncConfAsJson({ name, content }: CorosyncSection): JsonObject {
  const values = new Map<string, JsonValue[]>();
  for (const each of content) {
    const [key, value] = isSection(each)
      ? [each.name, corosyncConfAsJson(each)]
      : [each.key, each.value];
    const present = values.get(key);
    if (present) present.push(value);
    else values.set(key, [value]);
  }
  return Object.fromEntries(
    [...values].map(([key, all]): [string, JsonValue] => {
      const [first, ...others] = all;
      const isList = others.length > 0 || (name === 'nodelist' && key === 'node');
      return [key, isList || first === undefined ? all : first];
    }),
  );
}

/**
 * Reads the documented JSON: strings are settings, objects are sections, and each member of an array is one of these.
 * @param json what a caller sent
 * @throws Fault `invalid_request` for any other type, and for names that are too long for corosync
 */
export function corosyncConfOfJson(json: unknown): CorosyncSection {
  return sectionOfJson('', json, '');
}

function sectionOfJson(name: string, json: unknown, path: string): CorosyncSection {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw invalid(
      `${path === '' ? 'The configuration' : `'${path.slice(1)}'`} is not as documented: a setting is a string such as "2", a section is an object, and an array has several of either.`,
    );
  }
  // This also limits how deep an object can be.
  if (path.length > maxCorosyncPathLength) {
    throw invalid(
      `'${path.slice(1, 41)}…' is nested deeper than corosync can hold, which is ${maxCorosyncPathLength} characters.`,
    );
  }
  const content = Object.entries(json).flatMap(([key, value]: [string, unknown]) =>
    (Array.isArray(value) ? value : [value]).map((each: unknown) =>
      typeof each === 'string' ? { key, value: each } : sectionOfJson(key, each, `${path}.${key}`),
    ),
  );
  return { name, content };
}

/** The message must not contain a value, which may be a secret, such as `totem.key`. */
function invalid(message: string): Fault {
  return new Fault('invalid_request', message);
}
