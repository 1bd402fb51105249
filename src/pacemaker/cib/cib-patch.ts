import { Fault, type FaultCode } from '../../kit/fault.ts';
import type { Command, Outcome } from '../../kit/exec.ts';
import type { PacemakerHost } from '../paths.ts';
import { newElement, writeXml } from '../../parsers/xml-edit.ts';
import type { XmlElement } from '../../parsers/xml.ts';
import type { CibDifference } from './cib-differences.ts';
import { failureOf, refusalOf } from '../tool.ts';

/**
 * Applies differences of the configuration in one piece (cibadmin(8), `--patch`), if the configuration is still their
 * base: a patch with a version is applied only to that version.
 * @param base the CIB from which the differences lead. It must not be later than the cluster's CIB: then 3.0 exits with 0
 * and does nothing.
 * @returns whether the configuration was still the base; if not, nothing was changed
 * Faults: `cluster_refused`; `outcome_unknown` if the patch may still be applied because Pacemaker gave no verdict; those
 * of Run from before the patch was sent.
 */
export async function patchCib(
  host: PacemakerHost,
  differences: readonly CibDifference[],
  base: XmlElement,
): Promise<boolean> {
  const argv: Command['argv'] = ['cibadmin', '--patch', '--xml-pipe'];
  const input = cibPatch(differences, base);
  let outcome: Outcome;
  try {
    outcome = await host.run({ argv, input, deadlineMs: host.changeDeadlineMs });
  } catch (error) {
    if (error instanceof Fault && afterSending.includes(error.code)) throw unknown(error);
    throw error;
  }
  if (outcome.exitCode === 0) return true;
  // CRM_EX_OLD
  if (outcome.exitCode === 103) return false;
  if (withoutVerdict.includes(outcome.exitCode)) throw unknown(failureOf(argv, outcome));
  throw refusalOf(argv, outcome);
}

/** Faults of Run that are possible after the patch was sent. */
const afterSending: readonly FaultCode[] = [
  'tool_timeout',
  'tool_ended_by_signal',
  'output_too_large',
];

/**
 * The exit codes of cibadmin if it gets no verdict on what it sent (`cib_native_perform_op_delegate` in libcib, results.c):
 * CRM_EX_ERROR on a node that waits for the coordinator's CIB (pcmk_err_diff_resync) while the others may apply the patch,
 * CRM_EX_OSERR for ECOMM, CRM_EX_PROTOCOL for ENOMSG, CRM_EX_DISCONNECT for ENOTCONN, CRM_EX_TIMEOUT for ETIME.
 */
const withoutVerdict: readonly number[] = [1, 71, 76, 102, 124];

function unknown({ message, command }: Fault): Fault {
  return new Fault(
    'outcome_unknown',
    `${message} The change had been sent to the cluster, which may have made it, or may make it yet. Read the configuration before you ask again.`,
    { ...(command && { command }) },
  );
}

/**
 * The differences as a patch (format 2, as crm_diff(8) prints it).
 *
 * The patch has `admin_epoch` and `epoch`, but never `num_updates`. Each node applies a patch by itself. Two nodes with the
 * same configuration may count the updates of its status differently, for instance after one came back. If a patch has such
 * a count, one node may apply it and another one refuse it, and then the cluster has two configurations (seen with 2.0.5).
 * A count that is missing is not compared (`xml_patch_version_check` in patchset.c).
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
