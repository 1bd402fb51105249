import type { Change } from '../../changes/change.ts';
import type { ChangePipeline } from '../../changes/pipeline.ts';
import type { FaultCode } from '../../kit/fault.ts';
import type { Log } from '../../kit/log.ts';
import type { Fields, ValuesOf } from '../../server/table/field.ts';
import { type Call, type Reply, type Row, row } from '../../server/table/row.ts';

/** A route by which a controller changes something on this host. Its certificate has identified it. */
export type RecordedRow<F extends Fields> = Omit<Row<F>, 'role' | 'isChange' | 'handle'> & {
  /** Carries the change out. Its beginning is in the audit log already. */
  carryOut: (values: ValuesOf<F>, call: Call) => Promise<Reply>;
  /** Refuses a request before it is recorded. */
  refuse?: ((values: ValuesOf<F>) => void) | undefined;
};

export interface RecordedRowParts {
  changes: Pick<ChangePipeline, 'make'>;
  log: Log;
}

const ofRecords: readonly FaultCode[] = ['audit_failed', 'no_space', 'stopping'];

/**
 * Makes a row whose change has its beginning and its end in the audit log. Changes run side by side: the domain puts
 * those of one object in order.
 */
export function recordedRow<F extends Fields>(
  { changes, log }: RecordedRowParts,
  { carryOut, refuse, codes, ...rest }: RecordedRow<F>,
): Row {
  return row({
    ...rest,
    role: 'anyone',
    isChange: true,
    codes: [...ofRecords, ...codes],
    async handle(values, call) {
      refuse?.(values);
      const request = { request: call.audited(), ifVersion: undefined, waitMs: undefined };
      const change = concurrentChange(() => carryOut(values, call));
      const made = await call.workOn(changes.make(request, change));
      if (made.warnings.length > 0) {
        const { route } = request.request;
        log.warn({ route, warnings: made.warnings }, 'change with warnings');
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
