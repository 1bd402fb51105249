import type { JsonSchema } from '../../../server/table/field.ts';
import { anyOf, listOf, mapOf, part, partNamed, text } from '../../../server/table/schema.ts';

/** An element in the form of XML: attributes as text, child elements as lists under their names, text as `$t`. */
export const xmlElement: JsonSchema = part(
  'XmlElement',
  mapOf(anyOf(text, listOf(anyOf(partNamed('XmlElement'), text)))),
);

/** An attribute or child elements without a documented name. */
export const xmlRest = anyOf(text, listOf(xmlElement));

/** The output of crm_mon, by the rules of the documented converter. */
export const crmMonValue: JsonSchema = part(
  'CrmMonValue',
  anyOf(text, listOf(partNamed('CrmMonValue')), mapOf(partNamed('CrmMonValue'))),
);
