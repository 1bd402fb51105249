import type { Command } from '../exec.ts';
import type { Host } from '../host.ts';
import { parseXml, type XmlElement } from '../parsers/xml.ts';
import type { CibDifference } from './cib-differences.ts';
import { failureOf } from './tool.ts';

const answerDeadlineMs = 5000;

/**
 * Asks this node's controller which node is the coordinator, and that one whether it is (crmadmin(8), `--dc_lookup`): an
 * answer shows that both controllers work.
 * Faults: `tool_timeout` also if either does not answer, those of failureOf and of Run.
 */
export async function askCoordinator(host: Host): Promise<void> {
  const argv = ['crmadmin', '--dc_lookup'] as const;
  const deadlineMs = Math.min(answerDeadlineMs, host.readDeadlineMs);
  const outcome = await host.run({ argv, deadlineMs });
  if (outcome.exitCode !== 0) throw failureOf(argv, outcome);
}

/**
 * Whether the CIB of the coordinator (DC) shows a patch. A patch is applied whole or not at all, so one of its
 * differences is enough. No value is asked for, which other users could read in the process list.
 * @param coordinator the name of the node; cibadmin(8), `--node`. It gets the question after the patch, for both go
 * through corosync, which keeps their order.
 * Faults: `cluster_not_running`, `tool_timeout`, `tool_failed`, `unreadable_output`, those of Run.
 */
export async function coordinatorShows(
  host: Host,
  coordinator: string,
  differences: readonly CibDifference[],
): Promise<boolean> {
  const [trace] = differences.flatMap(traceOf).toSorted((a, b) => a.rank - b.rank);
  // Elements that were moved, and nothing more.
  if (trace === undefined) return true;
  const { path, isShownBy } = trace;
  // In the locale C, in which tools run here, cibadmin 3.0 refuses arguments beyond ASCII (exit code 64).
  const isAsked = isAscii(path);
  const argv: Command['argv'] = [
    ...(['cibadmin', '--query', '--node', coordinator] as const),
    ...(isAsked ? ['--xpath', path] : []),
  ];
  const outcome = await host.run({ argv, deadlineMs: host.readDeadlineMs });
  switch (outcome.exitCode) {
    case 0: {
      const found = parseXml(outcome.stdout);
      return isShownBy(isAsked ? found : elementAt(found, path));
    }
    // CRM_EX_NOSUCH
    case 105:
      return isShownBy(undefined);
    default:
      throw failureOf(argv, outcome);
  }
}

/** The trace of a difference in a CIB. */
interface Trace {
  path: string;
  /** @param element what is at the path */
  isShownBy: (element: XmlElement | undefined) => boolean;
  /** Lower ranks are asked first. A patch may delete an element and create it again, so a creation says more. */
  rank: number;
}

function traceOf(difference: CibDifference): Trace[] {
  const { operation, path } = difference;
  switch (operation) {
    case 'create': {
      const { name, attributes } = difference.element;
      const { id } = attributes;
      // Another quoting than this no path of a difference has either.
      if (id?.includes("'") === true) return [];
      const step = id === undefined ? name : `${name}[@id='${id}']`;
      return [{ path: `${path}/${step}`, isShownBy: has(attributes), rank: 0 }];
    }
    case 'modify': {
      const { set, unset } = difference;
      const isShownBy = (element?: XmlElement) =>
        has(set)(element) && unset.every((name) => element?.attributes[name] === undefined);
      return [{ path, isShownBy, rank: 1 }];
    }
    case 'delete':
      return [{ path, isShownBy: (element) => element === undefined, rank: 2 }];
    case 'move':
      return [];
  }
}

/** Values beyond ASCII are not compared, for Pacemaker before 3.0 may store others. */
function has(attributes: Readonly<Record<string, string>>) {
  return (element?: XmlElement): boolean =>
    element !== undefined &&
    Object.entries(attributes).every(
      ([name, value]) => element.attributes[name] === value || !isAscii(value),
    );
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

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
