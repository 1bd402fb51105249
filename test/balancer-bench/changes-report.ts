import { percentile } from '../bench/timing.ts';
import type { ChangesResult } from './first-byte.ts';
import { none, type Report, reportOf, type Row, seconds, worst } from './report.ts';

/** What happened while the machine stood still for longer than this does not count. */
export const maxLateMs = 100;

const maxFirstMs = 5000;
const maxChangeMs = 1500;

export function changesReport(title: string, all: readonly ChangesResult[]): Report {
  const good = all.filter(({ lateMs }) => lateMs <= maxLateMs);
  const firsts = good.flatMap((each) => (each.kind === 'first' ? [each.ms] : []));
  const changes = good.flatMap((each) => (each.kind === 'change' ? [each] : []));
  const loads = all.flatMap((each) => (each.kind === 'load' ? [each] : []));
  const kinds = [...new Set(changes.map(({ what }) => what))];
  const rows: Row[] = [
    {
      what: `from the first POST to the first byte (p50, worst of ${firsts.length})`,
      measured: `${seconds(percentile(firsts, 0.5))}, ${seconds(worst(firsts))}`,
      ...{ bar: 'worst 5 s', isHeld: firsts.length > 0 && worst(firsts) <= maxFirstMs },
    },
    changeRow(
      'a change under load to ACTIVE',
      changes.map(({ ms }) => ms),
    ),
    ...kinds.map((kind) => {
      const times = changes.filter(({ what }) => what === kind).map(({ ms }) => ms);
      const { what, measured } = changeRow(kind, times);
      return { what, measured };
    }),
    none(
      'changes that were not made',
      all.flatMap((each) =>
        each.kind === 'change' && each.problem ? [`${each.what}: ${each.problem}`] : [],
      ),
    ),
    none(
      `failed of ${loads.reduce((sum, { requests }) => sum + requests, 0)} requests, half of them on kept connections`,
      loads.flatMap(({ failures }) => failures),
    ),
    {
      what: `left out, because the witness was late by more than ${maxLateMs} ms`,
      measured: `${all.filter((each) => each.kind !== 'load').length - firsts.length - changes.length}`,
    },
  ];
  return reportOf(title, rows);
}

function changeRow(what: string, times: readonly number[]): Row {
  const high = percentile(times, 0.95);
  return {
    what: `${what} (p50, p95, worst of ${times.length})`,
    measured: `${seconds(percentile(times, 0.5))}, ${seconds(high)}, ${seconds(worst(times))}`,
    ...{ bar: 'p95 1.5 s', isHeld: times.length > 0 && high <= maxChangeMs },
  };
}
