import { isDeepStrictEqual } from 'node:util';

import { Fault } from '../../kit/fault.ts';
import type { Host } from '../../kit/host.ts';
import { versionOfCib, withoutStatus } from '../../parsers/cib.ts';
import { type EditableXml, parseEditableXml } from '../../parsers/xml-edit.ts';
import type { XmlElement } from '../../parsers/xml.ts';
import { type CibDifference, cibDifferences } from './cib-differences.ts';
import { runPacemakerTool } from '../tool.ts';

/** A patch that cibadmin has sent. Its exit code 0 does not say that the CIB now holds what was meant. */
export interface SentPatch {
  differences: readonly CibDifference[];
  /** Whether all that it says is printable ASCII. */
  isPlain: boolean;
  /** The CIB that it was made of, and the one that is meant, both without status. */
  base: EditableXml;
  cib: EditableXml;
  /** The version of the configuration that is meant. */
  version: string;
}

/**
 * Whether the CIB of a node holds what a patch meant. A patch is applied whole or not at all, so for a plain one the
 * element of one difference is enough; else the whole configuration is compared. No value is asked for, which other
 * users could read in the process list.
 * @param node cibadmin(8), `--node`: gets the question after the patch, for both go through corosync, which keeps
 * their order. Without one, this node.
 * Faults: `cluster_not_running`, `tool_timeout`, `tool_failed`, `unreadable_output`, those of Run.
 */
export async function showsPatch(
  host: Host,
  node: string | undefined,
  patch: SentPatch,
): Promise<boolean> {
  const { differences, isPlain, version } = patch;
  if (isPlain && (await showsOne(host, node, differences))) return true;
  const { found, version: current } = await readCib(host, node);
  if (current === version) return isAsMeant(found, patch);
  // This node has taken the patch, and others have made further changes, perhaps of the same element.
  if (node === undefined && isPlain && isLater(current, version)) return true;
  // What is deleted may be created again by the same patch.
  const stored = differences.filter(
    ({ operation }) => operation === 'create' || operation === 'modify',
  );
  return (stored.length > 0 ? stored : differences).every((each) => {
    const trace = traceOf(each);
    return trace === undefined || isShown(each, elementAt(found, trace.path));
  });
}

/**
 * The CIB of this node, if the patch led to another one than was meant.
 * @returns undefined if it is as meant, or if it may be what others made of it
 * Faults: as showsPatch.
 */
export async function storedInstead(
  host: Host,
  patch: SentPatch,
): Promise<EditableXml | undefined> {
  const { found, version } = await readCib(host);
  if (version !== patch.version || isAsMeant(found, patch)) return undefined;
  // A node that joined just now may have got the coordinator's CIB, with another change of the same version.
  const isOurs = patch.differences.some((each) => {
    const path = traceOf(each)?.path ?? '';
    return !isDeepStrictEqual(elementAt(found, path), elementAt(patch.base, path));
  });
  return isOurs ? found : undefined;
}

async function readCib(
  host: Host,
  node?: string,
): Promise<{ found: EditableXml; version: string }> {
  const { stdout } = await runPacemakerTool(host, ['cibadmin', '--query', ...onNode(node)]);
  return { found: parseEditableXml(withoutStatus(stdout)), version: versionOfCib(stdout) };
}

function onNode(node: string | undefined): string[] {
  return node === undefined ? [] : ['--node', node];
}

/** The counters of <cib> are counted by Pacemaker. */
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
 * Whether the difference that says most is shown. Its path is ASCII: cibadmin 3.0 refuses others in the locale C (exit
 * code 64), and 2.1 damages the query, so that no answer comes.
 */
async function showsOne(
  host: Host,
  node: string | undefined,
  differences: readonly CibDifference[],
): Promise<boolean> {
  const [trace] = differences
    .flatMap((difference) => {
      const found = traceOf(difference);
      return found ? [{ ...found, difference }] : [];
    })
    .toSorted((a, b) => a.rank - b.rank);
  // Elements that were moved, and nothing more.
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
 * Where the trace of a difference is in a CIB. Lower ranks are asked first: a patch may delete an element and create it
 * again, so a creation says more.
 */
function traceOf(difference: CibDifference): { path: string; rank: number } | undefined {
  const { operation, path } = difference;
  switch (operation) {
    case 'create': {
      const { name, attributes } = difference.element;
      const { id } = attributes;
      // Another quoting than this no path of a difference has either.
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

/** @param element what is where the trace of the difference is */
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
