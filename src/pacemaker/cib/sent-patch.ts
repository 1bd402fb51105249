import { isDeepStrictEqual } from 'node:util';

import { Fault } from '../../kit/fault.ts';
import type { PacemakerHost } from '../paths.ts';
import { versionOfCib, withoutStatus } from '../../parsers/cib/text.ts';
import { type EditableXml, parseEditableXml } from '../../parsers/xml-edit.ts';
import type { XmlElement } from '../../parsers/xml.ts';
import { type CibDifference, cibDifferences } from './cib-differences.ts';
import { runPacemakerTool } from '../tool.ts';

/** A patch that cibadmin has sent. Its exit code 0 does not show that the CIB now has the wanted content. */
export interface SentPatch {
  differences: readonly CibDifference[];
  /** Whether the whole patch is printable ASCII. */
  isPlain: boolean;
  /** The CIB before the patch, and the wanted one, both without status. */
  base: EditableXml;
  cib: EditableXml;
  /** The version of the wanted configuration. */
  version: string;
}

/**
 * Whether the CIB of a node has the content that a patch was to make. A patch is applied as a whole or not at all. So for
 * a plain patch, the element of one difference is enough; otherwise the whole configuration is compared. The query contains
 * no values, because other users could read them in the process list.
 * @param node the node to ask (cibadmin(8), `--node`), by default this one. It gets the query after the patch, because both
 * go through corosync, which keeps their order.
 * Faults: `cluster_not_running`, `tool_timeout`, `tool_failed`, `unreadable_output`, those of Run.
 */
export async function showsPatch(
  host: PacemakerHost,
  node: string | undefined,
  patch: SentPatch,
): Promise<boolean> {
  const { differences, isPlain, version } = patch;
  if (isPlain && (await showsOne(host, node, differences))) return true;
  const { found, version: current } = await readCib(host, node);
  if (current === version) return isAsMeant(found, patch);
  // This node has applied the patch, and others have made further changes, perhaps to the same element.
  if (node === undefined && isPlain && isLater(current, version)) return true;
  // The same patch may delete an element and create it again.
  const stored = differences.filter(
    ({ operation }) => operation === 'create' || operation === 'modify',
  );
  return (stored.length > 0 ? stored : differences).every((each) => {
    const trace = traceOf(each);
    return trace === undefined || isShown(each, elementAt(found, trace.path));
  });
}

/**
 * The CIB of this node, if the patch led to a different one than was wanted.
 * @returns undefined if the CIB is as wanted, or if others may have changed it since
 * Faults: as showsPatch.
 */
export async function storedInstead(
  host: PacemakerHost,
  patch: SentPatch,
): Promise<EditableXml | undefined> {
  const { found, version } = await readCib(host);
  if (version !== patch.version || isAsMeant(found, patch)) return undefined;
  // A node that has just joined may have the coordinator's CIB, with another change of the same version.
  const isOurs = patch.differences.some((each) => {
    const path = traceOf(each)?.path ?? '';
    return !isDeepStrictEqual(elementAt(found, path), elementAt(patch.base, path));
  });
  return isOurs ? found : undefined;
}

async function readCib(
  host: PacemakerHost,
  node?: string,
): Promise<{ found: EditableXml; version: string }> {
  const { stdout } = await runPacemakerTool(host, ['cibadmin', '--query', ...onNode(node)]);
  return { found: parseEditableXml(withoutStatus(stdout)), version: versionOfCib(stdout) };
}

function onNode(node: string | undefined): string[] {
  return node === undefined ? [] : ['--node', node];
}

/** Whether the CIB is as wanted. The attributes of `<cib>` are ignored, because Pacemaker sets them. */
function isAsMeant(found: EditableXml, { cib }: SentPatch): boolean {
  return cibDifferences(found, { ...cib, attributes: found.attributes }).length === 0;
}

function isLater(one: string, other: string): boolean {
  const [[epochs, epoch], [otherEpochs, otherEpoch]] = [one, other].map((version) =>
    version.split('.').map(Number),
  ) as [number[], number[]];
  return epochs === otherEpochs && Number(epoch) > Number(otherEpoch);
}

/**
 * Whether the most significant difference is in the CIB. Its path must be ASCII: for others, cibadmin 3.0 exits with 64 in
 * the locale C, and 2.1 damages the query, so that no answer comes.
 */
async function showsOne(
  host: PacemakerHost,
  node: string | undefined,
  differences: readonly CibDifference[],
): Promise<boolean> {
  const [trace] = differences
    .flatMap((difference) => {
      const found = traceOf(difference);
      return found ? [{ ...found, difference }] : [];
    })
    .toSorted((a, b) => a.rank - b.rank);
  // The patch only moves elements.
  if (trace === undefined) return true;
  const query = ['cibadmin', '--query', ...onNode(node), '--xpath', trace.path] as const;
  const element = await runPacemakerTool(host, query).then(
    ({ stdout }) => parseEditableXml(stdout),
    (error: unknown) => {
      // CRM_EX_NOSUCH
      if (error instanceof Fault && error.command?.exitCode === 105) return undefined;
      throw error;
    },
  );
  return isShown(trace.difference, element);
}

/**
 * Where a difference can be seen in a CIB. Lower ranks are asked for first: a patch may delete an element and create it
 * again, so a creation is more significant.
 */
function traceOf(difference: CibDifference): { path: string; rank: number } | undefined {
  const { operation, path } = difference;
  switch (operation) {
    case 'create': {
      const { name, attributes } = difference.element;
      const { id } = attributes;
      // The paths of differences use only this kind of quotes.
      if (id?.includes("'") === true) return undefined;
      return { path: `${path}/${id === undefined ? name : `${name}[@id='${id}']`}`, rank: 0 };
    }
    case 'modify':
      return { path, rank: 1 };
    case 'delete':
      return { path, rank: 2 };
    case 'move':
      return undefined;
  }
}

/** Whether the element at the difference's trace shows the difference. */
function isShown(difference: CibDifference, element: XmlElement | undefined): boolean {
  switch (difference.operation) {
    case 'create':
      return isDeepStrictEqual(element, difference.element);
    case 'modify': {
      const { set, unset } = difference;
      return (
        Object.entries(set).every(([name, value]) => element?.attributes[name] === value) &&
        unset.every((name) => element?.attributes[name] === undefined)
      );
    }
    case 'delete':
      return element === undefined;
    case 'move':
      return true;
  }
}

/** The element at a difference's path (`/cib/configuration/constraints/rsc_order[@id='x']`). */
function elementAt(cib: XmlElement, path: string): XmlElement | undefined {
  const [, root, ...steps] = path.split('/');
  let element = root === cib.name ? cib : undefined;
  for (const step of steps) {
    const [, name, id] = /^([^[]+)(?:\[@id='([^']*)'\])?$/.exec(step) ?? [];
    element = element?.children.find(
      (each) => each.name === name && (id === undefined || each.attributes['id'] === id),
    );
  }
  return element;
}
