import {
  always,
  anyOf,
  listOf,
  mapOf,
  part,
  record,
  text,
  texts,
} from '../../../server/table/schema.ts';
import { xmlElement } from './xml.ts';

/** A change of the CIB at one place. */
export const cibDifference = part(
  'CibDifference',
  anyOf(
    record({
      operation: always('create'),
      path: text,
      position: text,
      element: text,
      content: xmlElement,
    }),
    record({
      operation: always('modify'),
      path: text,
      'name?': text,
      set: mapOf(text),
      unset: texts,
    }),
    record({ operation: always('move'), path: text, position: text }),
    record({ operation: always('delete'), path: text }),
  ),
);

/** What a change of the CIB would do. */
export const dryRun = part(
  'DryRun',
  record({
    dry_run: always(true),
    version: text,
    actions: listOf(
      record({ action: text, 'resource?': text, 'node?': text, 'from?': text, 'detail?': text }),
    ),
    changes: listOf(cibDifference),
    warnings: texts,
  }),
);

export const named = record({ name: text });
export const namedOnNode = record({ node: text, name: text });
