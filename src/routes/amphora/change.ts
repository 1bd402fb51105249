import type { Topologies } from '../../amphora/amphora.ts';
import type { Fields } from '../../server/table/field.ts';
import type { Row } from '../../server/table/row.ts';
import { type RecordedRow, recordedRow, type RecordedRowParts } from '../common/recorded-row.ts';

/** What changes of the amphora need besides their own domain. */
export interface ChangeParts extends RecordedRowParts {
  topologies: Pick<Topologies, 'refuseDuringChange'>;
}

/** A route that changes something. */
export type ChangingRow<F extends Fields> = RecordedRow<F> & {
  /** Whether it may be called during a change of the topology, which then refuses by itself. */
  isAlwaysOpen?: boolean;
};

export type MakeChange = <F extends Fields>(changing: ChangingRow<F>) => Row;

/** Makes rows that change something. No change is made during a change of the topology. */
export function changeRows({ topologies, ...parts }: ChangeParts): MakeChange {
  return ({ refuse, isAlwaysOpen = false, codes, ...rest }) =>
    recordedRow(parts, {
      ...rest,
      codes: [...(isAlwaysOpen ? [] : (['topology_transition'] as const)), ...codes],
      refuse(values) {
        refuse?.(values);
        if (!isAlwaysOpen) topologies.refuseDuringChange();
      },
    });
}
