import { readTextIfThere } from '../../kit/files/files.ts';
import type { PacemakerHost } from '../paths.ts';
import { withoutStatus } from '../../parsers/cib/text.ts';
import { parseXml, type XmlElement } from '../../parsers/xml.ts';
import { parseOutput, runPacemakerTool } from '../tool.ts';

/**
 * The live CIB (cibadmin(8)), without its status.
 * @returns XML
 * Faults: those of runPacemakerTool.
 */
export async function queryCib(host: PacemakerHost): Promise<string> {
  return withoutStatus(await queryWholeCib(host));
}

/**
 * The live CIB with its status, which is the history of resources on each node.
 * @returns XML
 * Faults: those of runPacemakerTool.
 */
export async function queryWholeCib(host: PacemakerHost): Promise<string> {
  return (await runPacemakerTool(host, ['cibadmin', '--query'])).stdout;
}

/** The CIB that Pacemaker last wrote to the disk of this node, or undefined if it never did. */
export function readCibFile({ paths }: PacemakerHost): Promise<string | undefined> {
  return readTextIfThere(paths.cib);
}

/**
 * The configuration in the live CIB (cibadmin(8)), without the status, which may be far larger.
 * @returns the element `<configuration>`
 * Faults: those of parseOutput.
 */
export function readConfiguration(host: PacemakerHost): Promise<XmlElement> {
  return parseOutput(host, ['cibadmin', '--query', '--scope', 'configuration'], parseXml);
}
