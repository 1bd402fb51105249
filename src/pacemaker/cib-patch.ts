import { Fault } from '../errors.ts';
import type { Command } from '../exec.ts';
import type { Host } from '../host.ts';
import { newElement, writeXml } from '../parsers/xml-edit.ts';
import type { XmlElement } from '../parsers/xml.ts';
import type { CibDifference } from './cib-differences.ts';
import { failureOf, refusalOf } from './tool.ts';

/**
 * Puts differences of the configuration in place, in one piece (cibadmin(8), `--patch`), if the configuration is
 * still what they were made of: a patch that names a version is taken for that alone.
 * @param base the CIB that they lead from. Not one from later than the one that is there: to that, 3.0 exits with 0
 * and does nothing.
 * @returns whether the configuration was still that; if not, nothing was changed
 * Faults: `cluster_refused`, `cluster_not_running`, those of Run. After `tool_timeout` the patch may still be applied:
 * a daemon that was stopped finds it in its queue when it goes on.
 */
export async function patchCib(
  host: Host,
  differences: readonly CibDifference[],
  base: XmlElement,
): Promise<boolean> {
  const argv: Command['argv'] = ['cibadmin', '--patch', '--xml-pipe'];
  const input = cibPatch(differences, base);
  const command = { argv, input, deadlineMs: host.changeDeadlineMs };
  const outcome = await host.run(command).catch(rethrowUnknown);
  switch (outcome.exitCode) {
    case 0:
      return true;
    // CRM_EX_OLD
    case 103:
      return false;
    default: {
      const failure = failureOf(argv, outcome);
      if (failure.code === 'tool_failed') throw refusalOf(argv, outcome);
      return rethrowUnknown(failure);
    }
  }
}

/** @throws the error; a `tool_timeout` with what it means for the change */
function rethrowUnknown(error: unknown): never {
  if (!(error instanceof Fault) || error.code !== 'tool_timeout') throw error;
  throw new Fault(
    'tool_timeout',
    `${error.message} Whether the change was made is not known, and it may still be made. When the cluster answers again, read the configuration before you ask for the change again.`,
    error.command && { command: error.command },
  );
}

/**
 * The patch that these differences are (format 2, as crm_diff(8) prints it).
 *
 * It names `admin_epoch` and `epoch`, never `num_updates`. Each node applies a patch by itself, and two nodes that
 * have the same configuration may have counted the updates of its status differently, for instance after one came
 * back: a patch that names such a count is taken by one node and refused by the other, and the cluster has two
 * configurations from then on (seen with 2.0.5). A count that is not named is not compared
 * (`xml_patch_version_check` in patchset.c).
 */
export function cibPatch(differences: readonly CibDifference[], base: XmlElement): string {
  const { admin_epoch = '0', epoch = '0' } = base.attributes;
  const version = newElement('version', {}, [
    newElement('source', { admin_epoch, epoch }),
    newElement('target', { admin_epoch, epoch: String(Number(epoch) + 1) }),
  ]);
  return writeXml({
    ...newElement('diff', { format: '2' }),
    children: [version, ...differences.map(changeOf)],
  });
}

function changeOf(difference: CibDifference): XmlElement {
  const { operation, path } = difference;
  switch (operation) {
    case 'create': {
      const change = newElement('change', {
        operation,
        path,
        position: String(difference.position),
      });
      return { ...change, children: [difference.element] };
    }
    case 'modify': {
      const list = [
        ...Object.entries(difference.set).map(([name, value]) =>
          newElement('change-attr', { name, operation: 'set', value }),
        ),
        ...difference.unset.map((name) => newElement('change-attr', { name, operation: 'unset' })),
      ];
      const { name, attributes } = difference.element;
      return newElement('change', { operation, path }, [
        newElement('change-list', {}, list),
        newElement('change-result', {}, [newElement(name, attributes)]),
      ]);
    }
    case 'move':
      return newElement('change', { operation, path, position: String(difference.position) });
    case 'delete':
      return newElement('change', { operation, path });
  }
}
