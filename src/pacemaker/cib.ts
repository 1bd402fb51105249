import type { Host } from '../host.ts';
import { parseXml, type XmlElement } from '../parsers/xml.ts';
import { runPacemakerTool } from './tool.ts';

/**
 * The live CIB, configuration and status (cibadmin(8)).
 * @returns its root element `<cib>`
 * Faults: `unreadable_output`, those of runPacemakerTool.
 */
export async function readCib(host: Host): Promise<XmlElement> {
  const { stdout } = await runPacemakerTool(host, ['cibadmin', '--query']);
  return parseXml(stdout);
}
