import type { ClusterChange } from '../../cluster/edits/cluster-change.ts';
import type { ClusterChanges } from '../../cluster/edits/engine/attempt.ts';
import type { Fields, ValuesOf } from '../../server/table/field.ts';
import type { Call, Row } from '../../server/table/row.ts';
import type { ChangeAnswer, ChangeKind } from '../common/described.ts';
import { type ChangeDomain, type ChangeRoute, changeRows } from '../common/change.ts';

/** A route that changes the cluster. */
export interface ClusterChangeRoute<F extends Fields, T> extends Omit<ChangeRoute<F, T>, 'change'> {
  change: (values: ValuesOf<F>, call: Call) => ClusterChange<T>;
}

export type ClusterChangeRows = <F extends Fields, T>(
  route: ClusterChangeRoute<F, T> & ChangeAnswer,
) => Row;

/** Makes the rows of routes that change the cluster. */
export function clusterChangeRows(
  domain: ChangeDomain & { clusterChanges: ClusterChanges },
  kind: ChangeKind,
): ClusterChangeRows {
  const changing = changeRows(domain, kind);
  return <F extends Fields, T>({ change, ...route }: ClusterChangeRoute<F, T> & ChangeAnswer) =>
    changing<F, T>({
      ...route,
      change: (values, call) => domain.clusterChanges(change(values, call)),
    });
}
