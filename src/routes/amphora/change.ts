import type { Topologies } from '../../amphora/amphora.ts';
import type { Change } from '../../changes/change.ts';
import type { ChangePipeline } from '../../changes/pipeline.ts';
import type { FaultCode } from '../../kit/fault.ts';
import type { Log } from '../../kit/log.ts';
import type { Fields, ValuesOf } from '../../server/table/field.ts';
import { type Call, type Reply, type Row, row } from '../../server/table/row.ts';

/** What changes of the amphora need besides their own domain. */
export interface ChangeParts {
  topologies: Pick<Topologies, 'refuseDuringChange'>;
  changes: Pick<ChangePipeline, 'make'>;
  log: Log;
}

/** A route that changes something. */
export type ChangingRow<F extends Fields> = Omit<Row<F>, 'role' | 'isChange' | 'handle'> & {
  /** Carries the change out. Its beginning is in the audit log already. */
  carryOut: (values: ValuesOf<F>, call: Call) => Promise<Reply>;
  /** Refuses a request before it is recorded. */
  refuse?: (values: ValuesOf<F>) => void;
  /** Whether it may be called during a change of the topology, which then refuses by itself. */
  isAlwaysOpen?: boolean;
};

export type MakeChange = <F extends Fields>(changing: ChangingRow<F>) => Row;

const ofChanges: readonly FaultCode[] = ['audit_failed', 'no_space', 'stopping'];

/**
 * Makes rows that change something. The audit log has the beginning and the end of each change, and no change is made
 * during a change of the topology. Changes run side by side: the domain puts those of one object in order.
 */
export function changeRows({ topologies, changes, log }: ChangeParts): MakeChange {
  return ({ carryOut, refuse, isAlwaysOpen = false, codes, ...rest }) =>
    row({
      ...rest,
      role: 'anyone',
      isChange: true,
      codes: [...ofChanges, ...(isAlwaysOpen ? [] : (['topology_transition'] as const)), ...codes],
      async handle(values, call) {
        refuse?.(values);
        if (!isAlwaysOpen) topologies.refuseDuringChange();
        const request = { request: call.audited(), ifVersion: undefined, waitMs: undefined };
        const change = concurrentChange(() => carryOut(values, call));
        const made = await call.workOn(changes.make(request, change));
        if (made.warnings.length > 0) {
          log.warn(
            { route: request.request.route, warnings: made.warnings },
            'change with warnings',
          );
        }
        return made.answer;
      },
    });
}

function concurrentChange<T>(work: () => Promise<T>): Change<T> {
  return {
    hasVersion: false,
    isConcurrent: true,
    begin: () => ({
      async carryOut({ recorded }) {
        await recorded;
        return work();
      },
    }),
  };
}
