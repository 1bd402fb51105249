import type { Host } from '../host.ts';
import { parseXml, type XmlElement } from '../parsers/xml.ts';
import { parseOutput } from './tool.ts';

/**
 * The configuration in the live CIB (cibadmin(8)). Not the status beside it, which holds the history of
 * every resource on every node and may be far larger.
 * @returns the element `<configuration>`
 * Faults: those of parseOutput.
 */
export function readConfiguration(host: Host): Promise<XmlElement> {
  return parseOutput(host, ['cibadmin', '--query', '--scope', 'configuration'], parseXml);
}
