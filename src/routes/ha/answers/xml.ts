import type { JsonSchema } from '../../../server/table/field.ts';
import { anyOf, listOf, mapOf, part, partNamed, text } from '../../../server/table/schema.ts';

/** An element as XML has it: attributes as text, child elements as lists under their names, text as `$t`. */
export const xmlElement: JsonSchema = part(
  'XmlElement',
  mapOf(anyOf(text, listOf(anyOf(partNamed('XmlElement'), text)))),
);

/** An attribute or child elements that the document has no name for. */
export const xmlRest = anyOf(text, listOf(xmlElement));

/** What crm_mon says, by the rules of the converter that the document goes by. */
export const crmMonValue: JsonSchema = part(
  'CrmMonValue',
  anyOf(text, listOf(partNamed('CrmMonValue')), mapOf(partNamed('CrmMonValue'))),
);
